"""Fault tolerance: signals, full disks, little memory, killed processes. The long form is bench/crash_test.py."""

import dataclasses
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crash_test
import seamline
from conftest import draw_sides, without_report
from helpers import Lines
from seamline.data.dataset import Dataset, Split
from seamline.errors import SeamlineError, TrainingInterrupted
from seamline.run_folder import RunFolder
from seamline.training.checkpoints import Checkpoints
from seamline.training.config import TrainConfig
from seamline.training.loop import Training
from seamline.training.signals import catch_signals

pytestmark = pytest.mark.usefixtures("no_report")

RECIPE = TrainConfig(
    model="cnn-fast",
    epochs=2,
    batch_size=32,
    lr=3e-3,
    optimizer="muon",
    schedule="linear",
    hflip=False,
    checkpoint_metric="val_loss",
)


def after_steps(monkeypatch: pytest.MonkeyPatch, steps: int, action: Any) -> None:
    """Do something once, after so many steps."""
    original, left = Training._backward, [steps]

    def counting(*words: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            action()
        return original(*words)

    monkeypatch.setattr(Training, "_backward", counting)


def train(data: Dataset, out: Path, **options: Any) -> Path:
    return seamline.train(data, **{"preset": RECIPE, "threads": 1, "out": out, **options}).path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights of a training never stopped."""
    with without_report():
        run = train(draw_sides(), tmp_path_factory.mktemp("whole") / "run")
    return (run / "model.safetensors").read_bytes()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("step", [3, 9])
def test_a_signal_ends_the_step_and_the_rest_comes_out_the_same(
    number: int, status: int, step: int, sides: Dataset, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(number)
    after_steps(monkeypatch, step, lambda: signal.raise_signal(number))
    with pytest.raises(TrainingInterrupted) as stopped:
        train(sides, tmp_path / "run")
    assert stopped.value.status == status
    place = f"in epoch 1, after step {step} of 9; resume with: seamline train sides --preset custom --seed 0"
    assert place in str(stopped.value)
    assert str(stopped.value).endswith("--resume")
    assert signal.getsignal(number) == handler
    monkeypatch.undo()
    teller = Lines()
    train(sides, tmp_path / "run", resume=True, progress=teller)
    assert f"resuming in epoch 1, after step {step} of 9" in teller.lines
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == whole


def test_a_second_signal_stops_at_once() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with catch_signals() as wish:
            signal.raise_signal(signal.SIGINT)
            assert wish.signal == signal.SIGINT
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_checkpoint_after_every_step_costs_no_bit(sides: Dataset, whole: bytes, tmp_path: Path) -> None:
    run = train(sides, tmp_path / "run", checkpoint_every=0)
    assert (run / "model.safetensors").read_bytes() == whole
    with pytest.raises(SeamlineError, match="--checkpoint-every -1: must be 0 or more"):
        train(sides, tmp_path / "other", checkpoint_every=-1)


def test_a_damaged_checkpoint_is_told_and_the_one_before_used(
    sides: Dataset, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_steps(monkeypatch, 7, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(TrainingInterrupted):
        train(sides, tmp_path / "run", checkpoint_every=0)
    monkeypatch.undo()
    newest = Checkpoints(RunFolder(tmp_path / "run").checkpoint_dir).files()[0]
    newest.write_bytes(newest.read_bytes()[:-1])
    teller = Lines()
    train(sides, tmp_path / "run", resume=True, progress=teller)
    assert f"{newest}: damaged, its checksum does not match; using the previous checkpoint" in teller.lines
    assert "resuming in epoch 1, after step 6 of 9" in teller.lines
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == whole


def test_another_recipe_or_dataset_is_refused_by_what_differs(
    sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_steps(monkeypatch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(TrainingInterrupted):
        train(sides, tmp_path / "run")
    monkeypatch.undo()
    with pytest.raises(SeamlineError, match=r"another config \(epochs: 2 there, 5 here, translate: 0 there, 1 here\)"):
        train(sides, tmp_path / "run", resume=True, epochs=5, translate=1)
    with pytest.raises(SeamlineError, match=r"another seed \(0 there, 3 here\)"):
        train(sides, tmp_path / "run", resume=True, seed=3)
    other = dataclasses.replace(sides, train=dataclasses.replace(sides.train, images=sides.train.images // 2))
    with pytest.raises(SeamlineError, match=r"another dataset \(the same name, other images\)"):
        train(other, tmp_path / "run", resume=True)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process write no file larger than `size` bytes: what a full disk does, without filling one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_no_checkpoint_that_is_there(
    sides: Dataset, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    after_steps(monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(TrainingInterrupted):
        train(sides, out)
    monkeypatch.undo()
    (before,) = Checkpoints(RunFolder(out).checkpoint_dir).files()
    teller = Lines()
    with largest_file(20_000), pytest.raises(OSError, match="File too large") as full:
        train(sides, out, resume=True, progress=teller)
    assert full.value.filename == str(out / "model.safetensors")
    assert (
        sum("File too large; training continues, the previous checkpoint is unchanged" in line for line in teller.lines)
        == 2
    )
    assert Checkpoints(RunFolder(out).checkpoint_dir).files() == [before]
    assert not [file for file in out.rglob(".*") if file.is_file()]
    train(sides, out, resume=True)
    assert (out / "model.safetensors").read_bytes() == whole


def test_too_little_memory_is_one_line_with_a_smaller_batch(sides: Dataset, tmp_path: Path) -> None:
    def enlarged(split: Split) -> Split:
        return dataclasses.replace(split, images=np.kron(split.images, np.ones((1, 10, 10, 1), dtype=np.uint8)))

    large = dataclasses.replace(sides, train=enlarged(sides.train), test=enlarged(sides.test))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1_100_000_000, hard))
    try:
        with pytest.raises(SeamlineError, match=r"to train with batch_size=256 .*GiB.*; try --set batch_size=128"):
            train(large, tmp_path / "run", batch_size=256)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.skipif(os.getuid() != 0, reason="only root may run a command as another user")
def test_a_folder_that_may_not_be_written_to_is_told_before_long_work() -> None:
    script = (
        "import os; from pathlib import Path; from seamline.run_folder import RunFolder; os.setuid(65534)\n"
        "RunFolder(Path('/usr/run')).check_writable()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "SeamlineError: /usr/run: cannot be written to (Permission denied); name another folder" in done.stderr


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crash_test") / "datasets"
    crash_test.write_datasets(folder)
    return folder


def test_a_killed_command_resumes_to_the_same_bytes(datasets: Path, tmp_path: Path) -> None:
    expected = crash_test.train_uninterrupted("garments", datasets, tmp_path / "uninterrupted")
    outcome = crash_test.run_trial("garments", datasets, tmp_path / "run", expected, seed=0, call=expected.calls // 3)
    assert outcome["identical"], outcome
    assert outcome["killed"] == ["in training"]


def test_the_printed_command_resumes(datasets: Path, tmp_path: Path) -> None:
    arguments = crash_test.arguments("facades", datasets, tmp_path / "run")
    process = crash_test.start(arguments, datasets)
    while process.poll() is None and not list((tmp_path / "run" / "checkpoint").glob("*.safetensors")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    line = told.splitlines()[-1]
    assert line.startswith("seamline: stopped ")
    command = shlex.split(line.split("resume with: ")[1])
    assert command[0] == "seamline"
    process = crash_test.start(command[1:], datasets)
    _, told = process.communicate()
    assert process.returncode == 0, told
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["overall"]["mean_ap"]["value"] > 0
