"""Read mutated files one after the other and print the outcome of each; bench/fuzz.py supervises this process.

    python bench/fuzz_worker.py READER SEED FIRST LAST RUNS

After a first line it prints one JSON line per case: `case`, `file`, `outcome` (`read`, `rejected` or `defect`), `text`,
`seconds` and `peak` (peak memory in bytes).
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
"""Memory limit of the process in bytes while it reads a file."""

_MAX_MESSAGE = 1_500  # characters


def run_cases(reader: str, seed: int, cases: range, runs: Path, memory: int = MEMORY) -> Iterator[dict[str, Any]]:
    """Pass mutated files to a reader; each is a function of the seed and its index.

    Args:
        reader: a key of `READERS`.
        seed: seed of the mutations.
        cases: indices of the files.
        runs: folder of finished runs, for the readers that need them.
        memory: memory limit of the process in bytes.

    Yields:
        The outcome of each case, as above.
    """
    spec = READERS[reader]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        folder = Path(temporary, "set")
        spec.write(folder, runs)
        files = spec.targets(folder)
        originals = {file: file.read_bytes() for file in files}
        for case in cases:
            rng = random.Random(f"{seed} {reader} {case}")  # noqa: S311 - not for secrets
            file = rng.choice(files)
            others = [content for other, content in originals.items() if other.suffix == file.suffix]
            file.write_bytes(mutate(file.name, originals[file], others, rng))
            _reset_peak()
            start = time.perf_counter()
            outcome, text = _outcome(reader, folder, file)
            seconds, peak = time.perf_counter() - start, _peak()
            if peak > memory:
                outcome, text = "defect", f"{peak / 1e9:.2f} GB of memory ({outcome}: {text})"
            file.write_bytes(originals[file])
            yield {"case": case, "file": file.name, "outcome": outcome, "text": text, "seconds": seconds, "peak": peak}


def _outcome(reader: str, folder: Path, file: Path) -> tuple[str, str]:
    """Read a mutated file; return the outcome and the message."""
    try:
        READERS[reader].read(folder, file)
    except SeamlineError as error:
        text = str(error)
        is_valid = len(text.splitlines()) == 1 and text.isprintable() and len(text) <= _MAX_MESSAGE
        return ("rejected" if is_valid else "defect"), text
    except BaseException:  # any other exception is a defect
        return "defect", traceback.format_exc()
    return "read", ""


def _reset_peak() -> None:
    """Reset the peak memory of the process, on Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> int:
    """Return the peak memory of the process in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Run the cases of the command line."""
    reader, seed, first, last, runs = sys.argv[1:]
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + 3 * MEMORY, used + 3 * MEMORY))  # protects the machine
    print(json.dumps({"ready": reader}), flush=True)
    for outcome in run_cases(reader, int(seed), range(int(first), int(last)), Path(runs)):
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
