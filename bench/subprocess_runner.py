"""Programs that are run one at a time, each in a process of its own, and what they cost."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
ROOT = BENCH.parent


@dataclass(frozen=True)
class Cost:
    """What a program took.

    Attributes:
        seconds: from its start to its end.
        peak: bytes of memory it held at most (resident, without its children), looked at 200 times a second; 0 where
            there is no `/proc`.
        lines: what it printed as JSON, a line each.
    """

    seconds: float
    peak: int
    lines: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """Its last line."""
        return self.lines[-1]


def peak_of(process: int | str = "self") -> int:
    """Return the most memory that a process has held since it began, bytes; 0 once it has ended.

    What `getrusage` tells begins with what the process that started it had held.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def run(*words: object, python: Path | str = sys.executable, quiet: bool = True) -> Cost:
    """Run `python WORDS…` in `bench/` and wait for its end.

    Raises:
        RuntimeError: it failed; the text holds the end of what it said.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        program = subprocess.Popen(
            [str(python), *map(str, words)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(BENCH)},
            stdout=out,
            stderr=said,
        )
        peak = 0
        while program.poll() is None:
            peak = max(peak, peak_of(program.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        out.seek(0)
        said.seek(0)
        if program.returncode:
            end = said.read()[-2_000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(map(str, words))} ended with {program.returncode}:\n{end}")
        lines = [json.loads(line) for line in out.read().decode().splitlines() if line.startswith("{")]
    if not quiet and lines:
        print(f"  {words[1]:<24} {lines[-1]}", flush=True)
    return Cost(seconds, peak, lines)
