"""The real command under PyTorch's launcher: two processes train, one writes, and one that is killed comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import crash_test


def launch(datasets: Path, out: Path, *more: str) -> "subprocess.Popen[str]":
    """Start two processes that train together, to be started again up to twice."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "2"]
    command = [sys.executable, *launcher, "-m", "seamline", *crash_test.arguments("garments", datasets, out), *more]
    environment = os.environ | {"SEAMLINE_CACHE": str(datasets / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers(launcher: int, number: int) -> Iterator[int]:
    """The launcher's children that are process `number`."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == launcher and f"RANK={number}".encode() in folder.joinpath("environ").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:  # it has ended meanwhile
            continue


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the launcher's workers are found in /proc")
def test_a_killed_worker_comes_back_and_the_end_is_the_same(tmp_path: Path) -> None:
    datasets = tmp_path / "datasets"
    crash_test.write_datasets(datasets)
    process = launch(datasets, tmp_path / "uninterrupted")
    told, wrong = process.communicate(timeout=250)
    assert process.returncode == 0, wrong
    assert told.count("Report:") == 1  # one process tells
    assert wrong.count("epoch   1/3") == 1
    assert json.loads((tmp_path / "uninterrupted" / "run.json").read_text())["world_size"] == 2

    process = launch(datasets, tmp_path / "run")
    while process.poll() is None and len(list((tmp_path / "run" / "checkpoint").glob("*.safetensors"))) < 2:
        time.sleep(0.005)
    for worker in workers(process.pid, 1):
        os.kill(worker, signal.SIGKILL)
    _, wrong = process.communicate(timeout=250)
    assert process.returncode == 0, wrong
    assert "resuming " in wrong
    assert crash_test.digest_of(tmp_path / "run") == crash_test.digest_of(tmp_path / "uninterrupted")
