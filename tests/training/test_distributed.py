"""Several processes learn what one learns."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seamline.data.augmentation import Augmentation
from seamline.data.dataset import Dataset
from seamline.data.loader import Batches
from seamline.training.checkpoints import unpack
from seamline.training.distributed import Distributed
from training import ddp_worker

WORKER = Path(__file__).with_name("ddp_worker.py")
CASES = {2: ("garments", "masks", "normalised"), 3: ("masks",)}
"""Number of processes -> what they train, one case after another: starting a process takes longer than a training."""


Trained = Callable[[str, int], dict[str, Any]]
"""Case and number of processes -> weights and records."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return weights and records of a case of the worker, trained in so many processes."""

    @cache
    def run(count: int) -> Path:
        folder = tmp_path_factory.mktemp(f"processes-{count}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
        command = [sys.executable, str(WORKER), str(folder), *CASES[count]]
        started = [
            subprocess.Popen(command, env=shared | {"RANK": str(number)}, stderr=subprocess.PIPE, text=True)
            for number in range(count)
        ]
        for process in started:
            _, told = process.communicate(timeout=120)
            assert process.returncode == 0, told
        return folder

    def load(case: str, count: int) -> dict[str, Any]:
        if count == 1:
            return ddp_worker.train(case, Distributed())
        return unpack((run(count) / case).read_bytes())

    return cache(load)


@pytest.mark.parametrize(("case", "count"), [("garments", 2), ("masks", 2), ("masks", 3)])
def test_processes_together_come_to_the_weights_of_one(case: str, count: int, trained: Trained) -> None:
    """In float64, so that what is left is rounding; last batches of 11 and of 3, cut between images, and masks whose
    ignored pixels lie unevenly."""
    alone, together = trained(case, 1), trained(case, count)
    for one, other in zip(alone["records"], together["records"], strict=True):
        assert other[0] == pytest.approx(one[0], rel=1e-5)  # the loss is summed in float32
        assert other[1:] == one[1:]
    for weights in ("network", "average"):
        for name, tensor in alone[weights].items():
            torch.testing.assert_close(together[weights][name], tensor, rtol=1e-7, atol=1e-9)


def test_with_batch_normalisation_they_learn_as_well(trained: Trained) -> None:
    """Each normalises with the statistics of its own part, so the weights differ; the first batch's loss nearly not."""
    alone, together = trained("normalised", 1), trained("normalised", 2)
    first, last = together["records"][0], together["records"][-1]
    assert last[0] < first[0]
    assert last[1] == pytest.approx(alone["records"][-1][1], abs=0.05)
    mean = "norm1.running_mean"
    torch.testing.assert_close(together["network"][mean], alone["network"][mean], rtol=0.3, atol=0.3)


@pytest.mark.parametrize("size", [2, 3, 5, 8, 31])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_parts_make_up_the_batch(size: int, count: int, streets: Dataset) -> None:
    split = streets.train.select(np.arange(17) % len(streets.train))
    changes = Augmentation(hflip=True, scale_jitter=0.2, cutmix=0.7)
    whole = list(Batches(split, size, task="segmentation", seed=1, augmentation=changes).epoch(2))
    parts = [
        list(Batches(split, size, task="segmentation", seed=1, augmentation=changes, shard=(number, count)).epoch(2))
        for number in range(count)
    ]
    for place, batch in enumerate(whole):
        mine = [part[place] for part in parts if len(part[place].labels)]
        assert torch.equal(torch.cat([one.images for one in mine]), batch.images)
        assert torch.equal(torch.cat([one.labels for one in mine]), batch.labels)
        assert all(len(one.labels) > 1 for one in mine) or len(batch.labels) == 1
        assert len(batch.labels) == Batches(split, size, task="segmentation", seed=1).batch_len(place)


def test_an_epoch_can_be_begun_anywhere(streets: Dataset) -> None:
    batches = Batches(
        streets.train, 5, task="segmentation", seed=1, augmentation=Augmentation(hflip=True, scale_jitter=0.2)
    )
    whole = list(batches.epoch(3))
    for place in range(len(whole) + 1):
        for one, other in zip(batches.epoch(3, place), whole[place:], strict=True):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)
