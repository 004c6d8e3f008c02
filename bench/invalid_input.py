"""Tries every bad input of the list and writes down, word for word, what it gets.

    python bench/invalid_input.py

Writes its half of docs/measurements/input-validation.md; the other half is written by bench/fuzz.py.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import fuzz_corpus
import invalid_input_page
from invalid_folders import DISKS, FOLDERS, PLACES, TABLES
from invalid_images import IMAGES
from invalid_inputs import Bad, tried
from invalid_runs import NAMES, RUNS

GROUPS: Mapping[str, Sequence[Bad]] = {
    "Images": IMAGES,
    "Folders of photos": FOLDERS,
    "Tables and JSON": TABLES,
    "Links and permissions": PLACES,
    "Disks": DISKS,
    "Run folders": RUNS,
    "Names": NAMES,
}


def rows(group: Sequence[Bad], runs: Path | None) -> list[tuple[str, str]]:
    """Try the inputs of a group, each in a folder of its own.

    Args:
        group: the inputs.
        runs: a folder of finished runs, see `fuzz_corpus.write_runs`; None leaves out the inputs that need them.

    Returns:
        What each is, and the line that it gets.
    """
    found = []
    for bad in group:
        with tempfile.TemporaryDirectory(prefix="bad-", ignore_cleanup_errors=True) as place:
            folder = Path(place).resolve() / "here"
            folder.parent.chmod(0o755)  # for what is tried as another user
            folder.mkdir()
            if bad.run:
                if runs is None:
                    continue
                shutil.copytree(runs / "labels", folder / "run")
                shutil.copytree(runs / "other", folder / "other")
            found.append((bad.title, tried(bad, folder)))
    return found


def main() -> None:
    """Try all, and write the page."""
    with tempfile.TemporaryDirectory(prefix="bad-runs-") as place:
        runs = Path(place)
        runs.chmod(0o777)
        os.environ["SEAMLINE_CACHE"] = str(runs / "cache")
        fuzz_corpus.write_runs(runs)
        found = {title: rows(group, runs) for title, group in GROUPS.items()}
    invalid_input_page.keep("inputs", {"rows": found})
    print(f"{sum(map(len, found.values()))} bad inputs tried")


if __name__ == "__main__":
    main()
