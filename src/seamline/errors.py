"""Errors: a user's mistake, or an interruption; and the words of their messages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_MAX_LENGTH = 1_000  # characters of a line
_ENDS = 480  # characters of a longer one that remain at each end


class SeamlineError(Exception):
    """A user's mistake, or a damaged file.

    Its text is one line that names the file or option, the problem and the fix. The command line prints that line and
    exits with status 2; a traceback is always a defect of Seamline.

    Args:
        text: the line. Line breaks become spaces, unprintable characters are escaped, and a very long line is shortened
            in the middle, so that the content of a damaged file cannot break it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_one_line(text))


class DatasetUnavailableError(SeamlineError):
    """A dataset is not on this machine and cannot be downloaded."""


class WeightsUnavailableError(SeamlineError):
    """Pretrained weights do not exist, or are not on this machine and cannot be fetched."""


class TrainingInterrupted(Exception):  # noqa: N818 - not an error
    """A signal ended a training, after a checkpoint.

    Args:
        position: where it stopped, in words.
        remedy: how to resume.
        signal: the number of the signal.

    Attributes:
        status: the exit status, 128 plus the number of the signal.
    """

    def __init__(self, position: str, remedy: str, signal: int) -> None:
        super().__init__(f"stopped {position}; {remedy}")
        self.position = position
        self.signal = signal
        self.status = 128 + signal


def size_text(shape: Sequence[int], separator: str = " x ") -> str:
    """Return the size of an array (H, W) or (H, W, C) as messages give it: width x height, such as `640 x 480`."""
    return f"{shape[1]}{separator}{shape[0]}"


def first_line(error: object) -> str:
    """Return the first line of an error's text; its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def refuse_unreadable(path: object) -> Iterator[None]:
    """Convert errors of the file system inside the block into a `SeamlineError` about `path`."""
    try:
        yield
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        raise SeamlineError(f"{path}: cannot be read ({reason}); check the path and its permissions") from error


@contextmanager
def require_extra(command: str, extra: str) -> Iterator[None]:
    """Convert the error of a package that is not installed into a `SeamlineError` with the extra that installs it.

    Args:
        command: the command or option that imports the package inside the block.
        extra: the extra, such as `train`.

    Raises:
        SeamlineError: a package cannot be imported; a module of Seamline that is missing remains an `ImportError`.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").startswith("seamline"):  # a defect
            raise
        package = error.name or "a package"  # an error that a package raises itself may not name it
        state = "is not installed" if isinstance(error, ModuleNotFoundError) else f"fails ({first_line(error)})"
        raise SeamlineError(f"{command}: needs {package}, which {state}; pip install 'seamline[{extra}]'") from error


def list_first(items: Sequence[str], limit: int = 5) -> str:
    """List the first items, and how many more there are."""
    more = len(items) - limit
    return ", ".join(items[:limit]) + (f" and {more:,} more" if more > 0 else "")


def _one_line(text: str) -> str:
    """Return a text as one printable line."""
    line = "".join(one if one.isprintable() else " " if one.isspace() else _escaped(one) for one in text).strip()
    return line if len(line) <= _MAX_LENGTH else f"{line[:_ENDS]} … {line[-_ENDS:]}"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
