"""The number of threads: from samples of the load, from the environment, and of a real run beside a busy process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import seamline
from helpers import Lines, refusal
from seamline import threads
from seamline.api import training
from seamline.data.dataset import Dataset
from seamline.threads import CoreLoad, Sample, count_idle, idle_threads, measure_load
from seamline.training.config import TrainConfig
from seamline.training.loop import Training

RECIPE = TrainConfig(model="cnn-fast", epochs=2, batch_size=32, lr=3e-3)
ONE_IDLE = CoreLoad(idle=1, cores=2, physical=2, logical=2)


@pytest.mark.parametrize(
    ("busy", "own", "cores", "expected"),
    [
        (0.0, 0.0, 2, 2),
        (2.0, 2.0, 2, 2),  # in two seconds one core was busy, with this process alone
        (2.0, 0.0, 2, 1),
        (4.0, 2.0, 2, 1),  # one core for this process, one for another
        (4.0, 1.2, 2, 1),  # three processes share two cores: 1.4 cores are used by others
        (4.0, 0.8, 2, 0),  # 1.6 cores
        (0.9, 0.0, 2, 2),  # others use less than half a core
        (1.1, 0.0, 2, 1),
        (0.0, 0.5, 2, 2),  # clocks of different resolution
        (6.2, 2.0, 8, 6),
    ],
)
def test_idle_cores_are_those_that_others_leave(busy: float, own: float, cores: int, expected: int) -> None:
    assert count_idle(Sample(10.0, 500.0, 3.0), Sample(12.0, 500.0 + busy, 3.0 + own), cores) == expected


@pytest.mark.parametrize(("used", "quota", "expected"), [(1.0, 2.0, 2), (3.0, 2.0, 1), (1.0, 0.5, 1), (1.0, 64.0, 8)])
def test_a_control_group_leaves_what_its_other_processes_do_not_use(used: float, quota: float, expected: int) -> None:
    """In two seconds this process uses one, and its group `used`."""
    assert count_idle(Sample(0.0, 0.0, 0.0), Sample(2.0, 1.0, 1.0, used), 8, quota) == expected


def test_threads_are_idle_cores_at_least_one_and_at_most_the_physical_ones() -> None:
    assert [CoreLoad(idle, 8, 4, 8).threads for idle in (0, 1, 3, 6, 8)] == [1, 1, 3, 4, None]
    assert CoreLoad(2, 2, 32, 64).threads == 2  # all that a container may use


def test_a_line_names_the_idle_cores() -> None:
    assert ONE_IDLE.describe("training") == "1 of 2 cores is idle: training with 1 thread; --threads N overrides"
    line = CoreLoad(3, 4, 4, 4).describe("serving")
    assert line == "3 of 4 cores are idle: serving with 3 threads; --threads N overrides"
    assert CoreLoad(2, 2, 2, 2).describe("training") is None
    assert CoreLoad(2, 2, 32, 64).describe("training") is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, (float("inf"), 0.0)),
        (
            {
                "proc/self/cgroup": "0::/user/a b\n",
                "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/user/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
                "sys/fs/cgroup/user/a b/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user/a b/cpu.stat": "usage_usec 7\n",
            },
            (1.5, 2.5),
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/x\n3:cpu,cpuacct:/docker/1\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000\n",
            },
            (2.0, 3.0),
        ),
        ({}, (float("inf"), 0.0)),
    ],
)
def test_quotas_of_both_versions_of_control_groups(
    files: dict[str, str], expected: tuple[float, float], tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert threads._control_group(tmp_path) == expected


def test_what_the_user_sets_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(threads, "measure_load", lambda: ONE_IDLE)
    assert idle_threads(7, "predicting", lines.append) == 7
    assert lines == []
    assert idle_threads(None, "predicting", lines.append) == 1
    assert lines == [ONE_IDLE.describe("predicting")]
    monkeypatch.undo()
    for name, value in (("OMP_NUM_THREADS", "3"), ("WORLD_SIZE", "2")):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setenv(name, value)
        assert measure_load() is None


def test_the_load_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    load = measure_load()
    assert load is not None
    assert 0 <= load.idle <= load.cores <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({}, str(threads.SPIN_COUNT)),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, None),
    ],
)
def test_spinning_is_limited_before_pytorch_is_imported(before: dict[str, str], expected: str | None) -> None:
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in names} | before
    script = "import os, seamline; seamline.SeamlineError; print(os.environ.get('GOMP_SPINCOUNT'))"
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == f"{expected}\n"


def test_nothing_is_set_once_pytorch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    threads.limit_spinning()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.fixture
def two_threads() -> Any:
    """Let PyTorch use two threads, as on an idle machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def described(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.usefixtures("two_threads")
def test_a_training_takes_the_idle_cores(sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "measure_load", lambda: ONE_IDLE)
    lines = Lines()
    out = seamline.train(sides, preset=RECIPE, out=tmp_path / "run", threads="idle", progress=lines).path
    assert ONE_IDLE.describe("training") in lines.lines
    assert described(out)["threads"] == 1
    assert "--threads 1" in described(out)["command"]
    assert torch.get_num_threads() == 2, "the number of one run must not decide the next one's"
    monkeypatch.setattr(training, "measure_load", lambda: CoreLoad(idle=2, cores=2, physical=2, logical=2))
    again = seamline.train(sides, preset=RECIPE, out=tmp_path / "again", threads="idle").path
    assert described(again)["threads"] == 2


def test_an_unknown_number_is_refused(sides: Dataset) -> None:
    for value in (0, "many"):
        assert refusal(lambda value=value: seamline.train(sides, threads=value)) == (  # type: ignore[misc]
            f"--threads {value}: must be at least 1"
        )


@pytest.mark.usefixtures("two_threads")
def test_a_resumed_training_uses_as_many_threads_as_before(
    sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_epoch = Training._train_epoch

    def interrupted(training: Training, number: int) -> Any:
        if number == 2:
            raise KeyboardInterrupt
        return whole_epoch(training, number)

    monkeypatch.setattr(Training, "_train_epoch", interrupted)
    for name in ("same", "other"):
        with pytest.raises(KeyboardInterrupt):
            seamline.train(sides, preset=RECIPE, out=tmp_path / name, threads=2)
    monkeypatch.undo()
    monkeypatch.setattr(training, "measure_load", lambda: ONE_IDLE)
    torch.set_num_threads(1)
    lines = Lines()
    seamline.train(sides, preset=RECIPE, out=tmp_path / "same", threads="idle", resume=True, progress=lines)
    assert "resuming with as many threads as before: 2; --threads N overrides" in lines.lines
    assert torch.get_num_threads() == 1
    assert not any("have changed" in line or "idle" in line for line in lines.lines)
    lines = Lines()
    seamline.train(sides, preset=RECIPE, out=tmp_path / "other", threads=1, resume=True, progress=lines)
    assert any("threads, processes or versions have changed" in line for line in lines.lines)


@pytest.mark.skipif(sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="needs two cores and their affinity")
def test_a_run_beside_a_busy_process_takes_one_thread_of_two_cores(tmp_path: Path) -> None:
    """The busy process holds one of two cores; other work on the machine can only leave fewer idle ones."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    for index in range(24):
        file = tmp_path / "images" / "ab"[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(index).integers(0, 99, (20, 20), dtype=np.uint8)
        Image.fromarray(noise + np.uint8(99 * (index % 2))).save(file)
    start = "import os, sys\nos.sched_setaffinity(0, eval(sys.argv.pop(1)))\n"
    busy = subprocess.Popen([sys.executable, "-c", f"{start}while True: pass", str({first})])
    try:
        command = [sys.executable, "-c", f"{start}from seamline.__main__ import main\nmain()", str({first, second})]
        command += ["train", "images", "--out", "run", "--model", "cnn-fast", "--set", "epochs=1"]
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        environment["SEAMLINE_CACHE"] = str(tmp_path / "cache")
        run = subprocess.run(
            [*command, "--label-check-folds", "0"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        busy.kill()
        busy.wait()
    assert run.returncode == 0, run.stderr
    assert "of 2 cores" in run.stderr
    assert "idle: training with 1 thread; --threads N overrides" in run.stderr
    assert described(tmp_path / "run")["threads"] == 1
