"""Runs the command line; a user's mistake ends in one line, not in a traceback."""

import sys


def main() -> None:
    """Run `seamline`. Ends with status 2 after a user's mistake, with 130 when interrupted."""
    from seamline.cli import app
    from seamline.data.errors import UserError

    try:
        app()
    except UserError as error:
        sys.stderr.write(f"seamline: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("seamline: interrupted; the same command with --resume goes on\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
