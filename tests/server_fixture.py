"""Serves a run in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(
    run: Path, *options: str, python: Sequence[str] = (sys.executable,)
) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Serve a run on a free port; gives the process, the port and the line it said."""
    command = [*python, "-m", "seamline", "serve", str(run), "--port", "0", "--threads", "1", *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line:
                raise AssertionError(process.communicate()[1])
            yield process, int(line.split("/")[2].rpartition(":")[2]), line
        finally:
            process.kill()
