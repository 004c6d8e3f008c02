import copy
import dataclasses
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seamline.data.augmentation import Augmentation
from seamline.data.dataset import IGNORE_INDEX, Dataset
from seamline.data.loader import Batches
from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.training.checkpoints import pack, unpack
from seamline.training.config import Optimizer, TrainConfig
from seamline.training.distributed import Distributed
from seamline.training.loop import StepStats, Training, lr_factor

RECIPE = TrainConfig(model="cnn-fast", epochs=3, batch_size=32, lr=3e-3, schedule="linear", hflip=False)


def start(data: Dataset, recipe: TrainConfig = RECIPE, seed: int = 0) -> tuple[BaseModel, Training]:
    network = build_model(recipe.model, (20, 20, 1), len(data.classes), seed=seed, task="classification")
    network.init_from_data(data.train.images)
    batches = Batches(
        data.train,
        recipe.batch_size,
        task=data.task,
        seed=seed,
        augmentation=Augmentation(recipe.hflip, recipe.translate),
    )
    return network, Training(network, batches, recipe)


@pytest.mark.parametrize(("field", "value"), [("crop", 16), ("train_scale", 0.5)])
def test_a_model_of_one_size_is_trained_on_no_other(field: str, value: float, sides: Dataset) -> None:
    recipe = replace(RECIPE, **{field: value})  # type: ignore[arg-type]
    network = build_model(recipe.model, (20, 20, 1), 3, task="classification")
    batches = Batches(sides.train, 32, task="classification", seed=0, augmentation=recipe.augmentation)
    with pytest.raises(SeamlineError, match=f"{field} needs a model that takes images of any size, and cnn-fast is"):
        Training(network, batches, recipe)


@pytest.mark.parametrize(
    ("model", "fields", "line"),
    [
        (
            "unet-fast",
            {"frozen_stages": 1},
            "frozen_stages needs a model with a pretrained encoder, and unet-fast is none",
        ),
        ("unet-fast", {"encoder_lr": 0.1}, "encoder_lr needs a model with a pretrained encoder, and unet-fast is none"),
        ("unet-lite0", {"frozen_stages": 9}, "frozen_stages must be 0 to 8 for unet-lite0, got 9"),
    ],
)
def test_settings_of_an_encoder_need_one(model: str, fields: dict[str, float], line: str, streets: Dataset) -> None:
    recipe = replace(RECIPE, model=model, **fields)  # type: ignore[arg-type]
    network = build_model(model, (32, 32, 3), 3, task="segmentation")
    with pytest.raises(SeamlineError, match=line):
        Training(network, Batches(streets.train, 8, task="segmentation", seed=0), recipe)


def test_it_learns_and_records(sides: Dataset) -> None:
    network, training = start(sides)
    records = list(training)
    assert [record.epoch for record in records] == [1, 2, 3]
    assert records[-1].train_loss < records[0].train_loss
    assert records[-1].train_accuracy > 0.9
    assert all(record.samples == 300 and record.train_seconds > 0 for record in records)
    network.eval()
    answers = network(torch.from_numpy(sides.test.images).permute(0, 3, 1, 2)).argmax(1)
    assert (answers.numpy() == sides.test.labels).mean() > 0.9


def test_the_same_seed_gives_the_same_weights_bit_for_bit(sides: Dataset) -> None:
    states = []
    for seed in (0, 0, 1):
        network, training = start(sides, seed=seed)
        torch.rand(seed + 3)  # what others draw must not matter
        list(training)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["conv1.weight"], states[2]["conv1.weight"])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_an_interrupted_training_goes_on_bit_for_bit(sides: Dataset, optimizer: Optimizer) -> None:
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer, weight_decay=0.01, translate=1, ema_decay=0.9)
    whole, training = start(sides, recipe)
    records = list(training)
    _, first = start(sides, recipe)
    next(iter(first))
    network, second = start(sides, recipe, seed=0)
    second.restore(first.state())
    rest = list(second)
    assert [record.train_loss for record in rest] == [record.train_loss for record in records[1:]]
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in whole.state_dict().items())
    averages = second.final_model.state_dict()
    assert all(torch.equal(tensor, averages[name]) for name, tensor in training.final_model.state_dict().items())


def test_the_final_model_has_the_moving_average_of_the_weights(sides: Dataset) -> None:
    network, training = start(sides, dataclasses.replace(RECIPE, ema_decay=0.5))
    weights = []
    training.on_step_end = lambda _: weights.append(network.state_dict()["conv1.weight"].double().clone())
    list(training)
    expected = weights[0]
    for step, weight in enumerate(weights[1:], 1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    average = training.final_model.state_dict()["conv1.weight"]
    torch.testing.assert_close(average.double(), expected, atol=1e-6, rtol=0)
    assert not torch.equal(average, network.state_dict()["conv1.weight"])


def test_without_averages_the_final_model_is_the_trained_one(sides: Dataset) -> None:
    network, training = start(sides)
    assert training.final_model is network


def test_the_curve_has_points_within_an_epoch_also_of_one_that_goes_on(sides: Dataset) -> None:
    """300 images in batches of 32 are 10 steps; 1.3 epochs have up to 20 points each, so one for each step, but none
    for the 12 images of the last batch alone."""
    recipe = dataclasses.replace(RECIPE, epochs=1.3)
    _, training = start(sides, recipe)
    first, last = list(training)
    assert [point.epoch for point in first.curve] == pytest.approx([*(i / 10 for i in range(1, 9)), 1])
    assert [point.epoch for point in last.curve] == pytest.approx([1.1, 1.2, 1.3])
    assert (first.end, last.end) == pytest.approx((1, 1.3))
    sizes = [32] * 8 + [44]
    for epoch in (first, last):  # the epoch's values are means of its points
        losses = [point.loss for point in epoch.curve]
        assert epoch.train_loss == pytest.approx(np.average(losses, weights=sizes[: len(losses)]))
    hits = sum(round(point.accuracy * size) for point, size in zip(first.curve, sizes, strict=True))
    assert first.train_accuracy == hits / 300

    _, broken = start(sides, recipe)
    states = []
    broken.on_step_end = lambda _: states.append(unpack(pack(broken.state())))
    list(broken)
    _, resumed = start(sides, recipe)
    resumed.restore(states[3])  # after four steps
    assert [epoch.curve for epoch in resumed] == [first.curve, last.curve]


def test_a_long_training_has_few_points_in_each_epoch(sides: Dataset) -> None:
    _, training = start(sides, dataclasses.replace(RECIPE, epochs=30))
    assert [point.epoch for point in next(iter(training)).curve] == pytest.approx([0.4, 0.7, 1.0])  # of 3.3 steps


def test_the_loss_is_that_of_a_loop_written_by_hand(sides: Dataset) -> None:
    """Three steps of plain Adam with class weights and label smoothing, next to the loop's own mean."""
    recipe = TrainConfig(
        model="cnn",
        epochs=1,
        batch_size=100,
        lr=1e-3,
        weight_decay=1e-2,
        class_weights=(1.0, 2.0, 3.0),
        label_smoothing=0.1,
    )
    network, training = start(sides, recipe)
    mine = build_model("cnn", (20, 20, 1), 3, seed=0, task="classification")
    mine.normalize.fit(sides.train.images)
    adam = torch.optim.Adam(mine.parameters(), lr=1e-3, weight_decay=1e-2)
    losses = []
    for images, labels, _ in Batches(sides.train, 100, task="classification", seed=0).epoch(1):
        logs = torch.log_softmax(mine(images), 1)
        weights = torch.tensor([1.0, 2.0, 3.0])
        picked = -(0.9 * weights[labels] * logs[range(100), labels]).sum() / weights[labels].sum()
        spread = -(0.1 / 3 * (weights * logs).sum(1)).sum() / weights[labels].sum()
        loss = picked + spread
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        losses.append(loss.item())
    (record,) = training
    assert record.train_loss == pytest.approx(sum(losses) / 3, rel=1e-5)
    for name, tensor in mine.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(sides: Dataset) -> None:
    network, training = start(sides, dataclasses.replace(RECIPE, schedule="constant", lr=1e-4))
    epochs = iter(training)
    next(epochs)
    with torch.no_grad():
        dict(network.named_parameters())["head.bias"][0] = math.nan
    with pytest.raises(SeamlineError, match=r"loss is nan in epoch 2, step 1 of 10, at learning rate 0\.0001.*--set"):
        next(epochs)


def test_the_schedule() -> None:
    rates = [lr_factor(RECIPE, step, 40) for step in range(40)]
    assert max(rates) == pytest.approx(1, rel=0.06)
    assert rates.index(max(rates)) in (9, 10)
    assert all(a < b for a, b in pairwise(rates[:10]))
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.03
    assert lr_factor(dataclasses.replace(RECIPE, schedule="constant"), 39, 40) == 1


def test_progress_counts_up(sides: Dataset) -> None:
    seen: list[StepStats] = []
    _, training = start(sides)
    training.on_progress = seen.append
    next(iter(training))
    assert [(step.done, step.steps, step.before, step.total, step.samples) for step in seen] == [(10, 10, 0, 30, 300)]
    assert seen[0].loss > 0
    assert 0 <= seen[0].accuracy <= 1


def test_pixels_that_count_nowhere_teach_nothing(streets: Dataset) -> None:
    """Turning ignored pixels' labels into anything else must not be possible to see in the weights."""
    blank = streets.train.labels.copy()
    blank[:, ::2] = IGNORE_INDEX
    split = replace(streets.train, labels=blank)
    recipe = TrainConfig(model="facadenet", epochs=1, batch_size=4, lr=1e-3)
    network = build_model("facadenet", (32, 32, 3), 3, task="segmentation")
    (record,) = Training(network, Batches(split, 4, task="segmentation", seed=0), recipe)
    twin = build_model("facadenet", (32, 32, 3), 3, task="segmentation")
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3, fused=True)
    right = 0
    for images, labels, _ in Batches(streets.train, 4, task="segmentation", seed=0).epoch(1):
        scores = twin(images)[:, :, 1::2]
        F.cross_entropy(scores, labels[:, 1::2]).backward()  # type: ignore[no-untyped-call]
        right += int((scores.argmax(1) == labels[:, 1::2]).sum())
        adam.step()
        adam.zero_grad()
    for name, tensor in twin.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    assert record.train_accuracy == pytest.approx(right / (len(split) * 32 * 16), abs=0.01)


@pytest.mark.parametrize("frozen", [0, 3])
def test_frozen_stages_keep_weights_and_statistics(frozen: int, streets: Dataset) -> None:
    recipe = TrainConfig(model="unet-lite0", epochs=1, batch_size=8, lr=1e-3, optimizer="muon", frozen_stages=frozen)
    network = build_model("unet-lite0", (32, 32, 3), 3, task="segmentation")
    before = copy.deepcopy(network.state_dict())
    list(Training(network, Batches(streets.train, 8, task="segmentation", seed=1), recipe))
    kept = ("encoder.stem.", "encoder.stages.0.", "encoder.stages.1.") if frozen else ()
    for name, tensor in network.state_dict().items():
        if not name.startswith("normalize."):
            assert torch.equal(tensor, before[name]) == name.startswith(kept), name


def test_frozen_statistics_are_not_averaged(streets: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seventh, times seven, may be another number."""

    def sum_of_equals(processes: Distributed, *tensors: torch.Tensor) -> None:
        for tensor in tensors:
            tensor.mul_(processes.world_size)

    monkeypatch.setattr(Distributed, "all_reduce_sum", sum_of_equals)
    monkeypatch.setattr(Distributed, "all_reduce_max", lambda processes, number: number)
    recipe = TrainConfig(model="unet-lite0", epochs=1, batch_size=8, lr=1e-3, frozen_stages=3)
    network = build_model("unet-lite0", (32, 32, 3), 3, task="segmentation", pretrained=True)
    before = copy.deepcopy(network.state_dict())
    split = streets.train.select(np.arange(8))
    processes = Distributed(world_size=7)
    list(Training(network, Batches(split, 8, task="segmentation", seed=1), recipe, processes=processes))
    frozen = ("encoder.stem.", "encoder.stages.0.", "encoder.stages.1.")
    for name, tensor in network.state_dict().items():
        if "running" in name:
            assert torch.equal(tensor, before[name]) == name.startswith(frozen), name


@pytest.mark.parametrize("name", ["facadenet", "fcn", "unet-fast"])
def test_a_segmenter_goes_on_bit_for_bit_whatever_was_drawn_between(name: str, streets: Dataset) -> None:
    """Dropout's chance belongs to the step, not to what was drawn before."""
    changes = Augmentation(hflip=True, translate=3, scale_jitter=0.2, aspect_jitter=0.1, color_jitter=0.2, cutmix=0.5)
    recipe = TrainConfig(model=name, epochs=2, batch_size=8, lr=1e-3)

    def begun() -> tuple[BaseModel, Training]:
        network = build_model(name, (32, 32, 3), 3, task="segmentation")
        return network, Training(
            network, Batches(streets.train, 8, task="segmentation", seed=1, augmentation=changes), recipe
        )

    whole, training = begun()
    epochs = iter(training)
    next(epochs)
    state = copy.deepcopy(training.state())
    next(epochs)
    torch.rand(7)
    again, resumed = begun()
    resumed.restore(state)
    list(resumed)
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[key]), key


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 3.0)])
def test_portions_all_reduce_sum_to_the_batch(
    sides: Dataset, weights: tuple[float, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = TrainConfig(
        model="cnn",
        epochs=1,
        batch_size=128,
        lr=1e-3,
        class_weights=weights,
        label_smoothing=0.1,
    )
    whole, training = start(sides, recipe)
    assert training.micro_batch_size == 128
    (record,) = training
    monkeypatch.setattr("seamline.training.loop.MICRO_BATCH_PIXELS", 20 * 20 * 50)
    parts, training = start(sides, recipe)
    assert training.micro_batch_size == 50
    (other,) = training
    assert other.train_loss == pytest.approx(record.train_loss, rel=1e-5)
    assert other.train_accuracy == record.train_accuracy
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_a_network_with_batch_normalisation_is_given_whole_batches(
    sides: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seamline.training.loop.MICRO_BATCH_PIXELS", 1)
    _, training = start(sides)
    assert training.micro_batch_size == RECIPE.batch_size + 1  # a last batch may have one more


def test_the_last_epoch_may_be_a_part(sides: Dataset) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1.5)
    network, training = start(sides, recipe)
    records = list(training)
    assert [(record.epoch, record.samples) for record in records] == [(1, 300), (2, 160)]
    assert records[-1].learning_rate == pytest.approx(RECIPE.lr * 0.5 / 15 / 0.75)  # the cycle has ended
    again, second = start(sides, recipe)
    first = next(iter(second))
    assert first.samples == 300
    state = copy.deepcopy(second.state())
    again, third = start(sides, recipe)
    third.restore(state)
    assert [record.samples for record in third] == [160]
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_mixed_precision_learns_the_same_roughly(sides: Dataset) -> None:
    exact = next(iter(start(sides, dataclasses.replace(RECIPE, epochs=1))[1]))
    network, training = start(sides, dataclasses.replace(RECIPE, epochs=1, amp_dtype="bfloat16"))
    mixed = next(iter(training))
    assert all(weight.dtype == torch.float32 for weight in network.parameters())
    assert mixed.train_loss != exact.train_loss
    assert mixed.train_loss == pytest.approx(exact.train_loss, rel=0.05)
