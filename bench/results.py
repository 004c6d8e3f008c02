"""Every figure of docs/results.md: trains the recipes of both studies on the real images, and writes the page.

    SEAMLINE_DATA=... python bench/results.py [--only garments|facades] [--out runs/results]

Hours on two cores. A run that is finished is not trained again and one that was interrupted goes on, so the call can be
repeated until it is through. `--only` renews one study's half and takes the other from docs/results.json.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results_facades
import results_garments
from seamline.io import write_json, write_text

DOCS = Path(__file__).parent.parent / "docs"

Part = tuple[Callable[[Path, Path | None], dict[str, Any]], Callable[[dict[str, Any]], str]]

PARTS: dict[str, Part] = {
    "garments": (results_garments.collect_all, results_garments.page),
    "facades": (results_facades.collect_all, results_facades.page),
}


def main() -> None:
    """Train, collect and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/results"))
    parser.add_argument("--data", type=Path, default=None, help="folder that holds fashion-mnist and facades")
    parser.add_argument("--only", choices=tuple(PARTS))
    options = parser.parse_args()
    file = DOCS / "results.json"
    figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for name, (collect, _) in PARTS.items():
        if options.only in (None, name):
            figures[name] = collect(options.out, options.data)
    write_json(file, figures)
    halves = [page(figures[name]) for name, (_, page) in PARTS.items() if name in figures]
    write_text(DOCS / "results.md", "\n".join(["# Results\n", *halves]))
    print(f"The results: {DOCS / 'results.md'}")


if __name__ == "__main__":
    main()
