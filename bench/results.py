"""Train all presets on the real images and write docs/measurements/results.md.

    SEAMLINE_DATA=... python bench/results.py [--only garments|garments-best|facades|photos] [--out runs/results]

Takes hours on two cores. Finished runs are reused and interrupted ones resume, so the command can be repeated. `--only`
renews one part of the page and takes the others from bench/results/results.json.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results_facades
import results_garments
import results_photos
from results_store import read_results, write_page, write_results

Part = tuple[Callable[[Path, Path | None], Any], Callable[[Any], str]]

PARTS: dict[str, Part] = {
    "garments": (results_garments.collect_all, results_garments.page),
    "garments-best": (results_garments.collect_best, results_garments.best_page),
    "facades": (results_facades.collect_all, results_facades.page),
    "photos": (results_photos.collect_all, results_photos.page),
}


def page(figures: dict[str, Any]) -> str:
    """Return the page."""
    parts = [part(figures[name]) for name, (_, part) in PARTS.items() if name in figures]
    return "\n".join(["# Results\n", *parts])


def main() -> None:
    """Train, collect the values and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument(
        "--data", type=Path, default=None, help="folder that holds fashion-mnist, facades and hymenoptera"
    )
    parser.add_argument("--only", choices=tuple(PARTS))
    options = parser.parse_args()
    figures = read_results("results")
    for name, (collect, _) in PARTS.items():
        if options.only in (None, name):
            figures[name] = collect(options.out, options.data)
    write_results("results", figures)
    write_page("results", page(figures))


if __name__ == "__main__":
    main()
