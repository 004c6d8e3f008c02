"""Limits on the memory and the threads that data loading uses."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from seamline.errors import SeamlineError

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 8

_DEFAULT_FRACTION = 0.25
_DEFAULT_BYTES = 2 << 30  # where the system does not report its memory
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def max_memory() -> int:
    """Return how many bytes decoded images may take in memory; larger sets stay in a memory-mapped file.

    The limit is the variable `SEAMLINE_MAX_MEMORY`, such as `500M` or `4G`, or a quarter of the machine's memory.

    Raises:
        SeamlineError: the variable is not an amount of memory.
    """
    value = os.environ.get("SEAMLINE_MAX_MEMORY")
    if value:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", value.strip().lower())
        if match is None:
            raise SeamlineError(f"SEAMLINE_MAX_MEMORY={value}: is not an amount of memory; use 500M or 4G, for example")
        return int(float(match[1]) * _UNITS[match[2]])
    try:
        return int(_DEFAULT_FRACTION * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _DEFAULT_BYTES


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error means that memory ran out; PyTorch raises several types for it."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in message for word in ("memory", "bad_alloc"))
    )


def describe_memory(error: Exception) -> str:
    """Say what was asked for when memory ran out, and what was in use, as far as it is known."""
    found = re.search(r"tried to allocate ([\d.]+) ?(bytes|[KMGT]iB)", str(error), re.IGNORECASE)
    asked = []
    if found:
        amount, unit = float(found[1]), found[2]
        asked = [f"asked for {amount / 2**30:.2f} GiB more" if unit == "bytes" else f"asked for {found[1]} {unit} more"]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return ", ".join([*asked, f"{torch.cuda.memory_allocated() / 2**30:.2f} GiB in use"])
    return ", ".join([*asked, f"{_used() / 2**30:.2f} GiB in use at most"])


def _used() -> int:
    """Return the most memory that this process has held, bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource  # not available on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def map_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to each item on several threads, and return the results in the order of the items.

    The first error in that order is raised; items that have not started by then are skipped.
    """
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        try:
            return list(pool.map(function, items))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
