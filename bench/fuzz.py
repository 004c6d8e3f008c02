"""Gives every reader thousands of damaged files; each must be read, or be refused in one line.

    python bench/fuzz.py [--seed 0] [--share 1.0] [--jobs 2] [--only READER]

Files are damaged by chance, but the same seed damages them the same way again (bench/mutations.py). They are read in
processes that are watched from outside: one that is silent for ten seconds, thirty where a page is drawn, hangs.
Writes its half of docs/measurements/input-validation.md. The status is 1 where anything else came than a result or one
line.
"""

import argparse
import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import fuzz_corpus
from fuzz_readers import READERS

WORKER = Path(__file__).parent / "fuzz_worker.py"
START = 120.0
"""Seconds that a process may take to begin."""
PORTION = 250
"""Cases of one process."""


def watched(reader: str, seed: int, first: int, last: int, runs: Path) -> list[dict[str, Any]]:
    """Try cases `first` to `last` of a reader; a process that hangs or dies is ended, and the next goes on behind it.

    Returns:
        What came of each, see bench/fuzz_worker.py.
    """
    found: list[dict[str, Any]] = []
    while first < last:
        with tempfile.TemporaryDirectory(prefix="fuzz-work-") as work:
            begun = time.perf_counter()
            lines, fault = _lines(reader, seed, first, last, runs, Path(work))
        found += lines
        first += len(lines)
        if first < last:
            cost = {"seconds": time.perf_counter() - begun, "peak": 0}
            found.append({"case": first, "file": "", "outcome": "defect", "text": fault, **cost})
            first += 1
    return found


def _lines(reader: str, seed: int, first: int, last: int, runs: Path, work: Path) -> tuple[list[dict[str, Any]], str]:
    """Run one process until its end, or until it is silent for too long; return its lines and why it ended."""
    settings = os.environ | {"SEAMLINE_CACHE": str(work), "TMPDIR": str(work), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, str(WORKER), reader, str(seed), str(first), str(last), str(runs)]
    with (work / "said").open("w+b") as said:
        process = subprocess.Popen(words, env=settings, stdout=subprocess.PIPE, stderr=said)
        catch_signals: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        listener = threading.Thread(target=_listen, args=(process.stdout, catch_signals), daemon=True)
        listener.start()
        lines: list[dict[str, Any]] = []
        limit, fault = START, ""
        try:
            while line := catch_signals.get(timeout=limit):
                lines.append(json.loads(line))
                limit = READERS[reader].limit
        except queue.Empty:
            fault = f"hangs: no end after {limit:.0f} s"
            process.kill()
        process.wait()
        listener.join()
        if process.stdout is not None:
            process.stdout.close()
        said.seek(0)
        fault = fault or f"the process ended with {process.returncode}: {said.read()[-2_000:].decode(errors='replace')}"
    return lines[1:], fault


def _listen(stream: IO[bytes], catch_signals: "queue.SimpleQueue[bytes]") -> None:
    for line in stream:
        catch_signals.put(line)
    catch_signals.put(b"")


def main() -> None:
    """Try every reader, and write what came of it."""
    import invalid_input_page

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the cases of each reader")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=READERS, action="append", help="a reader; nothing is written then")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # messages hold whatever the files did
        sys.stdout.reconfigure(errors="backslashreplace")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-runs-") as place, ThreadPoolExecutor(options.jobs) as pool:
        runs = Path(place)
        fuzz_corpus.write_runs(runs)
        iter_batches = [
            (name, first, min(first + PORTION, count))
            for name in options.only or READERS
            for count in [round(options.share * READERS[name].cases)]
            for first in range(0, count, PORTION)
        ]
        done = pool.map(lambda one: watched(one[0], options.seed, one[1], one[2], runs), iter_batches)
        outcomes: dict[str, list[dict[str, Any]]] = {}
        for (name, first, last), found in zip(iter_batches, done, strict=True):
            outcomes.setdefault(name, []).extend(found)
            wrong = [one for one in found if one["outcome"] == "defect"]
            print(f"{name} {first}-{last}: {len(wrong)} defects", flush=True)
            for one in wrong:
                print(f"  case {one['case']} ({one['file']}): {one['text'].strip()}", flush=True)
    seconds = time.perf_counter() - begun
    if options.only is None:
        invalid_input_page.keep("fuzz", {"seed": options.seed, "seconds": seconds, "readers": counted(outcomes)})
    defects = sum(one["outcome"] == "defect" for found in outcomes.values() for one in found)
    total = sum(map(len, outcomes.values()))
    print(f"{total - defects:,} of {total:,} were read or refused in one line, in {seconds / 60:.0f} min")
    sys.exit(1 if defects else 0)


def counted(outcomes: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the figures of each reader: files, worked, refused, defects, the slowest in seconds, peak in bytes."""
    return {
        name: {
            "title": READERS[name].title,
            "files": len(found),
            **{kind: sum(one["outcome"] == kind for one in found) for kind in ("worked", "refused", "defect")},
            "slowest": max(one["seconds"] for one in found),
            "peak": max(one["peak"] for one in found),
        }
        for name, found in outcomes.items()
    }


if __name__ == "__main__":
    main()
