"""Find the folder of a dataset."""

import os
from pathlib import Path

from seamline.errors import SeamlineError

PUBLISHED_AGAIN = "delete it and get the published file again"
"""Advice for a damaged file of a published dataset."""


def alternatives(synthetic: str) -> str:
    """Return the advice for a dataset that cannot be downloaded."""
    return f"name a folder with --data-dir, set SEAMLINE_DATA to the folder above it, or use {synthetic}"


def shared_folder(name: str) -> Path | None:
    """Return the folder `name` in `SEAMLINE_DATA`, which may not exist; None where the variable is not set.

    Raises:
        SeamlineError: the variable names a folder that does not exist.
    """
    parent = os.environ.get("SEAMLINE_DATA")
    if not parent:
        return None
    if not Path(parent).expanduser().is_dir():
        raise SeamlineError(f"SEAMLINE_DATA={parent}: there is no such folder; correct or unset it")
    return Path(parent).expanduser() / name
