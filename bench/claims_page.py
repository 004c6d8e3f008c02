"""OUT/claims/claims.md, which `seamline reproduce --claims --out OUT` writes -> docs/measurements/claims.md.

    python bench/claims_page.py [OUT]      (by default runs)

The page gets an entry in the index of the measurements.
"""

import sys
from pathlib import Path

import results_store
from seamline.evaluation.text import join_and, pluralize
from seamline.io import write_text
from seamline.report.formatting import duration
from seamline.run_folder import SweepFolder

NAME = "claims"
"""Name of the page."""


def page(folder: Path) -> str:
    """Return the page of finished claims, with where they were measured below its title.

    Args:
        folder: holds `claims.md` and the folders of the sweeps.

    Raises:
        FileNotFoundError: there is no `claims.md`.
        SeamlineError: a sweep cannot be read.
    """
    title, text = (folder / "claims.md").read_text(encoding="utf-8").split("\n\n", 1)
    sweeps = [SweepFolder(file.parent) for file in sorted(folder.glob("*/sweep.json"))]
    infos = [sweep.info.read() for sweep in sweeps]
    runs = [(sweep, run) for sweep, info in zip(sweeps, infos, strict=True) for run in info.runs]
    finished = [sweep.run(run.name).info.read() for sweep, run in runs if run.state == "finished"]
    machines, versions = ({one.machine for one in finished}, {info.seamline for info in infos})
    head = (
        f"`seamline reproduce --claims` measured this on {join_and(sorted(machines))}, with Seamline "
        f"{join_and(sorted(versions))}: {pluralize(len(runs), 'run')} in {pluralize(len(sweeps), 'sweep')}, "
        f"whose times add up to {duration(sum(run.seconds for _, run in runs))}. "
        "`python bench/claims_page.py` wrote this page."
    )
    return f"{title}\n\n{head}\n\n{text}"


def add_entry(index: Path) -> None:
    """Add the page to the index of the measurements, after the results, unless it is there."""
    lines = index.read_text(encoding="utf-8").splitlines()
    if NAME not in lines:
        lines.insert(lines.index("results") + 1, NAME)
        write_text(index, "\n".join(lines) + "\n")


def main() -> None:
    """Write the page of the folder that the command line names."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    results_store.write_page(NAME, page(out / "claims"))
    add_entry(results_store.PAGES / "index.md")


if __name__ == "__main__":
    main()
