"""Files are read as they were written; whatever is wrong with one is a line that names it."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report.why_factories import class_analysis
from run_folder import factories
from seamline.errors import SeamlineError
from seamline.run_folder import (
    ABSENT,
    Estimate,
    ExportMetadata,
    JsonFile,
    Metrics,
    RunFolder,
    prediction_record,
    to_json,
)
from seamline.run_folder.json_file import convert

Files = Callable[[RunFolder], JsonFile[Any]]

WRITTEN: list[tuple[Files, Any]] = [
    (lambda folder: folder.info, factories.run_info()),
    (lambda folder: folder.info, factories.run_info("classification")),
    (lambda folder: folder.history, (factories.epoch(1), factories.epoch(2))),
    (lambda folder: folder.history, ()),
    (lambda folder: folder.metrics, factories.metrics()),
    (lambda folder: folder.calibration, factories.calibration()),
    (lambda folder: folder.integrity, factories.integrity(**{"run.json": "0" * 64})),
    (lambda folder: folder.kernels, factories.filter_analysis()),
    (lambda folder: folder.linear_probes, factories.linear_probes()),
    (lambda folder: folder.class_analysis, class_analysis(("a", "b", "c"))),
    (lambda folder: folder.results("val"), factories.results("segmentation")),
    (lambda folder: folder.results("test"), factories.results("classification")),
    (lambda folder: folder.label_issues, factories.label_issues()),
    (lambda folder: folder.training_images, factories.training_images()),
    (lambda folder: folder.predictions, factories.record("segmentation")),
    (lambda folder: folder.predictions, factories.record("classification")),
]


def same(one: Any, other: Any) -> bool:
    """Whether two structs hold the same; NaN equals NaN."""
    return repr(one) == repr(other)


@pytest.mark.parametrize(("file", "value"), WRITTEN, ids=lambda value: type(value).__name__)
def test_a_file_is_read_as_it_was_written(tmp_path: Path, file: Files, value: Any) -> None:
    written = file(RunFolder(tmp_path))
    assert not written.exists()
    assert written.read_optional() is None
    written.write(value)
    assert written.exists()
    assert same(written.read(), value)


def test_findings_keep_their_estimates(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.findings.write((factories.finding(),))
    (found,) = folder.findings.read()
    assert found.values == {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}, "images": 11}


def test_a_file_is_readable_json_with_null_for_what_is_absent(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.metrics.write(factories.metrics())
    text = folder.metrics.path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 20
    assert json.loads(text)["test"]["per_class"]["door"]["ap"] == {"value": None, "low": None, "high": None}
    assert not folder.metrics.read().held_out.per_class["door"]["ap"].present


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    file = RunFolder(tmp_path).info
    file.write(factories.run_info())
    edit(file.path, lambda content: content.update(more={"a": 1}))
    assert file.read() == factories.run_info()


NUMBERS = st.floats(-1e14, 1e14) | st.just(math.nan)


@given(st.builds(Estimate, NUMBERS, NUMBERS, NUMBERS))
def test_an_estimate_survives_json(estimate: Estimate) -> None:
    content = json.loads(to_json(estimate))
    again = convert(content, Estimate)
    assert np.array_equal(msgspec.structs.astuple(again), msgspec.structs.astuple(estimate), equal_nan=True)
    assert again.present == estimate.present
    assert again.has_interval == estimate.has_interval
    assert msgspec.json.encode(again) == to_json(estimate)


def test_an_absent_estimate_is_neither_present_nor_bounded() -> None:
    assert not ABSENT.present
    assert not ABSENT.has_interval
    assert Estimate(0.5).present
    assert not Estimate(0.5, 0.4).has_interval
    assert convert({"value": None}, Estimate).present is False


LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
KEYS = st.sampled_from(["value", "low", "images", "overall", "test", "definitions"])


@settings(max_examples=60)
@given(st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(KEYS, one), max_leaves=8))
def test_any_json_is_read_or_refused_with_a_path(content: Any) -> None:
    for type_ in (Estimate, Metrics):
        try:
            convert(content, type_)
        except ValueError as error:
            problem = str(error)
        else:
            problem = "$"
        assert problem.startswith("$")


def test_numbers_of_numpy_are_written(tmp_path: Path) -> None:
    file = RunFolder(tmp_path).results("test")
    value = msgspec.structs.replace(factories.results(), confusion=np.eye(3, dtype=np.int64))
    file.write(value)
    assert file.read().confusion == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    numbers: Any = np.array([0.5, 0.25], np.float32)
    estimate = Estimate(numbers[0], np.float64(numbers[1]))
    assert to_json(estimate) == b'{"value":0.5,"low":0.25,"high":null}'


def edit(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


EVALUATE = r"; evaluate the run again with `seamline evaluate .*`$"
METRICS_ERRORS: list[tuple[Callable[[Any], object], str]] = [
    (
        lambda metrics: metrics["val"]["overall"]["accuracy"].update(value="abc"),
        r'\$.val.overall.accuracy.value is "abc", not a number or null',
    ),
    (
        lambda metrics: metrics["val"]["per_class"]["door"]["iou"].update(low=[1, 2]),
        r"\$.val.per_class.door.iou.low is a list of 2, not a number or null",
    ),
    (
        lambda metrics: metrics["val"]["overall"]["accuracy"].update(value=1e300),
        r"\$.val.overall.accuracy.value is 1e\+300, not a number < 1e\+15",
    ),
    (
        lambda metrics: metrics["val"]["overall"]["accuracy"].update(value=10**400),
        r"\$.val.overall.accuracy.value is 1000000000000000000000000000000000000000…, not a number < 1e\+15",
    ),
    (
        lambda metrics: metrics["test"]["overall"].update(accuracy=0.5),
        r"\$.test.overall.accuracy is 0.5, not an object",
    ),
    (lambda metrics: metrics["test"].update(images=-1), r"\$.test.images is -1, not a whole number >= 0"),
    (lambda metrics: metrics["test"].update(images=1.5), r"\$.test.images is 1.5, not a whole number"),
    (lambda metrics: metrics["test"].update(images=True), r"\$.test.images is true, not a whole number"),
    (lambda metrics: metrics["test"].update(images=10**400), r"\$.test.images is 1000.*…, not a whole number <= .*"),
    (lambda metrics: metrics["test"].update(per_class=[]), r"\$.test.per_class is a list of 0, not an object"),
    (lambda metrics: metrics["test"].pop("overall"), r"\$.test.overall is missing"),
    (lambda metrics: metrics.pop("train"), r"\$.train is missing"),
    (
        lambda metrics: metrics["definitions"]["log_loss"].update(format="roman"),
        r'\$.definitions.log_loss.format is "roman", which is not allowed',
    ),
    (
        lambda metrics: metrics["definitions"]["log_loss"].update(higher_is_better="no"),
        r'\$.definitions.log_loss.higher_is_better is "no", not true or false or null',
    ),
    (lambda metrics: metrics["definitions"]["log_loss"].update(title=None), r"\$.*title is null, not a string"),
]


@pytest.mark.parametrize(("change", "problem"), METRICS_ERRORS, ids=[problem for _, problem in METRICS_ERRORS])
def test_a_wrong_value_is_named_by_its_path(tmp_path: Path, change: Callable[[Any], object], problem: str) -> None:
    file = RunFolder(tmp_path).metrics
    file.write(factories.metrics())
    edit(file.path, change)
    with pytest.raises(SeamlineError, match=rf"metrics.json: {problem}{EVALUATE}"):
        file.read()


INCONSISTENT: list[tuple[Files, Any, Callable[[Any], object], str]] = [
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run["dataset"]["palette"][1].append(0),
        r"run.json: \$.dataset.palette\[1\] is a list of 4, not a list of length 3; train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run["dataset"]["palette"].__setitem__(1, [0, 0, 256]),
        r"run.json: \$.dataset.palette\[1\]\[2\] is 256, not a whole number <= 255; train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run["dataset"]["palette"].pop(),
        r"run.json: \$: palette has 2 colors, not 3 \(segmentation, 3 classes\); train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info("classification"),
        lambda run: run["dataset"].update(classes=["door", "door"]),
        r"run.json: \$: classes is empty or names a class twice; train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run["model"].update(input_size=[256, 0, 3]),
        r"run.json: \$.model.input_size\[1\] is 0, not a whole number >= 1; train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run["model"].update(input_size=[256, 256]),
        r"run.json: \$.model.input_size is a list of 2, not a list of length 3; train again",
    ),
    (
        lambda folder: folder.info,
        factories.run_info(),
        lambda run: run.update(task="detection"),
        r'run.json: \$.task is "detection", which is not allowed; train again',
    ),
    (
        lambda folder: folder.calibration,
        factories.calibration(),
        lambda calibration: calibration["temperature"].update(value=0),
        r"calibration.json: \$: temperature.value is 0, not a number > 0; evaluate",
    ),
    (
        lambda folder: folder.calibration,
        factories.calibration(),
        lambda calibration: calibration["temperature"].update(value=None),
        r"calibration.json: \$: temperature.value is nan, not a number > 0; evaluate",
    ),
    (
        lambda folder: folder.results("test"),
        factories.results(),
        lambda results: results["confusion"].pop(),
        r"evaluation/test.json: \$: confusion is not 3 × 3, a row and a column per class; evaluate",
    ),
    (
        lambda folder: folder.results("test"),
        factories.results("classification"),
        lambda results: results["sheet"]["examples"][0].update(prediction=3),
        r"test.json: \$: an example has a class beyond the 3 classes; evaluate",
    ),
    (
        lambda folder: folder.results("test"),
        factories.results(),
        lambda results: results["curves"]["raw"]["wall"]["recall"].pop(),
        r"test.json: \$.curves.raw.wall: recall and precision are not of one length; evaluate",
    ),
    (
        lambda folder: folder.kernels,
        factories.filter_analysis(),
        lambda analysis: analysis["layers"][0]["weights"].pop(),
        r"kernels.json: \$.layers\[0\]: weights is a list of 3, which is not of the shape \(2, 1, 1, 2\); evaluate",
    ),
    (
        lambda folder: folder.kernels,
        factories.filter_analysis(),
        lambda analysis: analysis["layers"][0]["types"].pop(),
        r"kernels.json: \$.layers\[0\]: types and correlations do not have one entry per filter; evaluate",
    ),
    (
        lambda folder: folder.kernels,
        factories.filter_analysis(),
        lambda analysis: analysis["layers"][0]["fractions"].pop("edge"),
        r"kernels.json: \$.layers\[0\]: types has a type that fractions lacks; evaluate",
    ),
    (
        lambda folder: folder.label_issues,
        factories.label_issues(),
        lambda issues: issues.update(n_shown=2),
        r"label_issues.json: \$: n_shown is 2, more than the 1 issues; evaluate",
    ),
    (
        lambda folder: folder.results("test"),
        factories.results(),
        lambda results: results["masks"]["cases"][0].update(rank=2),
        r"test.json: \$: an image of the mask sheets has a rank beyond the 1 of per_image; evaluate",
    ),
    (
        lambda folder: folder.results("test"),
        factories.results(),
        lambda results: results["masks"]["cases"][0].update(cells=[[0, 3, 1]]),
        r"test.json: \$: an image of the mask sheets has a class beyond the 3 classes; evaluate",
    ),
    (
        lambda folder: folder.training_images,
        factories.training_images(),
        lambda images: images["images"].pop(),
        r"training_images.json: \$: augmented has an image beyond the 1 images; evaluate",
    ),
    (
        lambda folder: folder.predictions,
        factories.record(),
        lambda record: record["photos"][0].pop("mask"),
        r"predictions.json: \$: photos\[0\] has no mask; predict again",
    ),
    (
        lambda folder: folder.predictions,
        factories.record(),
        lambda record: record["photos"][0].update(mask="../secret.png"),
        r'predictions.json: \$.photos\[0\].mask is "../secret.png", not a file name; predict again',
    ),
    (
        lambda folder: folder.results("val"),
        factories.results(),
        lambda results: results["examples"][0].update(image=".."),
        r'val.json: \$.examples\[0\].image is "..", not a file name; evaluate',
    ),
]


@pytest.mark.parametrize(("file", "value", "change", "problem"), INCONSISTENT, ids=[one[3] for one in INCONSISTENT])
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, file: Files, value: Any, change: Callable[[Any], object], problem: str
) -> None:
    written = file(RunFolder(tmp_path))
    written.write(value)
    edit(written.path, change)
    with pytest.raises(SeamlineError, match=problem):
        written.read()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1 is not JSON"),
        (b'{"task":\n "x",}', "line 2 is not JSON"),
        (b'\xef\xbb\xbf{"task": 1}', "line 1 is not JSON"),
        (b'{"task": "\xff"}', "cannot be read"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"seed": ' + b"9" * 5_000 + b"}", "not valid JSON"),
        (b"[]", r"\$ is a list of 0, not an object"),
        (b"3", r"\$ is 3, not an object"),
        (b"{}", r"\$.seamline is missing"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    file = RunFolder(tmp_path).info
    file.path.write_bytes(content)
    with pytest.raises(SeamlineError, match=rf"run.json: {problem}.*; train again with --overwrite$"):
        file.read()


def test_a_line_of_the_history_is_named(tmp_path: Path) -> None:
    file = RunFolder(tmp_path).history
    file.write((factories.epoch(1), factories.epoch(2)))
    lines = file.path.read_text(encoding="utf-8").splitlines()
    file.path.write_text("\n".join([lines[0], "", lines[1].replace("0.8", '"low"')]), encoding="utf-8")
    with pytest.raises(
        SeamlineError, match=r'history.jsonl: line 3: \$.val_loss is "low", not a number or null; train'
    ):
        file.read()
    file.path.write_text("\n".join([lines[0], lines[1][:20]]), encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"history.jsonl: line 2 is not JSON \(.*\); train again"):
        file.read()


def test_a_loss_that_is_no_number_is_read_as_such(tmp_path: Path) -> None:
    file = RunFolder(tmp_path).history
    file.write((msgspec.structs.replace(factories.epoch(), train_loss=math.nan, val_loss=math.inf),))
    (epoch,) = file.read()
    assert math.isnan(epoch.train_loss)
    assert math.isnan(epoch.val_loss)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(
        SeamlineError, match=r"run.json: not found; .* is not a run folder, which `seamline train` writes$"
    ):
        folder.info.read()
    with pytest.raises(SeamlineError, match=r"history.jsonl: not found; the run is incomplete; train again"):
        folder.history.read()
    with pytest.raises(
        SeamlineError, match=r"metrics.json: not found; the run is not evaluated; run `seamline evaluate"
    ):
        folder.metrics.read()
    with pytest.raises(SeamlineError, match=r"predictions.json: not found; .* is not a folder that `seamline predict`"):
        prediction_record(tmp_path).read()
    folder.info.path.mkdir()
    with pytest.raises(SeamlineError, match=r"run.json: cannot be read \(Is a directory\); train again"):
        folder.info.read()


@pytest.mark.parametrize("key", ["recipe", "recipe_name", "network"])
def test_a_run_of_an_older_version_is_refused(tmp_path: Path, key: str) -> None:
    file = RunFolder(tmp_path).info
    file.path.write_text(json.dumps({key: {}}), encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"run.json: written by an older version of Seamline; train again"):
        file.read()


def test_the_scores_of_an_older_version_are_recognized(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        SeamlineError, match=r"metrics.json: not found; .* by an older version of Seamline; train again"
    ):
        RunFolder(tmp_path).metrics.read()


def test_the_metadata_of_an_export_are_read_as_they_were_written() -> None:
    written = factories.metadata().to_metadata()
    assert written["palette"] == "[[0,0,0],[0,128,255],[255,0,0]]"
    assert ExportMetadata.from_metadata(Path("model.onnx"), written | {"more": "{"}) == factories.metadata()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"classes": "["}, "its metadata are damaged"),
        ({"classes": "[" * 100_000}, "its metadata are damaged"),
        ({"classes": "[3]"}, r"damaged \(\$.classes\[0\] is 3, not a string\); export the run again"),
        ({"temperature": "0"}, r"damaged \(\$.temperature is 0, not a number > 0.*\)"),
        ({"input_size": "[1, 2]"}, r"damaged \(\$.input_size is a list of 2, not a list of length 3\)"),
        ({"palette": "[]"}, r"damaged \(\$: palette has 0 colors, not 3 \(segmentation, 3 classes\)\)"),
    ],
)
def test_damaged_metadata_of_an_export_are_refused(change: dict[str, str], problem: str) -> None:
    with pytest.raises(SeamlineError, match=problem):
        ExportMetadata.from_metadata(Path("model.onnx"), factories.metadata().to_metadata() | change)


def test_a_model_of_other_programs_is_refused() -> None:
    with pytest.raises(SeamlineError, match=r"model.onnx: not written by `seamline export`"):
        ExportMetadata.from_metadata(Path("model.onnx"), {"producer": "torch"})


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for info, arrays in (
        (factories.run_info("classification"), factories.classification_arrays()),
        (factories.run_info("segmentation"), factories.segmentation_arrays()),
    ):
        folder.write_arrays("test", arrays)
        read = folder.read_arrays("test", info)
        assert type(read) is type(arrays)
        for name, array in vars(arrays).items():
            assert np.array_equal(getattr(read, name), array), name


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"labels": np.zeros(3, np.int64)}, r"labels is \(3,\) int64, not 4 whole numbers"),
        ({"labels": np.zeros(4)}, r"labels is \(4,\) float64, not 4 whole numbers"),
        ({"labels": np.full(4, 3)}, "labels has a class beyond the 3 of run.json"),
        ({"labels": np.full(4, -1)}, "labels has a number below 0"),
        ({"logits": np.zeros((4, 2), np.float32)}, r"logits is \(4, 2\) float32, not 4 × 3 numbers"),
        ({"confusion": np.zeros((2, 2), np.int64)}, r"confusion is \(2, 2\) int64, not 3 × 3 whole numbers"),
        ({"groups": np.zeros((4, 1), np.int64)}, r"groups is \(4, 1\) int64, not 4 whole numbers"),
        ({"names": ()}, r"names is \(0,\) float64, not one string per image"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    folder = RunFolder(tmp_path)
    folder.write_arrays("test", replace(factories.classification_arrays(), **change))
    with pytest.raises(SeamlineError, match=rf"test.npz: {problem}{EVALUATE}"):
        folder.read_arrays("test", factories.run_info("classification"))


def test_arrays_of_the_other_task_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    folder, info = RunFolder(tmp_path), factories.run_info("segmentation")
    with pytest.raises(SeamlineError, match=rf"test.npz: not found; the run is not evaluated{EVALUATE}"):
        folder.read_arrays("test", info)
    folder.write_arrays("test", factories.classification_arrays())
    with pytest.raises(SeamlineError, match=r"test.npz: lacks confusions, losses, predicted; evaluate"):
        folder.read_arrays("test", info)
    folder.write_arrays("test", replace(factories.segmentation_arrays(), predicted=np.full((4, 5, 7), 3, np.uint8)))
    with pytest.raises(SeamlineError, match=r"test.npz: predicted has a class beyond the 3 of run.json; evaluate"):
        folder.read_arrays("test", info)
    content = folder.arrays_file("test").read_bytes()
    folder.arrays_file("test").write_bytes(content[: len(content) // 2])
    with pytest.raises(SeamlineError, match=r"test.npz: cannot be read \(.*\); evaluate"):
        folder.read_arrays("test", info)
