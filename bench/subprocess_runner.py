"""Run programs one at a time, each in its own process, and measure time and memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
ROOT = BENCH.parent


@dataclass(frozen=True)
class Cost:
    """Time, memory and output of a program.

    Attributes:
        seconds: wall time from start to end.
        peak: peak resident memory in bytes, without child processes, sampled 200 times a second; 0 where there is no
            `/proc`.
        lines: the JSON lines that it printed.
    """

    seconds: float
    peak: int
    lines: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """The last JSON line."""
        return self.lines[-1]


def peak_of(process: int | str = "self") -> int:
    """Return the peak resident memory of a process in bytes; 0 once it has ended.

    `getrusage` is not used: its value starts with the memory of the parent process.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def run(
    *words: object,
    python: Path | str = sys.executable,
    quiet: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Cost:
    """Run `python WORDS…` in the repository root, with further variables in its environment, and wait for its end.

    Raises:
        RuntimeError: the program failed; the message ends with its standard error.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        program = subprocess.Popen(
            [str(python), *map(str, words)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(BENCH), **(environment or {})},
            stdout=out,
            stderr=errors,
        )
        peak = 0
        while program.poll() is None:
            peak = max(peak, peak_of(program.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if program.returncode:
            end = errors.read()[-2_000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(map(str, words))} ended with {program.returncode}:\n{end}")
        lines = [json.loads(line) for line in out.read().decode().splitlines() if line.startswith("{")]
    if not quiet and lines:
        print(f"  {words[1]:<24} {lines[-1]}", flush=True)
    return Cost(seconds, peak, lines)
