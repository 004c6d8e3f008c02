"""Tries damaged files one after the other and tells what came of each; bench/fuzz.py watches it from outside.

    python bench/fuzz_worker.py READER SEED FIRST LAST RUNS

After a first line it prints a line of JSON a case: `case`, `outcome` (`worked`, `refused` or `defect`), `text`,
`seconds` and `peak` (bytes held at most, as far as the system tells).
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz_readers import READERS
from mutations import mutate
from seamline.errors import SeamlineError

MEMORY = 1 << 30
"""Bytes that the process may hold while it reads a file."""

_LONGEST = 1_500  # letters of a message


def tried(reader: str, seed: int, cases: range, runs: Path, memory: int = MEMORY) -> Iterator[dict[str, Any]]:
    """Try a reader's damaged files, each drawn from the seed and its own number alone.

    Args:
        reader: a key of `READERS`.
        seed: decides, with the number of each, how files are damaged.
        cases: the numbers of the files.
        runs: a folder of finished runs, for readers that need them.
        memory: bytes that the process may hold at most.

    Yields:
        What came of each, as above.
    """
    one = READERS[reader]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        folder = Path(work, "set")
        one.make(folder, runs)
        files = one.targets(folder)
        whole = {file: file.read_bytes() for file in files}
        for case in cases:
            chance = random.Random(f"{seed} {reader} {case}")  # noqa: S311 - no secret
            file = chance.choice(files)
            others = [content for other, content in whole.items() if other.suffix == file.suffix]
            file.write_bytes(mutate(file.name, whole[file], others, chance))
            _forget_peak()
            begun = time.perf_counter()
            outcome, text = _outcome(reader, folder, file)
            seconds, peak = time.perf_counter() - begun, _peak()
            if peak > memory:
                outcome, text = "defect", f"{peak / 1e9:.2f} GB of memory ({outcome}: {text})"
            file.write_bytes(whole[file])
            yield {"case": case, "file": file.name, "outcome": outcome, "text": text, "seconds": seconds, "peak": peak}


def _outcome(reader: str, folder: Path, file: Path) -> tuple[str, str]:
    """Read a damaged file; return what came of it, and the message."""
    try:
        READERS[reader].attempt(folder, file)
    except SeamlineError as error:
        text = str(error)
        fine = len(text.splitlines()) == 1 and text.isprintable() and len(text) <= _LONGEST
        return ("refused" if fine else "defect"), text
    except BaseException:  # whatever it is, it is a defect
        return "defect", traceback.format_exc()
    return "worked", ""


def _forget_peak() -> None:
    """Let the system count from here how much memory is held at most; Linux alone can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> int:
    """Return how many bytes were held at most."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Try the cases that the command line names."""
    reader, seed, first, last, runs = sys.argv[1:]
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + 3 * MEMORY, held + 3 * MEMORY))  # the machine is not ours alone
    print(json.dumps({"ready": reader}), flush=True)
    for outcome in tried(reader, int(seed), range(int(first), int(last)), Path(runs)):
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
