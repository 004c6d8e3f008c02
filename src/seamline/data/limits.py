"""How much memory decoded images may take, and whether it ran out."""

import os
import re

from seamline.errors import SeamlineError

_SHARE = 0.25
_USUAL = 2 << 30  # bytes, where the system does not tell what it has
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def memory_allowed() -> int:
    """Return the bytes that a folder's images may take in memory; larger sets stay in a memory-mapped file.

    It is what the variable `SEAMLINE_MEMORY` says, such as `500M` or `4G`, else a quarter of the machine's memory.

    Raises:
        SeamlineError: the variable says no amount.
    """
    named = os.environ.get("SEAMLINE_MEMORY")
    if named:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", named.strip().lower())
        if match is None:
            raise SeamlineError(f"SEAMLINE_MEMORY={named}: is no amount of memory; write it such as 500M or 4G")
        return int(float(match[1]) * _UNITS[match[2]])
    try:
        return int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _USUAL


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out: PyTorch says so with errors of several kinds."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(one in words for one in ("memory", "bad_alloc"))
    )
