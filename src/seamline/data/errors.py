"""The one exception for what a user can mend."""


class UserError(Exception):
    """A user's mistake, or a file that is not what it should be.

    Its text is one line that names the file or the option, what was found and what to do. The command line
    prints that line and ends with status 2; a traceback is always a defect of Seamline's own.
    """


class UnavailableError(UserError):
    """What was asked for is not on this machine and cannot be fetched; nothing is wrong with what is there."""
