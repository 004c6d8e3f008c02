"""Runs the command line; a user's mistake ends in one line, not in a traceback."""

import io
import sys
from typing import Any


def main() -> None:
    """Run `seamline`. Ends with status 2 after a user's mistake, with 130 or 143 when interrupted."""
    accept_all_letters()
    import typer

    from seamline.cli import app
    from seamline.cli.usage import describe_usage_error
    from seamline.errors import SeamlineError, TrainingInterrupted
    from seamline.threads import limit_spinning

    limit_spinning()
    usage_error: Any = typer.BadParameter.__mro__[1]  # UsageError, whose home differs between versions of Typer
    try:
        status = app(sys.argv[1:], standalone_mode=False)
        if status == 130:  # some versions of Typer turn an interruption into a status
            raise KeyboardInterrupt
        sys.exit(status)
    except SeamlineError as error:
        _end(str(error), 2)
    except TrainingInterrupted as stopped:
        _end(str(stopped), stopped.status)
    except usage_error as error:
        _end(describe_usage_error(error, sys.argv[1:]), 2)
    except OSError as error:
        place = error.filename or "a file"
        _end(f"{place}: {error.strerror or error}; check the path, its permissions and the free disk space", 2)
    except (MemoryError, RuntimeError) as error:
        from seamline.data.limits import describe_memory, is_out_of_memory

        if not is_out_of_memory(error):
            raise
        _end(f"out of memory ({describe_memory(error)}); use fewer or smaller images", 2)
    except (KeyboardInterrupt, typer.Abort):
        _end("interrupted; resume a training with --resume, `reproduce` by running it again", 130)


def accept_all_letters() -> None:
    """Print letters that the encoding of the terminal lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end(message: str, status: int) -> None:
    """Print one line and leave."""
    sys.stderr.write(f"seamline: {' '.join(message.split())}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
