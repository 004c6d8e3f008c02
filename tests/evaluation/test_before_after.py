"""A training that started from a run, before and after, on the same images."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

import seamline
from conftest import CLASSES, bright_sides, without_report
from evaluation.factories import label_metrics
from helpers import Lines
from seamline.data.dataset import Dataset
from seamline.evaluation.confidence import newcombe_paired
from seamline.evaluation.findings import FINDINGS, FindingInputs, find
from seamline.evaluation.text import change_lines
from seamline.inference.forward import predict_logits
from seamline.inference.tta import load_tta
from seamline.run_folder import ABSENT, BeforeAfter, DatasetChange, Estimate, MetricChange, RunFolder
from seamline.training.config import parse_settings

pytestmark = pytest.mark.usefixtures("no_report")

SETTINGS = parse_settings(("epochs=1", "batch_size=32"))


def sides(name: str, seed: int) -> Dataset:
    train, test = bright_sides(90, seed), bright_sides(60, seed + 1, 90)
    return Dataset(name, name.capitalize(), CLASSES, train, test, "drawn", task="classification")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on one dataset, and a run that started from it with another dataset beside it."""
    folder = tmp_path_factory.mktemp("runs")
    with without_report():
        first = seamline.train(sides("first", 1), **SETTINGS, out=folder / "first", threads=1)
        both = [sides("first", 1), sides("second", 5)]
        again = seamline.train(both, init_from=first, **SETTINGS, out=folder / "again", threads=1)
    return first.path, again.path


def test_values_and_paired_intervals_are_those_of_the_two_models(trained: tuple[Path, Path]) -> None:
    compared = RunFolder(trained[1]).before_after.read()
    assert (compared.run, compared.first) == (str(trained[0]), "first")
    assert [(one.name, one.split, one.images) for one in compared.datasets] == [
        ("first", "test", 60),
        ("second", "test", 60),
    ]
    for one, seed in zip(compared.datasets, (2, 6), strict=True):
        test = bright_sides(60, seed)
        right = [
            predict_logits(load_tta(RunFolder(path)), test.images).argmax(1) == np.asarray(test.labels)
            for path in trained
        ]
        change = one.overall["accuracy"]
        assert change.before == pytest.approx(right[0].mean())
        assert change.after == pytest.approx(right[1].mean())
        table = [int((right[0] == a)[right[1] == b].sum()) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))]
        expected = newcombe_paired(*table)
        assert (change.change.low, change.change.high) == pytest.approx((expected.low, expected.high))
        assert set(one.per_class) == set(CLASSES)


def test_a_fresh_training_has_nothing_to_compare_with(trained: tuple[Path, Path]) -> None:
    assert not RunFolder(trained[0]).before_after.exists()


def test_the_comparison_stays_where_the_first_run_is_gone(trained: tuple[Path, Path]) -> None:
    first, again = trained
    earlier = RunFolder(again).before_after.read()
    first.rename(first.with_name("moved"))
    lines = Lines()
    try:
        data = seamline.load_dataset([sides("first", 1), sides("second", 5)], image_size=20)
        run = seamline.evaluate(again, data, progress=lines)
    finally:
        first.with_name("moved").rename(first)
    assert any(line.endswith("metrics before and after the training are not compared") for line in lines.lines)
    assert run.folder.before_after.read() == earlier
    assert any(finding.name == "first_set" for finding in run.findings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Estimate(0.1, 0.02, 0.18), "it has gained: the accuracy rises from 70.0 % to 80.0 %, by 10.0 points (2.0 to"),
        (Estimate(-0.1, -0.18, -0.02), "it has lost: the accuracy falls from 70.0 % to 60.0 %, by 10.0 points (2.0 to"),
        (Estimate(-0.1, -0.3, 0.1), "it is not decided whether it has gained or lost: the accuracy is 70.0 % before"),
    ],
)
def test_one_finding_says_gained_lost_or_not_decided(change: Estimate, words: str) -> None:
    metric = MetricChange(before=0.7, after=0.7 + change.value, change=change)
    dataset = DatasetChange(
        name="first", title="First", split="val", images=10, groups=10, overall={"accuracy": metric}
    )
    compared = BeforeAfter(run="runs/first", first="first", datasets=(dataset,))
    metrics = label_metrics(CLASSES, np.eye(3, dtype=np.int64) * 10)
    (finding,) = [
        one for one in find(FindingInputs(metrics, metrics, before_after=compared), FINDINGS) if one.name == "first_set"
    ]
    assert finding.sentence.startswith("On the 10 validation images of First, the dataset of the run that")
    assert words in finding.sentence
    assert finding.panel == "before_after"


def test_the_terminal_has_a_line_for_each_dataset(trained: tuple[Path, Path]) -> None:
    folder = RunFolder(trained[1])
    first, second = change_lines(folder.before_after.read(), folder.metrics.read())
    assert first.startswith("first (test)  accuracy ")
    assert second.startswith("second (test)  accuracy ")
    assert " before, " in first
    assert " after, " in first


def test_a_metric_without_a_value_is_left_out(trained: tuple[Path, Path]) -> None:
    folder = RunFolder(trained[1])
    compared = folder.before_after.read()
    nothing = MetricChange(before=float("nan"), after=float("nan"), change=ABSENT)
    changed = msgspec.structs.replace(
        compared.datasets[0], overall={**compared.datasets[0].overall, "log_loss": nothing}
    )
    (line,) = change_lines(msgspec.structs.replace(compared, datasets=(changed,)), folder.metrics.read())
    assert "accuracy" in line
    assert "log loss" not in line
    assert "nan" not in line
