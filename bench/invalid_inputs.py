"""Bad inputs to try: a title, what makes one in a folder of its own, and the real function or command that gets it."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seamline.errors import SeamlineError


@dataclass(frozen=True)
class Bad:
    """A bad input.

    Attributes:
        title: what it is.
        attempt: makes it in the folder that it is given, tries it, and says what came of it where that is no error.
        run: whether the folder is to hold two finished runs, `run` and `other`.
    """

    title: str
    attempt: Callable[[Path], str]
    run: bool = False


def tried(bad: Bad, folder: Path) -> str:
    """Return what a bad input gets, in one line; what is not a `SeamlineError` is raised on.

    Args:
        bad: the input.
        folder: empty, or with finished runs; its path is shortened in the line.
    """
    try:
        line = bad.attempt(folder)
    except SeamlineError as error:
        line = str(error)
    for place, short in ((os.environ.get("SEAMLINE_CACHE", ""), "CACHE"), (f"{folder}/", ""), (str(folder), ".")):
        line = line.replace(place, short) if place else line
    return line


def command(*words: object, largest: int | None = None) -> str:
    """Run `seamline WORDS…`; return the line with which it ends.

    Args:
        words: of the command.
        largest: bytes that a file may have: what a full disk does, without filling one.

    Raises:
        RuntimeError: it says more than one line, or shows a traceback.
    """

    def limited() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = subprocess.run(
        [sys.executable, "-m", "seamline", *map(str, words)],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1:] or [""]
    if done.returncode and (not last[0].startswith("seamline: ") or "Traceback" in done.stderr):
        raise RuntimeError(done.stderr)
    return f"{last[0]} (status {done.returncode})"
