"""An invalid input: a title, and a function that writes it and passes it to the real function or command."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seamline.errors import SeamlineError


@dataclass(frozen=True)
class InvalidInput:
    """An invalid input.

    Attributes:
        title: description of the input.
        attempt: writes it into a folder, reads it, and returns the result as text if there is no error.
        run: whether the folder holds two finished runs, `run` and `other`.
    """

    title: str
    attempt: Callable[[Path], str]
    run: bool = False


def error_message(case: InvalidInput, folder: Path) -> str:
    """Return the message of an invalid input; other errors than `SeamlineError` are not caught.

    Args:
        case: the input.
        folder: an empty folder, or one with finished runs; its path is shortened in the message.
    """
    try:
        line = case.attempt(folder)
    except SeamlineError as error:
        line = str(error)
    for path, short in ((os.environ.get("SEAMLINE_CACHE", ""), "CACHE"), (f"{folder}/", ""), (str(folder), ".")):
        line = line.replace(path, short) if path else line
    return line


def command(*arguments: object, max_bytes: int | None = None) -> str:
    """Run `seamline ARGUMENTS…`; return its last line and exit status.

    Args:
        arguments: arguments of the command.
        max_bytes: limit of the size of files, to simulate a full disk.

    Raises:
        RuntimeError: the command printed a traceback or no error line.
    """

    def limit_file_size() -> None:
        if max_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))

    process = subprocess.run(
        [sys.executable, "-m", "seamline", *map(str, arguments)],
        preexec_fn=limit_file_size,
        capture_output=True,
        text=True,
        check=False,
    )
    last = process.stderr.strip().splitlines()[-1:] or [""]
    if process.returncode and (not last[0].startswith("seamline: ") or "Traceback" in process.stderr):
        raise RuntimeError(process.stderr)
    return f"{last[0]} (status {process.returncode})"
