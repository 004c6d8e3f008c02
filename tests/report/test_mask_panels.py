import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.made_run import share
from seamline.report.contents import Contents, read_contents
from seamline.report.headline import headline
from seamline.report.panels.audit import audit
from seamline.report.panels.calibration import calibration
from seamline.report.panels.cases import cases
from seamline.report.panels.classes import classes
from seamline.report.panels.confusion import confusion
from seamline.report.panels.documented import against, documented
from seamline.report.panels.photos import photos
from seamline.report.panels.precision import precision
from seamline.report.panels.rerun import rerun
from seamline.report.panels.training import training
from seamline.report.words import Estimate, number, percent


@pytest.fixture(scope="module")
def run(segmented: Path) -> Contents:
    return read_contents(segmented)


def with_scores(run: Contents, **changed: Any) -> Contents:
    return dataclasses.replace(run, scores={**run.scores, "test": {**run.scores["test"], **changed}})


def with_split(run: Contents, **changed: Any) -> Contents:
    return dataclasses.replace(run, run={**run.run, "split": {**run.run["split"], **changed}})


def test_the_head_shows_mean_average_precision_first(run: Contents) -> None:
    first, *others = headline(run)
    test = run.scores["test"]
    assert (first.name, first.value) == ("Mean average precision", number(test["mean_ap"]["value"]))
    assert first.of == "by raw scores"
    assert number(test["mean_ap_softmax"]["value"]) in first.beside
    assert first.on == "test, 12 images"
    assert [one.name for one in others] == ["Mean IoU", "Pixel accuracy"]
    assert others[1].value == percent(test["accuracy"]["value"])


def test_the_head_shows_what_is_known(run: Contents) -> None:
    shown = headline(with_scores(run, mean_ap=None, mean_iou=None))
    assert [(one.name, one.on) for one in shown] == [("Pixel accuracy", "test, 12 images")]
    assert headline(dataclasses.replace(run, scores={"val": None, "test": None})) == []


def test_training_speaks_of_pixels(run: Contents) -> None:
    panel = training(run)
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert "the pixel accuracy is" in text
    assert "of the training pixels right" in text
    assert "Pixel accuracy" in panel.values["plots"][1]


def test_confusion_is_in_shares_of_the_row(run: Contents) -> None:
    panel = confusion(run)
    assert panel is not None
    matrix = run.segmented["test"].confusion
    rows = panel.values["splits"][0]["rows"]
    for row, counted in zip(rows, matrix, strict=True):
        assert row["images"] == percent(counted.sum() / matrix.sum())
        for cell, pixels in zip(row["cells"], counted, strict=True):
            expected = f"{100 * pixels / counted.sum():.1f}" if pixels else 0
            assert cell["images"] in (expected, "<0.1")
    assert "data" not in panel.values
    sentence = panel.values["splits"][0]["sentence"]
    wrong = matrix.sum() - np.trace(matrix)
    assert f"{percent(wrong / matrix.sum())} of the pixels of the test images were taken for another class" in sentence
    assert "41.0\u00a0%" in sentence
    assert "lie within 3 pixels of a border between classes, where 17.0\u00a0% of all pixels lie." in sentence
    (part,) = panel.values["splits"][0]["parts"]
    assert (part["name"], part["regions"]) == ("pillar", "31 regions")
    assert [cell["value"] for cell in part["cells"]] == ["31.0\u00a0%", "52.0\u00a0%", "20.0\u00a0%"]


def test_confusion_without_errors_says_so(run: Contents) -> None:
    right = dataclasses.replace(run.segmented["test"], confusion=np.eye(5, dtype=np.int64), errors={})
    panel = confusion(dataclasses.replace(run, segmented={"test": right}))
    assert panel is not None
    (split,) = panel.values["splits"]
    assert split["sentence"] == "No pixel of the test images was taken for another class."
    assert split["parts"] == []


def test_classes_stand_beside_what_others_reached(run: Contents) -> None:
    panel = classes(run)
    assert panel is not None
    test, val = panel.values["splits"]
    assert test["documented"] == {
        "0.63": ["0.59", "0.72", "0.26", "0.87", "0.71"],
        "0.624": ["0.685", "0.792", "0.227", "0.843", "0.574"],
    }
    assert val["documented"] == {}
    for row in test["rows"]:
        written = run.scores["test"]["per_class"][row["name"]]
        figures = [one["text"] for one in row["figures"]]
        assert figures[:3] == [number(written[key]["value"]) for key in ("ap", "ap_softmax", "iou")]
        assert figures[3] == percent(written["accuracy"]["value"])
    assert test["whole"]["figures"][0]["text"] == number(run.scores["test"]["mean_ap"]["value"])
    assert "the lowest average precision is that of" in test["sentence"]
    assert "interval overlaps" not in test["sentence"]
    assert "stays open" not in test["sentence"]
    assert "the course asked for 0.45." in test["sentence"]
    assert "the course asked" not in val["sentence"]


def changed(run: Contents, part: str, field: str, value: Any) -> dict[str, Any]:
    return {**run.run, part: {**run.run[part], field: value}}


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("dataset", "name", "mine"),
        ("dataset", "test", 113),
        ("network", "image", [128, 256, 3]),
        ("network", "image", None),
    ],
)
def test_other_images_stand_alone(run: Contents, part: str, field: str, value: Any) -> None:
    other = dataclasses.replace(run, run=changed(run, part, field, value))
    panel = classes(other)
    assert panel is not None
    assert panel.values["splits"][0]["documented"] == {}
    assert "course" not in panel.values["splits"][0]["sentence"]


def test_an_absent_class_is_a_dash(run: Contents) -> None:
    nothing = {"value": None, "low": None, "high": None}
    absent: dict[str, Any] = {"share": nothing, "ap": nothing, "ap_softmax": None, "iou": nothing, "accuracy": nothing}
    panel = classes(with_scores(run, per_class={**run.scores["test"]["per_class"], "pillar": absent}))
    assert panel is not None
    row = next(row for row in panel.values["splits"][0]["rows"] if row["name"] == "pillar")
    assert [one["text"] for one in row["figures"]] == ["–", "–", "–", "–"]


@pytest.mark.parametrize(
    ("mean", "says"),
    [
        (Estimate(0.7, 0.68, 0.72), "0.700, above the best documented course result, 0.63;"),
        (Estimate(0.5, 0.48, 0.52), "0.500, below the best documented course result, 0.63;"),
        (Estimate(0.7), "0.700, without an interval; the best documented course result is 0.63;"),
        (Estimate(0.62, 0.6, 0.64), "0.620, and the best documented course result, 0.63, lies within its interval;"),
    ],
)
def test_a_claim_against_others_needs_its_interval(run: Contents, mean: Estimate, says: str) -> None:
    assert says in against(mean, documented(run.run, "test"))
    assert documented(run.run, "val") == {}
    assert documented(changed(run, "dataset", "classes", [*run.classes, "roof"]), "test") == {}
    assert against(None, documented(run.run, "test")) == ""


def test_precision_compares_classes_at_half_recall(run: Contents) -> None:
    panel = precision(run)
    assert panel is not None
    assert [view["name"] for view in panel.values["views"]] == ["raw", "softmax"]
    curves = run.segmented["test"].curves["raw"]
    at = {name: float(np.interp(0.5, one["recall"], one["precision"])) for name, one in curves.items()}
    best, worst = max(at, key=lambda name: at[name]), min(at, key=lambda name: at[name])
    text = panel.values["views"][0]["sentences"][0]
    assert f"{percent(at[best])} of what is taken for {best} is right, and {percent(at[worst])} for {worst}." in text
    assert "The two rankings differ most for" in panel.values["views"][1]["sentences"][1]
    plot = panel.values["views"][0]["plots"]["wide"]
    assert "var(--class-2)" in plot
    assert "#0f1e" not in plot
    assert set(panel.drawings) == {"precision-raw", "precision-softmax"}


def test_precision_leaves_out_absent_classes_and_empty_rankings(run: Contents) -> None:
    curves = {"raw": {"facade": {"recall": [0, 1], "precision": [1, 0.5]}}, "softmax": {}}
    one = dataclasses.replace(run.segmented["test"], curves=curves)
    panel = precision(dataclasses.replace(run, segmented={"test": one}))
    assert panel is not None
    (view,) = panel.values["views"]
    assert view["sentences"][0].endswith("75.0\u00a0% of what is taken for facade is right.")
    assert precision(dataclasses.replace(run, segmented={})) is None


def test_cases_show_four_pictures_and_say_what_went_wrong(run: Contents) -> None:
    panel = cases(run)
    assert panel is not None
    assert [group["title"] for group in panel.values["groups"]] == ["Best", "In the middle", "Worst"]
    shown = [case for group in panel.values["groups"] for case in group["cases"]]
    answers = run.segmented["test"]
    assert [case["name"] for case in shown] == [case.name for case in answers.cases]
    for case, read in zip(shown, answers.cases, strict=True):
        assert case["photo"].startswith("data:image/jpeg")
        assert all(case[kind].startswith("data:image/png") for kind in ("truth", "output", "errors"))
        assert case["of"] == f"place {read.place} of 12"
        wrong = (read.truth != read.output) & (read.truth < 5)
        assert case["alt"]["errors"] == f"{percent(wrong.sum() / (read.truth < 5).sum())} of the pixels are wrong"
        assert case["sentence"].startswith("Most wrong: ") or not wrong.any()
    best, worst = answers.ranking[0], answers.ranking[-1]
    text = panel.values["sentences"][0]
    assert f"Of 12 test images the best, {best['name']}, reaches a mean IoU of {number(best['mean_iou'])}" in text
    assert f"the worst, {worst['name']}, {number(worst['mean_iou'])}" in text
    none = dataclasses.replace(answers, cases=())
    assert cases(dataclasses.replace(run, segmented={"test": none})) is None


def test_audit_says_what_chance_would_have_done(run: Contents) -> None:
    panel = audit(run)
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert "780 of the 906 training images have at least one relative among them; they form 286 groups" in text
    assert "and the largest group holds 9 images" in text
    assert "torn 63 groups apart and given 81.0\u00a0% of the validation images a relative" in text
    assert "2 of the 114 test images have relatives among the training images; so 16 training images were left" in text
    assert [bar["text"] for bar in panel.values["bars"]] == ["81.0\u00a0%", "0.0\u00a0%"]
    assert [one["title"] for one in panel.values["lists"]] == [
        "16 training images left out",
        "2 test images with relatives among the training images",
    ]


@pytest.mark.parametrize(
    ("searched", "how", "none"),
    [
        (True, "were found by their pixels", "were found to be related"),
        (False, "The dataset came with groups", "stand in one group"),
        (None, "Related images form groups.", "stand in one group"),
    ],
)
def test_audit_says_how_relatives_are_known(run: Contents, searched: bool | None, how: str, none: str) -> None:
    changes = {} if searched is None else {"searched": searched}
    split = {key: value for key, value in run.run["split"].items() if key != "searched"} | changes
    panel = audit(dataclasses.replace(run, run={**run.run, "split": split}))
    alone = audit(dataclasses.replace(run, run={**run.run, "split": {**split, "grouped_images": 0}}))
    assert panel is not None
    assert alone is not None
    assert how in panel.values["known"]
    assert ("crops of one scene" in panel.values["sentences"][0]) is (searched is True)
    assert none in alone.values["sentences"][0]


def test_audit_of_a_random_split_warns(run: Contents) -> None:
    panel = audit(with_split(run, by="images", left_out=[]))
    assert panel is not None
    text = " ".join(panel.values["sentences"])
    assert "so validation figures are too good" in text
    assert "none was left out: the test figures are partly of images that the network half knows" in text
    assert panel.values["bars"] == []


def test_audit_of_unrelated_images_is_short(run: Contents) -> None:
    nothing: dict[str, Any] = {"grouped_images": 0, "left_out": [], "test_related": []}
    panel = audit(with_split(run, **nothing, random={"torn_groups": 0, "val_related": 0}))
    assert panel is not None
    assert panel.values["sentences"] == [
        "No two of the 890 training images were found to be related.",
        "Validation images were taken by whole groups, so that no group stands on both sides.",
        "None of the 114 test images has a relative among the training images.",
    ]
    assert audit(dataclasses.replace(run, run={**run.run, "split": {"fraction": 0.1, "groups": 800}})) is None


def test_calibration_counts_pixels(run: Contents) -> None:
    panel = calibration(run)
    assert panel is not None
    assert panel.values["of"] == "test pixels"
    assert panel.values["sentences"][0].startswith("On the test pixels what the network states")
    assert ">pixels<" in panel.values["plots"][0]


def test_own_photos_show_the_share_of_each_class(run: Contents) -> None:
    panel = photos(run)
    assert panel is not None
    assert run.photos is not None
    (one,) = panel.values["photos"]
    shares = run.photos.photos[0]["shares"]
    assert [row["text"] for row in one["rows"]] == [percent(shares[name]) for name in run.classes]
    most = max(shares, key=lambda name: shares[name])
    assert one["sentence"].startswith(f"Most of it was taken for {most} ({percent(shares[most])}) and")
    assert one["name"] == "front-1.jpg"
    assert panel.values["failed"][0]["reason"] == "is no image"
    assert photos(dataclasses.replace(run, photos=None)) is None
    foreign = dataclasses.replace(run.photos, classes=("a", "b"))
    assert photos(dataclasses.replace(run, photos=foreign)) is None


def test_rerun_names_the_files_of_a_segmenter(run: Contents) -> None:
    files = rerun(run).values["files"]
    assert files["evaluation"] == "figures, curves, masks and cases of each split"
    assert "photos" in files
    assert "insides" not in files


def test_rerun_says_that_groups_were_kept_whole_only_where_they_were(run: Contents) -> None:
    said = "10 % for validation, seed 0, groups of related images kept whole"
    assert dict(rerun(run).values["facts"])["split"] == said
    many_out = with_split(run, groups=900, left_out=[f"train/{i}" for i in range(300)])
    assert dict(rerun(many_out).values["facts"])["split"] == said
    assert "kept whole" not in dict(rerun(with_split(run, grouped_images=0)).values["facts"])["split"]
    assert "kept whole" not in dict(rerun(with_split(run, by="images")).values["facts"])["split"]


def test_rerun_writes_the_names_of_figures_as_people_do(run: Contents) -> None:
    definitions = {"mean_ap_softmax": "a", "iou of a class": "b", "f1 of a class": "c", "loss": "d"}
    names = [*rerun(dataclasses.replace(run, scores={**run.scores, "definitions": definitions})).values["definitions"]]
    assert names == ["mean AP softmax", "IoU of a class", "F1 of a class", "loss"]


def test_shares_of_photos_are_called_most_only_where_they_are(run: Contents) -> None:
    written = run.photos
    assert written is not None

    def shown(*shares: Sequence[float]) -> dict[str, Any]:
        kept = [{**written.photos[0], "shares": dict(zip(run.classes, one, strict=True))} for one in shares]
        found = dataclasses.replace(written, photos=tuple(kept))
        panel = photos(dataclasses.replace(run, photos=found))
        assert panel is not None
        return dict(panel.values)

    even = shown((0.25, 0.25, 0.2, 0.15, 0.15))["photos"][0]["sentence"]
    assert even == "The largest shares are those of other (25.0\u00a0%) and facade (25.0\u00a0%)."
    (together,) = shown((0.38, 0.32, 0.3, 0, 0), (0.38, 0.32, 0.3, 0, 0))["sentences"]
    assert together == (
        "Over all 2 photos other takes up the largest share of the area, 38.0\u00a0%; "
        "window and balcony were not found at all."
    )
    (single,) = shown((0.4, 0.2, 0.2, 0.2, 0), (0.4, 0.2, 0.2, 0.2, 0))["sentences"]
    assert single.endswith("; balcony was not found at all.")


def test_classes_leave_the_order_to_the_finding(run: Contents) -> None:
    near = {name: {"ap": share(0.6 + 0.01 * i, 50), "share": share(0.2, 50)} for i, name in enumerate(run.classes)}
    panel = classes(with_scores(run, per_class=near, mean_ap=None))
    assert panel is not None
    assert panel.values["splits"][0]["sentence"] == (
        "On the test images the lowest average precision is that of other, 0.600, the highest that of balcony, 0.640."
    )
