"""Pass every invalid input of a list to its reader and store the error messages verbatim.

    python bench/invalid_input.py

Writes its half of docs/measurements/input-validation.md; bench/fuzz.py writes the other half.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import fuzz_corpus
import invalid_input_page
from invalid_folders import DISKS, FOLDERS, PERMISSIONS, TABLES
from invalid_images import IMAGES
from invalid_inputs import InvalidInput, error_message
from invalid_runs import NAMES, RUNS

GROUPS: Mapping[str, Sequence[InvalidInput]] = {
    "Images": IMAGES,
    "Folders of photos": FOLDERS,
    "Tables and JSON": TABLES,
    "Links and permissions": PERMISSIONS,
    "Disks": DISKS,
    "Run folders": RUNS,
    "Names": NAMES,
}


def rows(group: Sequence[InvalidInput], runs: Path | None) -> list[tuple[str, str]]:
    """Run the inputs of a group, each in its own folder.

    Args:
        group: the inputs.
        runs: folder of finished runs, see `fuzz_corpus.write_runs`; None skips the inputs that need them.

    Returns:
        Title and message of each input.
    """
    messages = []
    for case in group:
        with tempfile.TemporaryDirectory(prefix="invalid-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary).resolve() / "images"
            folder.parent.chmod(0o755)  # some inputs are read as another user
            folder.mkdir()
            if case.run:
                if runs is None:
                    continue
                shutil.copytree(runs / "labels", folder / "run")
                shutil.copytree(runs / "other", folder / "other")
            messages.append((case.title, error_message(case, folder)))
    return messages


def main() -> None:
    """Run all inputs and write the page."""
    with tempfile.TemporaryDirectory(prefix="invalid-runs-") as temporary:
        runs = Path(temporary)
        runs.chmod(0o777)
        os.environ["SEAMLINE_CACHE"] = str(runs / "cache")
        fuzz_corpus.write_runs(runs)
        messages = {title: rows(group, runs) for title, group in GROUPS.items()}
    invalid_input_page.store("inputs", {"rows": messages})
    print(f"{sum(map(len, messages.values()))} invalid inputs")


if __name__ == "__main__":
    main()
