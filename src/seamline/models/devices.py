"""Where the numbers are worked out: device, threads, memory."""

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seamline.errors import SeamlineError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # glibc's malloc.h
_KEEP = 1 << 30  # bytes of freed memory to keep before any is given back


def find_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; `auto` is the first of a CUDA GPU, Apple's GPU, the processor.

    Raises:
        SeamlineError: there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # a device that holds no numbers, such as `meta`, fails here
    except (RuntimeError, AssertionError, NotImplementedError):
        raise SeamlineError(f"--device {name}: not available on this machine; use auto, cpu, cuda or mps") from None
    return device


@contextmanager
def restore_num_threads() -> Iterator[None]:
    """Restore PyTorch's number of threads on exit."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def set_num_threads(count: int | None) -> int:
    """Let PyTorch use `count` threads, or as many as it thinks fit; return how many it uses.

    Raises:
        SeamlineError: `count` is below 1.
    """
    if count is not None:
        if count < 1:
            raise SeamlineError(f"--threads {count}: must be at least 1")
        torch.set_num_threads(count)
    return torch.get_num_threads()


def tune_malloc() -> None:
    """Tell glibc to keep freed memory instead of giving it back to the kernel after every step.

    A step frees what the next one allocates again; the pages that the kernel then clears anew cost a third of the
    time of a small network. Elsewhere than on glibc nothing happens.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEEP)
    libc.mallopt(_M_TOP_PAD, 64 << 20)


def describe_machine(device: torch.device) -> str:
    """Return the processor or GPU in words, such as `AMD EPYC, 2 cores`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    """Return the processor's own name where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - a kernel file
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
