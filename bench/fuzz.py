"""Pass thousands of mutated files to every reader; each must be read, or rejected with a one-line error.

    python bench/fuzz.py [--seed 0] [--fraction 1.0] [--jobs 2] [--only READER]

Each file is a function of the seed and its index (bench/mutations.py). Child processes read the files under
supervision: one without output for ten seconds (thirty for a report) has failed. Writes its half of
docs/measurements/input-validation.md. The exit status is 1 if anything but a result or a one-line error occurred.
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
START_TIMEOUT = 120.0
"""Seconds until a child process must have started."""
BATCH = 250
"""Cases per child process."""


def supervise(reader: str, seed: int, first: int, last: int, runs: Path) -> list[dict[str, Any]]:
    """Run cases `first` to `last` of a reader; if a process hangs or crashes, another one continues after that case.

    Returns:
        The outcome of each case, see bench/fuzz_worker.py.
    """
    outcomes_of_batch: list[dict[str, Any]] = []
    while first < last:
        with tempfile.TemporaryDirectory(prefix="fuzz-work-") as folder:
            start = time.perf_counter()
            lines, failure = _lines(reader, seed, first, last, runs, Path(folder))
        outcomes_of_batch += lines
        first += len(lines)
        if first < last:
            cost = {"seconds": time.perf_counter() - start, "peak": 0}
            outcomes_of_batch.append({"case": first, "file": "", "outcome": "defect", "text": failure, **cost})
            first += 1
    return outcomes_of_batch


def _lines(reader: str, seed: int, first: int, last: int, runs: Path, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Run a process until it ends or times out; return its output lines and the reason of a failure."""
    environment = os.environ | {"SEAMLINE_CACHE": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(WORKER), reader, str(seed), str(first), str(last), str(runs)]
    with (folder / "stderr").open("w+b") as stderr:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr)
        output: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        reader_thread = threading.Thread(target=_read_lines, args=(process.stdout, output), daemon=True)
        reader_thread.start()
        lines: list[dict[str, Any]] = []
        limit, failure = START_TIMEOUT, ""
        try:
            while line := output.get(timeout=limit):
                lines.append(json.loads(line))
                limit = READERS[reader].limit
        except queue.Empty:
            failure = f"timeout after {limit:.0f} s"
            process.kill()
        process.wait()
        reader_thread.join()
        if process.stdout is not None:
            process.stdout.close()
        stderr.seek(0)
        failure = (
            failure or f"the process ended with {process.returncode}: {stderr.read()[-2_000:].decode(errors='replace')}"
        )
    return lines[1:], failure


def _read_lines(stream: IO[bytes], output: "queue.SimpleQueue[bytes]") -> None:
    for line in stream:
        output.put(line)
    output.put(b"")


def main() -> None:
    """Fuzz every reader and store the results."""
    import invalid_input_page

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fraction", type=float, default=1.0, help="fraction of the cases of each reader")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=READERS, action="append", help="one reader; writes no page")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):  # error messages can contain any characters
        sys.stdout.reconfigure(errors="backslashreplace")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-runs-") as temporary, ThreadPoolExecutor(options.jobs) as pool:
        runs = Path(temporary)
        fuzz_corpus.write_runs(runs)
        batches = [
            (name, first, min(first + BATCH, count))
            for name in options.only or READERS
            for count in [round(options.fraction * READERS[name].cases)]
            for first in range(0, count, BATCH)
        ]
        results = pool.map(lambda outcome: supervise(outcome[0], options.seed, outcome[1], outcome[2], runs), batches)
        outcomes: dict[str, list[dict[str, Any]]] = {}
        for (name, first, last), outcomes_of_batch in zip(batches, results, strict=True):
            outcomes.setdefault(name, []).extend(outcomes_of_batch)
            defects = [outcome for outcome in outcomes_of_batch if outcome["outcome"] == "defect"]
            print(f"{name} {first}-{last}: {len(defects)} defects", flush=True)
            for outcome in defects:
                print(f"  case {outcome['case']} ({outcome['file']}): {outcome['text'].strip()}", flush=True)
    seconds = time.perf_counter() - start
    if options.only is None:
        invalid_input_page.store("fuzz", {"seed": options.seed, "seconds": seconds, "readers": summarize(outcomes)})
    defects = sum(
        outcome["outcome"] == "defect" for outcomes_of_batch in outcomes.values() for outcome in outcomes_of_batch
    )
    total = sum(map(len, outcomes.values()))
    print(f"{total - defects:,} of {total:,} were read or rejected in one line, in {seconds / 60:.0f} min")
    sys.exit(1 if defects else 0)


def summarize(outcomes: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return files, outcomes, slowest case in seconds and peak memory in bytes of each reader."""
    return {
        name: {
            "title": READERS[name].title,
            "files": len(outcomes_of_batch),
            **{
                kind: sum(outcome["outcome"] == kind for outcome in outcomes_of_batch)
                for kind in ("read", "rejected", "defect")
            },
            "slowest": max(outcome["seconds"] for outcome in outcomes_of_batch),
            "peak": max(outcome["peak"] for outcome in outcomes_of_batch),
        }
        for name, outcomes_of_batch in outcomes.items()
    }


if __name__ == "__main__":
    main()
