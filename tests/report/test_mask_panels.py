import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from report.factories import REFERENCES
from report.test_page import panel_of, rows_of
from seamline.report.formatting import decimal, percent
from seamline.report.page import render_page
from seamline.report.panels import (
    PANELS,
    calibration,
    classes,
    confusion,
    examples,
    leakage,
    pr_curves,
    predictions,
    reproducibility,
    training,
)
from seamline.report.run_data import RunData, read_run
from seamline.report.summary import key_metrics
from seamline.run_folder import ABSENT, Curve, MetricInfo, RandomSplit, ReferenceImage

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def run(segmented: Any) -> RunData:
    return read_run(segmented)


def with_test(run: RunData, **fields: Any) -> RunData:
    metrics = replace(run.metrics, test=replace(run.metrics.held_out, **fields))
    return dataclasses.replace(run, metrics=metrics)


def with_split(run: RunData, **fields: Any) -> RunData:
    return dataclasses.replace(run, info=replace(run.info, split=replace(run.info.split, **fields)))


def with_dataset(run: RunData, **fields: Any) -> RunData:
    return dataclasses.replace(run, info=replace(run.info, dataset=replace(run.info.dataset, **fields)))


def bars_of(html: str) -> list[tuple[str, str]]:
    """The title and the value of each bar."""
    bars = re.findall(r'<div class="bar[ "].*?</div>', html, re.S)
    return [(re.sub("<[^>]+>", "", bar.partition("<b>")[0]), bar.partition("<b>")[2].partition("<")[0]) for bar in bars]


def test_the_head_shows_mean_average_precision_first(run: RunData) -> None:
    first, *others = key_metrics(run)
    overall = run.metrics.held_out.overall
    assert (first.name, first.value) == ("Mean average precision", decimal(overall["mean_ap"]))
    assert f"by softmax {decimal(overall['mean_ap_softmax'])}" in first.note
    assert first.of == "test, 12 images"
    assert [one.name for one in others] == ["Mean IoU", "Accuracy"]
    assert others[1].value == percent(overall["accuracy"])


def test_the_head_shows_what_is_known(run: RunData) -> None:
    shown = key_metrics(with_test(run, overall={**run.metrics.held_out.overall, "mean_ap": ABSENT, "mean_iou": ABSENT}))
    assert (shown[0].name, shown[0].of) == ("Accuracy", "test, 12 images")
    nothing = replace(run.metrics.held_out, overall={}, per_class={})
    metrics = replace(run.metrics, test=nothing, val=nothing)
    assert key_metrics(dataclasses.replace(run, metrics=metrics)) == []


def test_training_is_about_pixels(run: RunData) -> None:
    panel = training.build(run)
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert "the pixel accuracy is" in text
    assert "of the training pixels" in text
    assert "Pixel accuracy" in panel.values["plots"][1]


def test_confusion_is_in_percent_of_the_row(run: RunData) -> None:
    panel = confusion.build(run)
    assert panel is not None
    matrix = np.array(run.results["test"].confusion)
    rows = panel.values["splits"]["test"]["rows"]
    for row, counts in zip(rows, matrix, strict=True):
        assert row["total"] == percent(counts.sum() / matrix.sum())
        for cell, pixels in zip(row["cells"], counts, strict=True):
            expected = f"{100 * pixels / counts.sum():.1f}" if pixels else 0
            assert cell["text"] in (expected, "<0.1")
    assert panel.values["data"] is None
    text = " ".join(panel.values["splits"]["test"]["sentences"])
    wrong = matrix.sum() - np.trace(matrix)
    assert f"{percent(wrong / matrix.sum())} of the pixels of the test images are predicted as another class" in text
    assert "41.0\u00a0%" in text
    assert (
        "of the wrong pixels and 17.0\u00a0% of all pixels are within 3 pixels of a boundary between classes." in text
    )
    _, row = rows_of(panel_of(run, "confusion"), "thin regions on the test images")
    assert row[0] == "pillar 31 regions"
    assert [cell.split()[0] for cell in row[1:]] == ["31.0", "52.0", "20.0"]


def test_confusion_without_errors_says_so(run: RunData) -> None:
    correct = replace(run.results["test"], confusion=np.eye(5, dtype=np.int64).tolist(), errors=None)
    panel = confusion.build(dataclasses.replace(run, results={"test": correct}))
    assert panel is not None
    (split,) = panel.values["splits"].values()
    assert split["sentences"] == ["All pixels of the test images are predicted correctly."]
    assert split["thin_regions"] == {}


def test_classes_stand_beside_published_results(run: RunData) -> None:
    html = panel_of(run, "classes")
    head, *rows, foot = rows_of(html, "Metrics of each class on the test images")
    assert head == [
        *("Class", "AP", "Course, 0.63", "Course, 0.624", "AP by softmax", "IoU", "Recall", "Precision", "F1"),
        "Pixels",
    ]
    assert [row[2] for row in rows] == ["0.590", "0.720", "0.260", "0.870", "0.710"]
    for name, *cells in rows:
        written = run.metrics.held_out.per_class[name]
        texts = [cell.split(" ")[0] for cell in (cells[0], *cells[3:])]
        assert texts[:3] == [decimal(written[key]) for key in ("ap", "ap_softmax", "iou")]
        assert texts[3:5] == [percent(written[key]) for key in ("recall", "precision")]
        assert texts[5:] == [decimal(written["f1"]), percent(written["pixel_fraction"])]
    assert foot[0] == "all"
    assert foot[1].startswith(decimal(run.metrics.held_out.overall["mean_ap"]))
    assert foot[2:4] == ["0.630", "0.624"]
    assert foot[6].startswith(percent(run.metrics.held_out.overall["accuracy"]))
    val = rows_of(html, "Metrics of each class on the validation images")
    assert not any("Course" in title for title in val[0])


def test_a_metric_of_classes_that_is_new_gets_a_column(run: RunData) -> None:
    info = MetricInfo(title="Dice", definition="twice the overlap", format="decimal")
    per_class = {name: {**of, "dice": of["iou"]} for name, of in run.metrics.held_out.per_class.items()}
    changed = with_test(run, per_class=per_class)
    metrics = replace(changed.metrics, definitions={**run.metrics.definitions, "dice": info})
    html = panel_of(dataclasses.replace(changed, metrics=metrics), "classes")
    assert rows_of(html, "Metrics of each class on the test images")[0][-2:] == ["Dice", "Pixels"]


@pytest.mark.parametrize(
    "changes",
    [{"images": 113}, {"input_size": (128, 256)}, {"split": "val", "images": 11}, {"per_class": {"roof": 0.5}}],
)
def test_results_on_other_images_are_not_shown(run: RunData, changes: dict[str, Any]) -> None:
    other = with_dataset(run, reference_results=(replace(REFERENCES[0], **changes),))
    assert classes.reference_results(other, "test") == ()


def test_an_absent_class_is_a_dash(run: RunData) -> None:
    absent = dict.fromkeys(("pixel_fraction", "ap", "iou", "recall"), ABSENT)
    html = panel_of(with_test(run, per_class={**run.metrics.held_out.per_class, "pillar": absent}), "classes")
    row = next(row for row in rows_of(html, "Metrics of each class on the test images") if row[0] == "pillar")
    assert [row[1], *row[4:]] == ["–"] * 7


def test_pr_curves_state_precision_at_half_recall(run: RunData) -> None:
    panel = pr_curves.build(run)
    assert panel is not None
    assert panel.values["tabs"] == {"raw": "By logits", "softmax": "By softmax"}
    curves = run.results["test"].curves["raw"]
    at = {name: float(np.interp(0.5, one.recall, one.precision)) for name, one in curves.items()}
    best, worst = max(at, key=lambda name: at[name]), min(at, key=lambda name: at[name])
    caption = panel.values["views"]["raw"]["caption"]
    assert f"precision is between {percent(at[worst])} ({worst}) and {percent(at[best])} ({best})." in caption
    plot = panel.values["views"]["raw"]["plots"]["wide"]
    assert "var(--class-2)" in plot
    assert "#0f1e" not in plot
    assert set(panel.figures) == {"pr-curves-raw", "pr-curves-softmax"}


def test_pr_curves_leave_out_absent_classes_and_empty_rankings(run: RunData) -> None:
    curves = {"raw": {"facade": Curve(recall=(0.0, 1.0), precision=(1.0, 0.5))}, "softmax": {}}
    panel = pr_curves.build(dataclasses.replace(run, results={"test": replace(run.results["test"], curves=curves)}))
    assert panel is not None
    (view,) = panel.values["views"].values()
    assert view["caption"].endswith("the precision of facade is 75.0\u00a0%.")
    assert pr_curves.build(dataclasses.replace(run, results={})) is None


def test_examples_show_four_pictures_and_the_largest_error(run: RunData) -> None:
    panel = examples.build(run)
    assert panel is not None
    assert list(panel.values["groups"]) == ["Best", "Median", "Worst"]
    shown = [one for group in panel.values["groups"].values() for one in group]
    images = run.examples["test"]
    assert [one["example"] for one in shown] == [one.example for one in images]
    for one, read in zip(shown, images, strict=True):
        assert one["photo"].startswith("data:image/jpeg")
        assert all(one[kind].startswith("data:image/png") for kind in ("ground_truth", "prediction", "errors"))
        assert one["rank"] == f"rank {read.example.rank} of 12"
        valid = read.ground_truth < 5
        wrong = (read.ground_truth != read.prediction) & valid
        assert one["alt"]["errors"] == f"{percent(wrong.sum() / valid.sum())} of the pixels are wrong"
        assert one["sentence"].startswith("Largest error: ") or not wrong.any()
    assert "the best first" in panel.values["plots"]["wide"]
    assert examples.build(dataclasses.replace(run, examples={"test": ()})) is None


def test_reference_images_are_shown_with_their_note(run: RunData) -> None:
    first, *others = run.examples["test"]
    reference = dataclasses.replace(first, example=replace(first.example, bucket="reference", rank=7))
    noted = with_dataset(run, reference_images=(ReferenceImage(name=first.example.name, note="shown elsewhere"),))
    panel = examples.build(dataclasses.replace(noted, examples={"test": (*others, reference)}))
    assert panel is not None
    (shown,) = panel.values["groups"]["Reference images"]
    assert (shown["note"], shown["rank"]) == ("shown elsewhere", "rank 7 of 12")
    sections = [(next(one for one in PANELS if one.name == "examples"), panel)]
    assert "of the pixels correct; shown elsewhere" in render_page(noted, sections)


def test_leakage_shows_what_a_random_split_would_do(run: RunData) -> None:
    panel = leakage.build(run)
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert "780 of the 906 training images have a near-duplicate among them; they form 286 groups" in text
    assert "The largest group has 9 images" in text
    assert "2 of the 114 test images have near-duplicates among the training images; 16 training images are" in text
    assert dict(panel.values["facts"])["groups that a random split would split, on average"] == "63"
    assert bars_of(panel_of(run, "leakage")) == [("random split", "81.0\u00a0%"), ("this run", "0.0\u00a0%")]
    assert list(panel.values["lists"]) == [
        "16 training images excluded",
        "2 test images with near-duplicates in training",
    ]


@pytest.mark.parametrize(
    ("detected", "origin"), [(True, "were detected in the pixels"), (False, "The dataset comes with groups")]
)
def test_leakage_says_where_groups_come_from(run: RunData, detected: bool, origin: str) -> None:
    panel = leakage.build(with_split(run, groups_detected=detected))
    single = leakage.build(with_split(run, groups_detected=detected, duplicate_images=0))
    assert panel is not None
    assert single is not None
    assert origin in panel.values["origin"]
    assert ("crops of one scene" in panel.values["sentences"][0]) is detected
    assert "has a near-duplicate among them" in single.values["sentences"][0]


def test_leakage_of_a_random_split_has_one_bar(run: RunData) -> None:
    text = panel_of(with_split(run, strategy="images", excluded_train=()), "leakage")
    assert "at random, image by image, without regard to near-duplicates" in text
    assert "and no training image is excluded" in text
    assert bars_of(text) == [("random split", "81.0\u00a0%")]


def test_leakage_of_independent_images_is_short(run: RunData) -> None:
    nothing: dict[str, Any] = {"duplicate_images": 0, "excluded_train": (), "test_with_train_duplicates": ()}
    random = RandomSplit(expected_split_groups=0, expected_val_leakage=0)
    panel = leakage.build(with_split(run, **nothing, random=random))
    assert panel is not None
    assert panel.values["sentences"] == [
        "None of the 890 training images has a near-duplicate among them.",
        "Validation images are drawn as whole groups, so no group is in both training and validation.",
        "None of the 114 test images has a near-duplicate in training.",
    ]


def test_calibration_counts_pixels(run: RunData) -> None:
    panel = calibration.build(run)
    assert panel is not None
    assert panel.values["labels"] == "pixels"
    assert 'aria-label="Reliability diagram on the test pixels.' in panel.values["plots"][0]
    assert ">pixels<" in panel.values["plots"][0]


def test_predictions_show_the_fraction_of_each_class(run: RunData) -> None:
    panel = predictions.build(run)
    assert panel is not None
    assert run.predictions is not None
    (one,) = panel.values["photos"]
    fractions = run.predictions.photos[0].class_fractions
    assert bars_of(panel_of(run, "predictions")) == [(name, percent(fractions[name])) for name in run.classes]
    most = max(fractions, key=lambda name: fractions[name])
    assert one["alt"].startswith(f"{most} {percent(fractions[most])}")
    assert one["name"] == "front-1.jpg"
    assert panel.values["errors"][0].reason == "is no image"
    assert predictions.build(dataclasses.replace(run, predictions=None)) is None
    foreign = replace(run.predictions, classes=("a", "b"), palette=run.palette[:2])
    assert predictions.build(dataclasses.replace(run, predictions=foreign)) is None


def test_predictions_state_the_largest_fraction_and_what_is_missing(run: RunData) -> None:
    record = run.predictions
    assert record is not None

    def sentences(*fractions: Sequence[float]) -> list[str]:
        assert record is not None
        photos = tuple(
            replace(record.photos[0], class_fractions=dict(zip(run.classes, one, strict=True))) for one in fractions
        )
        panel = predictions.build(dataclasses.replace(run, predictions=replace(record, photos=photos)))
        assert panel is not None
        return list(panel.values["sentences"])

    assert sentences((0.38, 0.32, 0.3, 0, 0), (0.38, 0.32, 0.3, 0, 0)) == [
        "Over all 2 photos, other has the largest fraction of the pixels (38.0\u00a0%); "
        "window and balcony are not predicted."
    ]
    (single,) = sentences((0.4, 0.2, 0.2, 0.2, 0), (0.4, 0.2, 0.2, 0.2, 0))
    assert single.endswith("; balcony is not predicted.")
    assert sentences((0.25, 0.25, 0.2, 0.15, 0.15)) == []


def test_reproducibility_names_the_files_of_a_segmenter(run: RunData) -> None:
    files = reproducibility.build(run).values["files"]
    assert files["evaluation"] == "predictions, confusion matrix and examples of each split"
    assert "predictions" in files
    assert "analysis" not in files


def test_reproducibility_says_that_groups_are_kept_together_only_where_they_are(run: RunData) -> None:
    def split(run: RunData) -> str:
        return str(dict(reproducibility.build(run).values["facts"])["split"])

    together = "10 % for validation, seed 0, groups kept together"
    assert split(run) == together
    assert split(with_split(run, groups=900, excluded_train=tuple(f"train/{i}" for i in range(300)))) == together
    assert "kept together" not in split(with_split(run, duplicate_images=0))
    assert "kept together" not in split(with_split(run, strategy="images"))
    assert split(with_split(run, predefined=True)) == "the dataset's own validation images"


def test_reproducibility_defines_each_metric_by_its_title(run: RunData) -> None:
    definitions = reproducibility.build(run).values["definitions"]
    assert ("IoU", "intersection over union, TP / (TP + FP + FN)") in definitions
    assert [title for title, _ in definitions] == [info.title for info in run.metrics.definitions.values()]
