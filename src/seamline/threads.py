"""Choose the number of threads by the load of the processor cores, and keep waiting threads from spinning.

Threads of OpenMP that wait for each other spin. If one of them waits for a core that another program uses, the others
spin until it gets the core, step after step. So a run takes as many threads as there are idle cores.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPIN_COUNT = 3_000
"""Rounds that a thread of GNU OpenMP spins before it sleeps, about 0.1 ms; 300,000 by default.

A pause between two operations of a network is shorter, a time slice of another program longer.
"""

SPIN_MICROSECONDS = 100
"""Time that a thread of ONNX Runtime spins before it sleeps."""

MIN_WINDOW = 0.2
"""Seconds over which the load is measured at least; the system counts processor time in hundredths of a second."""

MAX_WINDOW = 60.0
"""Seconds after which a measurement is repeated, because it says little about the present load."""

_SPIN_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Sample:
    """Processor times up to a moment, in seconds."""

    clock: float  # the moment
    busy: float  # time that the cores of this process were not idle, summed over them
    own: float  # processor time of this process and of its children that have ended
    group: float = 0.0  # processor time of the control group whose quota applies


@dataclass(frozen=True)
class CoreLoad:
    """Cores that this process may use, and how many of them are idle."""

    idle: int  # idle cores
    cores: int  # cores that affinity and control groups allow
    physical: int  # physical cores of the machine
    logical: int  # logical cores of the machine

    @property
    def threads(self) -> int | None:
        """Number of threads to use, at least 1; None where every core of the machine is allowed and idle."""
        return None if self.idle >= self.logical else max(1, min(self.idle, self.physical))

    def describe(self, work: str) -> str | None:
        """Return a line about the number of threads; None where all cores are idle.

        Args:
            work: what the threads do, such as `training`.
        """
        if self.idle >= self.cores or self.threads is None:
            return None
        verb = "is" if self.idle == 1 else "are"
        number = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.idle} of {self.cores} cores {verb} idle: {work} with {number}; --threads N overrides"


def count_idle(before: Sample, after: Sample, cores: int, quota: float = math.inf) -> int:
    """Return the number of idle cores between two samples.

    A core that others use for less than half of the time counts as idle, and this process does not count as load.

    Args:
        before: the earlier sample.
        after: the later sample.
        cores: cores that this process may run on.
        quota: cores that its control group may use.

    Returns:
        The number, 0 to `cores`.
    """
    seconds, own = after.clock - before.clock, after.own - before.own
    others = max(0.0, after.busy - before.busy - own) / seconds
    group = max(0.0, after.group - before.group - own) / seconds
    return max(0, math.floor(min(cores - others, quota - group) + 0.5))


def limit_spinning() -> None:
    """Limit how long threads of GNU OpenMP spin, unless the user has set it or PyTorch is already imported."""
    if "torch" not in sys.modules and not any(name in os.environ for name in _SPIN_VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = str(SPIN_COUNT)


_started: list[Sample] = []


def watch_load() -> None:
    """Start to measure the load, so that the imports that follow take the time of the measurement."""
    _started[:] = [_sample()]


def measure_load() -> CoreLoad | None:
    """Return the load since `watch_load`; without that, over the next `MIN_WINDOW` seconds.

    Returns:
        The load; None where the user or a launcher of several processes sets the number of threads in the environment.
    """
    if any(name in os.environ for name in _THREAD_VARIABLES) or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return None
    before = _started.pop() if _started else _sample()
    if time.monotonic() - before.clock > MAX_WINDOW:
        before = _sample()
    time.sleep(max(0.0, MIN_WINDOW - (time.monotonic() - before.clock)))
    import psutil  # here, so that commands that compute nothing stay quick

    quota, _ = _control_group()
    affinity = len(_affinity())
    cores = max(1, min(affinity, math.ceil(quota) if quota < affinity else affinity))
    idle = min(cores, count_idle(before, _sample(), affinity, quota))
    logical = os.cpu_count() or 1
    return CoreLoad(idle, cores, psutil.cpu_count(logical=False) or logical, logical)


def idle_threads(threads: int | None, work: str, say: Callable[[str], None]) -> int | None:
    """Return the number of threads that the user sets; otherwise that of idle cores, and report it.

    Args:
        threads: the number that the user sets.
        work: what the threads do, such as `predicting`.
        say: prints a line.

    Returns:
        The number; None leaves it to the library that computes.
    """
    load = measure_load() if threads is None else None
    if load is None:
        return threads
    if line := load.describe(work):
        say(line)
    return load.threads


def _sample() -> Sample:
    """Read the processor times."""
    import psutil

    times, allowed = psutil.cpu_times(percpu=True), _affinity()
    waiting = ("idle", "iowait", "guest", "guest_nice")  # the time of guests is part of user and nice
    busy = sum(
        sum(seconds for name, seconds in core._asdict().items() if name not in waiting)
        for index, core in enumerate(times)
        if index in allowed
    )
    return Sample(time.monotonic(), busy, sum(os.times()[:4]), _control_group()[1])


def _affinity() -> set[int]:
    """Return the numbers of the cores that this process may run on."""
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _control_group(root: Path = Path("/")) -> tuple[float, float]:
    """Return the lowest quota of the control groups of this process in cores, and the time that its group has used.

    Args:
        root: the root of the file system.

    Returns:
        The quota, infinite without a limit, and the processor time in seconds, 0 without one.
    """
    lowest = (math.inf, 0.0)
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            if not controllers:
                place = root / "sys/fs/cgroup" / folder
                limit = _words(place / "cpu.max")
                used = [float(word) / 1e6 for word in _words(place / "cpu.stat")[1:2]]  # usage_usec comes first
            elif "cpu" in controllers.split(","):
                place = root / "sys/fs/cgroup/cpu" / folder
                limit = _words(place / "cpu.cfs_quota_us") + _words(place / "cpu.cfs_period_us")
                used = [float(word) / 1e9 for word in _words(root / "sys/fs/cgroup/cpuacct" / folder / "cpuacct.usage")]
            else:
                continue
            if len(limit) == 2 and limit[0] not in ("max", "-1"):
                lowest = min(lowest, (float(limit[0]) / float(limit[1]), used[0] if used else 0.0))
    return lowest


def _words(file: Path) -> list[str]:
    """Return the words of a file of the kernel; none where it cannot be read."""
    return _read(file).split()


def _read(file: Path) -> str:
    """Return the text of a file of the kernel; none where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
