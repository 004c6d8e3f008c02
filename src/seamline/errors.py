"""What ends a command before its end: a mistake that the user can mend, or the user's own wish."""

_LONGEST = 1_000  # letters of a line
_ENDS = 480  # letters kept at each end of a longer one


class SeamlineError(Exception):
    """A user's mistake, or a file that is not what it should be.

    Its text is one line that names the file or the option, what was found and what to do. The command line
    prints that line and ends with status 2; a traceback is always a defect of Seamline's own.

    Args:
        text: the line. What a damaged file brings into it cannot break it: line breaks become spaces, what cannot be
            printed is escaped, and the middle of a very long one is left out.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_one_line(text))


class DatasetUnavailableError(SeamlineError):
    """What was asked for is not on this machine and cannot be fetched; nothing is wrong with what is there."""


class WeightsUnavailableError(SeamlineError):
    """Pretrained weights do not exist, or are not on this machine and cannot be fetched."""


class TrainingInterrupted(Exception):  # noqa: N818 - nothing is wrong
    """A signal asked a training to stop, and everything is kept.

    Args:
        place: where it stopped, in words.
        cure: what to do to go on.
        signal: the signal's number.

    Attributes:
        status: what the command ends with, 128 and the signal's number.
    """

    def __init__(self, place: str, cure: str, signal: int) -> None:
        super().__init__(f"stopped {place}; {cure}")
        self.place = place
        self.signal = signal
        self.status = 128 + signal


def first_line(error: object) -> str:
    """Return the first line of what an error, or its reason, says; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _one_line(text: str) -> str:
    """Return a text as one line that any terminal can show."""
    line = "".join(one if one.isprintable() else " " if one.isspace() else _escaped(one) for one in text).strip()
    return line if len(line) <= _LONGEST else f"{line[:_ENDS]} … {line[-_ENDS:]}"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
