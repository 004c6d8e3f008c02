"""By how much one label changes what settings are compared by, worked out by hand."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from seamline.evaluation.sweep import read_sweep
from seamline.evaluation.sweep_settings import Measure, paired
from seamline.run_folder import Estimate, SplitMetrics
from sweep_factories import write_sweep

METRICS = SplitMetrics(
    images=10, groups=10, count=1000, overall={"accuracy": Estimate(0.5)}, support={"arch": 5, "door": 995, "roof": 0}
)


@pytest.mark.parametrize(
    ("measure", "step"),
    [
        (Measure("accuracy"), 1 / 1000),
        (Measure("recall", "arch"), 1 / 5),
        (Measure("recall", "door"), 1 / 995),
        (Measure("balanced_accuracy"), 1 / 10),  # an arch more: a recall of 1 / 5 more, of two classes that are there
        (Measure("mean_ap"), 1 / 10),
        (Measure("recall", "roof"), 0),
    ],
)
def test_one_label_changes_a_metric_by_one_step(measure: Measure, step: float) -> None:
    assert measure.step(METRICS) == pytest.approx(step)
    assert measure.step(None) == 0


def test_a_seed_with_folds_has_the_images_of_all(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", [{"lr": 1}, {"lr": 2}], [[0.8, 0.9], [0.9, 0.9]], [[0.8, 0.9]] * 2)
    first, second = read_sweep(folder).settings
    accuracy = Measure("accuracy")
    assert (first.step(accuracy, "val"), first.step(accuracy, "test")) == (1 / 100, 1 / 200)
    assert paired(accuracy, first, second, "val").step == 1 / 100
    assert paired(accuracy, first, second, "val").values == pytest.approx([0.1, 0.0])
    folds = tuple(
        replace(run, run=type(run.run)(name=f"{fold}", setting=0, seed=0, fold=fold))
        for fold, run in enumerate(first.runs, 1)
    )
    assert replace(first, runs=folds).step(accuracy, "test") == 1 / 400
    assert math.isclose(replace(first, runs=()).step(accuracy, "test"), 0)
