"""What ends a command before its end: a mistake that the user can mend, or the user's own wish."""


class UserError(Exception):
    """A user's mistake, or a file that is not what it should be.

    Its text is one line that names the file or the option, what was found and what to do. The command line
    prints that line and ends with status 2; a traceback is always a defect of Seamline's own.
    """


class UnavailableError(UserError):
    """What was asked for is not on this machine and cannot be fetched; nothing is wrong with what is there."""


class Stopped(Exception):  # noqa: N818 - nothing is wrong
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
