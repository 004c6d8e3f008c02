import math
from typing import Any

import msgspec

from run_folder.factories import metrics, run_info
from seamline.evaluation.model_card import intended_use, model_card
from seamline.run_folder import (
    DatasetPartInfo,
    Estimate,
    GroupingInfo,
    MetricInfo,
    Metrics,
    Novelty,
    RunInfo,
    SplitMetrics,
)

replace = msgspec.structs.replace


def info(**dataset: Any) -> RunInfo:
    one = run_info()
    classes, title = one.dataset.classes, "Streets"
    return replace(
        one, dataset=replace(one.dataset, **({"title": title, "classes": classes, "warnings": ()} | dataset))
    )


def measured(*, test: bool = True) -> Metrics:
    names = run_info().dataset.classes
    values = [Estimate(0.9, 0.8, 0.95), *(Estimate(0.4 + 0.1 * i, 0.3, 0.8) for i in range(len(names) - 1))]
    split = SplitMetrics(
        images=20,
        groups=8,
        count=900,
        overall={},
        per_class={name: {"ap": Estimate(math.nan), "iou": value} for name, value in zip(names, values, strict=True)},
        support=dict.fromkeys(names, 300) | {names[-1]: 0},
    )
    iou = MetricInfo(title="IoU", definition="overlap", format="decimal")
    return replace(metrics(), val=split, test=split if test else None, definitions={"iou": iou})


def test_the_card_says_what_for_and_on_what() -> None:
    first, second = intended_use(info(train=1_000, val=1))
    names = run_info().dataset.classes
    assert first.startswith(f"The model assigns each pixel of an image to one of {len(names)} classes: {names[0]}")
    assert first.endswith(f" and {names[-1]}.")
    assert "like those of its data, Streets." in second
    assert "trained on 1,000 of them, and 1 other was used for validation." in second
    many = intended_use(info(classes=tuple(f"c{i}" for i in range(20)), palette=((0, 0, 0),) * 20))[0]
    assert many.endswith("one of 20 classes, from c0 to c19.")


def test_limits_are_figures_of_the_run() -> None:
    names = run_info().dataset.classes
    novelty = Novelty(images=30, groups=2)
    limits = model_card(info(), measured(), novelty).limits
    assert limits[0].startswith("The metrics are of 20 test images in 8 groups of related ones, of the same data.")
    assert f"that of {names[1]}, 0.400 (0.300 to 0.800) on test images." in limits[1]
    assert limits[2] == f"No test image has a label of {names[-1]}, so nothing was measured on it."
    assert limits[3].endswith("; there are too few groups of images to recognize others.")
    assert limits[4].startswith("Fractions of classes are fractions of the photo")
    assert len(limits) == 5


def test_what_makes_metrics_doubtful_is_a_limit() -> None:
    names = run_info().dataset.classes
    part = DatasetPartInfo(name="a", title="Fronts", source="a", merged={names[0]: names[1]}, train=1, val=1, test=1)
    doubtful = info(synthetic=True, warnings=("dark",), parts=(part,))
    grouping = GroupingInfo(near_duplicates_searched=False, near_duplicates=False)
    doubtful = replace(doubtful, split=replace(doubtful.split, grouping=grouping))
    text = " ".join(model_card(doubtful, measured(test=False)).limits)
    assert "There are no test images. The metrics are of 20 validation images" in text
    assert "The images are drawn by a program" in text
    assert "Metrics may be optimistic: near-duplicates may be in different splits" in text
    assert f"Fronts does not label {names[0]} apart: it is learned from the other images." in text
    assert text.endswith("The report has 1 warning about the data.")
