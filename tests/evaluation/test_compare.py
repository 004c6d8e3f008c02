"""Two runs on the same test images: what differs, by hand and after training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

import seamline
from evaluation.factories import CLASSES, Mixed, ends, label_evaluation, mask_evaluation, mask_split
from run_folder.factories import run_info
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.evaluation.bootstrap import percentile_interval
from seamline.evaluation.compare import Comparison, MetricDiff, compare_runs
from seamline.evaluation.confidence import newcombe_paired, normal_mean
from seamline.evaluation.metrics import SplitMetrics, metric_infos
from seamline.evaluation.write import EvaluationData, evaluate_model
from seamline.report.compare_page import write_comparison
from seamline.run_folder import ClassificationArrays, Metrics, RunFolder, Task
from seamline.training.config import TrainConfig, parse_settings

SHAPES = ("arch", "door", "pane")
RECIPE = TrainConfig(model="cnn-fast", epochs=2, batch_size=32, lr=3e-3, schedule="linear", hflip=False)


def write_info(run: RunFolder, task: Task, classes: tuple[str, ...]) -> None:
    info = run_info(task)
    palette = ((0, 0, 0),) * len(classes) if task == "segmentation" else ()
    run.info.write(
        msgspec.structs.replace(info, dataset=msgspec.structs.replace(info.dataset, classes=classes, palette=palette))
    )


def classifier_run(folder: Path, scores: NDArray[np.float32], truth: NDArray[np.int64], **changes: Any) -> Path:
    """Write what is compared of a classifier with these logits of the test images."""
    run, asked = RunFolder(folder), label_evaluation(SHAPES, scores, truth)
    write_info(run, "classification", SHAPES)
    split = asked.metrics.summary()
    run.metrics.write(Metrics(test=split, val=split, train=split, definitions=dict(metric_infos("classification"))))
    arrays = ClassificationArrays(asked.split.names, asked.split.groups, asked.counts.confusion_matrix, truth, scores)
    run.write_arrays("test", replace(arrays, **changes))
    return folder


@pytest.fixture
def logits() -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    return labels, [(rng.normal(size=(200, 3)) + by * np.eye(3)[labels]).astype(np.float32) for by in (1, 3)]


def named(found: Comparison) -> dict[tuple[str, str], MetricDiff]:
    return {(diff.key, diff.class_name): diff for diff in found.metrics}


def test_classifiers_are_compared_image_by_image(
    logits: tuple[NDArray[np.int64], list[NDArray[np.float32]]], tmp_path: Path
) -> None:
    labels, (worse, better) = logits
    found = compare_runs(classifier_run(tmp_path / "a", worse, labels), classifier_run(tmp_path / "b", better, labels))
    right = [each.argmax(1) == labels for each in (worse, better)]
    both = named(found)

    def paired(where: NDArray[np.bool_]) -> tuple[float, float, float]:
        first, second = right[0][where], right[1][where]
        counts = (first & second, first & ~second, ~first & second, ~first & ~second)
        return ends(newcombe_paired(*(int(one.sum()) for one in counts)))

    assert found.images == 200
    assert ends(both["accuracy", ""].change) == paired(np.ones(200, dtype=bool))
    assert both["accuracy", ""].verdict == 1
    for k, name in enumerate(SHAPES):
        assert ends(both["recall", name].change) == paired(labels == k)
        assert both["precision", name].change.low < both["precision", name].change.value
    losses = [label_evaluation(SHAPES, each, labels).counts.losses for each in (worse, better)]
    drop = losses[1] - losses[0]
    assert ends(both["log_loss", ""].change) == ends(normal_mean(drop.sum(), (drop**2).sum(), len(drop)))
    assert both["log_loss", ""].change.high < 0 < both["log_loss", ""].verdict
    assert len(found.fixed) == (~right[0] & right[1]).sum()
    assert len(found.broken) == (right[0] & ~right[1]).sum()
    changed = found.fixed[0]
    index = int(changed.name)
    assert changed.ground_truth == changed.second == SHAPES[labels[index]]
    assert changed.first == SHAPES[worse[index].argmax()]


def test_segmenters_are_compared_by_resampled_groups(tmp_path: Path) -> None:
    test = mask_split(20, 5, groups=8)
    runs = [RunFolder(tmp_path / name) for name in ("sharp", "soft")]
    for run, sharp in zip(runs, (2.0, -1.0), strict=True):
        write_info(run, "segmentation", CLASSES)
        splits = mask_split(2, 1), mask_split(2, 2), test
        evaluate_model(run, Mixed(sharp), EvaluationData("segmentation", CLASSES, *splits, ((0, 0, 0),) * 4))
    found = compare_runs(runs[0].path, runs[1].path)
    both = named(found)
    first, second = (SplitMetrics("segmentation", mask_evaluation(test, sharp).counts, 20) for sharp in (2.0, -1.0))
    for key in ("accuracy", "mean_iou", "log_loss"):
        one, other = (metrics.overall(key).replicates for metrics in (first, second))
        assert one is not None
        assert other is not None
        assert both[key, ""].verdict == -1
        assert both[key, ""].first == pytest.approx(one[0])
        stream = percentile_interval(other - one)  # of another stream of resamples
        assert ends(both[key, ""].change) == pytest.approx(ends(stream), abs=0.05)
    assert not both["mean_ap", ""].change.has_interval  # scores of pixels are not stored
    assert both["iou", "sky"].verdict == -1
    assert ("pixel_fraction", "sky") not in both
    assert len(found.fixed) + len(found.broken) == 20
    drops = [float(image.first[:-2]) - float(image.second[:-2]) for image in found.broken]
    assert drops == sorted(drops, reverse=True)
    assert found.broken[0].ground_truth == ""
    assert float(found.broken[0].first[:-2]) > float(found.broken[0].second[:-2])


def test_a_run_equals_itself(logits: tuple[NDArray[np.int64], list[NDArray[np.float32]]], tmp_path: Path) -> None:
    labels, (worse, _) = logits
    run = classifier_run(tmp_path, worse, labels)
    found = compare_runs(run, run)
    assert all(diff.verdict == 0 == diff.change.value for diff in found.metrics)
    assert found.fixed == found.broken == ()


def test_runs_on_other_images_and_damaged_ones_are_refused(
    logits: tuple[NDArray[np.int64], list[NDArray[np.float32]]], tmp_path: Path
) -> None:
    labels, (worse, better) = logits
    first = classifier_run(tmp_path / "a", worse, labels)
    for name, change in {"labels": np.zeros(200, np.int64), "names": tuple(map(str, range(200)))}.items():
        with pytest.raises(SeamlineError, match="its test images, labels or classes differ"):
            compare_runs(first, classifier_run(tmp_path / name, better, labels, **{name: change}))
    second = RunFolder(classifier_run(tmp_path / "b", better, labels))
    for wrong in ({"labels": np.full(200, 10**9)}, {"logits": np.zeros((200, 1), np.float32)}):
        classifier_run(second.path, better, labels, **wrong)
        with pytest.raises(SeamlineError, match=rf"test\.npz: {next(iter(wrong))} "):
            compare_runs(first, second.path)
    second.arrays_file("test").write_bytes(b"damaged")
    with pytest.raises(SeamlineError, match=r"test\.npz: cannot be read"):
        compare_runs(first, second.path)
    second.arrays_file("test").unlink()
    with pytest.raises(SeamlineError, match=r"test\.npz: not found; the run is not evaluated"):
        compare_runs(first, second.path)
    second.metrics.path.unlink()
    with pytest.raises(SeamlineError, match=r"metrics\.json: not found; the run is not evaluated"):
        compare_runs(first, second.path)


@pytest.mark.usefixtures("no_report")
def test_two_trained_runs_side_by_side(sides: Dataset, tmp_path: Path) -> None:
    runs = [
        seamline.train(
            sides, preset=RECIPE, **parse_settings((f"epochs={epochs}",)), out=tmp_path / name, threads=1
        ).path
        for name, epochs in (("short", 1), ("long", 4))
    ]
    found = compare_runs(*runs)
    stored = [np.load(run / "evaluation" / "test.npz") for run in runs]
    right = [one["logits"].argmax(1) == one["labels"] for one in stored]
    assert found.images == 90
    both = named(found)
    assert both["accuracy", ""].change.value == pytest.approx(right[1].mean() - right[0].mean())
    assert (len(found.fixed), len(found.broken)) == ((~right[0] & right[1]).sum(), (right[0] & ~right[1]).sum())
    losses = [RunFolder(run).metrics.read().held_out.overall["log_loss"].value for run in runs]
    assert [both["log_loss", ""].first, both["log_loss", ""].second] == pytest.approx(losses)
    page, claims = write_comparison(runs, tmp_path / "comparison.html")
    assert "long is better than short in log loss" in " ".join(claims)
    assert page.is_file()
    with pytest.raises(SeamlineError, match="a comparison needs two runs or more, got 1"):
        write_comparison(runs[:1], tmp_path / "one.html")
