"""Runs of a sweep, one after another in this process, or several at a time in processes of their own."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seamline.errors import DatasetUnavailableError, SeamlineError, TrainingInterrupted, first_line
from seamline.io import DISK_FULL
from seamline.progress import Reporter
from seamline.training.config import TrainConfig
from seamline.training.plan import RunOptions
from seamline.training.signals import catch_signals

_POLL = 0.1  # seconds between two looks at processes
_STATUS_FULL = 28  # exit status of a process whose disk is full


@dataclass(frozen=True, eq=False)
class RunRequest:
    """What a run of a sweep trains: the arguments of `train`."""

    name: str  # name of the run
    data: Any  # what to train on
    preset: str | TrainConfig
    out: Path  # its run folder
    seed: int
    options: RunOptions
    fields: dict[str, Any]  # fields of the configuration
    log: Path  # file for the messages of a process of its own


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended."""

    name: str  # name of the run
    seconds: float  # that it took
    reason: str = ""  # why it failed; empty where it finished


OnStart = Callable[[RunRequest], None]
OnEnd = Callable[[RunOutcome], None]


def train_request(request: RunRequest) -> None:
    """Train the run of a request, or complete it."""
    from seamline.api.training import train

    train(
        request.data,
        preset=request.preset,
        out=request.out,
        seed=request.seed,
        resume=True,
        options=request.options,
        **request.fields,
    )


def run_serially(requests: Sequence[RunRequest], on_start: OnStart, on_end: OnEnd) -> None:
    """Train one run after another in this process; one that fails does not stop the others.

    Raises:
        TrainingInterrupted: a signal ended a training.
        OSError: the disk is full.
    """
    for request in requests:
        on_start(request)
        start, reason = time.monotonic(), ""
        try:
            train_request(request)
        except TrainingInterrupted as error:
            raise TrainingInterrupted(
                f"{request.name} {error.position}", "run the same command again to resume", error.signal
            ) from None
        except DatasetUnavailableError:  # to the other runs too
            raise
        except Exception as error:  # whatever it is, the others may succeed
            if full := _disk_error(error):
                raise full from error
            reason = str(error) if isinstance(error, SeamlineError) else f"{type(error).__name__}: {first_line(error)}"
        on_end(RunOutcome(request.name, time.monotonic() - start, reason))


def run_in_processes(requests: Sequence[RunRequest], jobs: int, on_start: OnStart, on_end: OnEnd) -> None:
    """Train several runs at a time, each in a process of its own, whose messages go to its log.

    A signal ends all of them, each with a checkpoint.

    Raises:
        TrainingInterrupted: a signal ended the trainings.
        OSError: the disk is full.
    """
    waiting, working = list(requests), dict[subprocess.Popen[bytes], tuple[RunRequest, float]]()
    with catch_signals() as request:
        try:
            while (waiting or working) and not request.signal:
                while waiting and len(working) < jobs:
                    one = waiting.pop(0)
                    on_start(one)
                    working[_start(one)] = one, time.monotonic()
                time.sleep(_POLL)
                for process in [process for process in working if process.poll() is not None]:
                    one, start = working.pop(process)
                    _stop(process)
                    if process.returncode == _STATUS_FULL:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(one.out))
                    reason = _reason(one, process.returncode) if process.returncode else ""
                    on_end(RunOutcome(one.name, time.monotonic() - start, reason))
        finally:
            for process in working:
                _stop(process)
            for process in working:
                process.wait()
    if request.signal:
        position = "in " + ", ".join(one.name for one, _ in working.values())
        raise TrainingInterrupted(position, "run the same command again to resume", request.signal)


def main() -> int:
    """Train the run whose request comes on stdin; the training stops, with a checkpoint, when stdin is closed.

    Returns:
        The exit status.
    """
    request: RunRequest = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    threading.Thread(target=_stop_at_end, daemon=True).start()
    request = replace(request, options=replace(request.options, progress=Reporter()))
    try:
        train_request(request)
    except TrainingInterrupted as stopped:
        sys.stderr.write(f"{stopped}\n")
        return stopped.status
    except SeamlineError as error:
        sys.stderr.write(f"{error}\n")
        return _STATUS_FULL if _disk_error(error) else 2
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'a file'}: {error.strerror or error}\n")
        return _STATUS_FULL if _disk_error(error) else 2
    return 0


def _stop_at_end() -> None:
    """Ask this process to stop when nothing more comes on stdin: the sweep has ended, or wants to."""
    os.read(sys.stdin.fileno(), 1)  # a buffered reader would hold its lock when the process ends
    os.kill(os.getpid(), signal.SIGTERM)


def _start(request: RunRequest) -> subprocess.Popen[bytes]:
    """Start the process of a run; a Ctrl-C in the terminal does not reach it."""
    request.log.parent.mkdir(parents=True, exist_ok=True)
    with request.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from seamline.api.sweep_jobs import main; raise SystemExit(main())"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            process_group=0 if os.name == "posix" else None,
        )
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # the process has ended; its status says so
            pickle.dump(replace(request, options=replace(request.options, progress=None)), process.stdin)
            process.stdin.flush()
    return process


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the process of a run to stop with a checkpoint."""
    with suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.close()


def _reason(request: RunRequest, status: int) -> str:
    """Return why a process failed: the last line of its messages."""
    lines = request.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    killed = f"ended by signal {-status}, perhaps for lack of memory" if status < 0 else f"exit status {status}"
    return killed if status < 0 or not lines else lines[-1].strip()


def _disk_error(error: BaseException | None) -> OSError | None:
    """Return the error of a full disk that an error is, or that caused it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return error
        error = error.__cause__
    return None
