import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

import seamline
from conftest import bright_sides, small_streets
from helpers import refusal
from run_factories import load_unsealed, save_photo, write_run
from run_folder.factories import calibration
from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.evaluation.calibration import best_temperature
from seamline.export import export as module
from seamline.export.export import ExportOptions, ExportResult
from seamline.export.to_onnx import WEIGHT_PREFIX, to_onnx
from seamline.export.verify import MIN_AGREEMENT, Verification, predict_split, primary_metric, select_evenly, verify
from seamline.inference.backends import BACKENDS, load_session
from seamline.inference.forward import predict_features, predict_logits
from seamline.inference.predictor import Predictor, load_model
from seamline.inference.tta import TTA, load_tta
from seamline.io import sha256_file
from seamline.models.factory import build_model
from seamline.run_folder import RunFolder, Task
from seamline.training.config import parse_settings

STREETS = {
    "name": "walls",
    "title": "Walls",
    "classes": ["sky", "wall", "window"],
    "colours": [[0, 0, 0], [0, 128, 255], [255, 128, 0]],
}


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that gives masks, of a network that looks at another size and at mirror images; not trained."""
    network: Any = build_model("unet-sprint", (32, 32, 3), 3, task="segmentation", seed=3)
    network.normalize.fit(small_streets(4, 1).images)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # as after training: blocks do more than hand on
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.running_mean, std=0.1)  # type: ignore[arg-type]
    run = write_run(tmp_path_factory.mktemp("runs") / "streets", network, "unet-sprint", (32, 32, 3), STREETS)
    described = json.loads((run / "run.json").read_text())
    described["config"]["hflip"] = True
    (run / "run.json").write_text(json.dumps(described))
    RunFolder(run).calibration.write(calibration(1.7))
    return run


def tta_of(run: Path) -> TTA:
    return load_tta(RunFolder(run))


def export_run(run: Path, train: Split, val: Split, out: Path, report: Any = print, **options: Any) -> ExportResult:
    return module.export_run(RunFolder(run), tta_of(run), train, val, out, ExportOptions(**options), report)


def score_of(forward: Any, split: Split, task: Task) -> float:
    return primary_metric(predict_split(forward, split, task), task)


@pytest.fixture(scope="module")
def exported(masks: Path) -> Path:
    export_run(masks, small_streets(24, 3), small_streets(12, 4), masks / "model.onnx")
    return masks / "model.onnx"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 32), (1, 61, 45), (2, 7, 200), (1, 1, 1)])
def test_every_backend_gives_the_logits_of_the_model_at_any_size(
    masks: Path, exported: Path, backend: str, shape: tuple[int, int, int]
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected = predict_logits(tta_of(masks), images)
    np.testing.assert_allclose(load_session(exported, backend)[1](images), expected, atol=1e-4)
    features = load_session(exported, backend, output="features")[1](images)
    np.testing.assert_allclose(features, predict_features(tta_of(masks), images), rtol=1e-4, atol=1e-4)
    probabilities = load_session(exported, backend, output="probabilities")[1](images)
    np.testing.assert_allclose(probabilities, torch.from_numpy(expected / 1.7).softmax(1), atol=1e-5)


def test_the_file_says_what_it_is(masks: Path, exported: Path) -> None:
    graph = onnx.load(exported)
    onnx.checker.check_model(graph)
    metadata = {one.key: json.loads(one.value) for one in graph.metadata_props}
    assert metadata["classes"] == STREETS["classes"]
    assert metadata["palette"] == STREETS["colours"]
    assert metadata["task"] == "segmentation"
    assert metadata["temperature"] == 1.7
    assert metadata["fingerprint"] == sha256_file(masks / "model.safetensors")[:32] == RunFolder(masks).weights_digest
    sides = [[dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in graph.graph.input]
    assert sides == [["batch", 3, "height", "width"]]
    assert [one.name for one in graph.graph.output] == ["logits", "probabilities", "features"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_predictions_are_the_same_from_run_file_and_backend(
    masks: Path, exported: Path, tmp_path: Path, backend: str
) -> None:
    photo = save_photo(tmp_path / "photo.png", 83, 61)
    results = {}
    for name, model, options in (
        ("weights", masks, {"backend": "pytorch"}),
        ("run", masks, {"backend": backend}),
        ("file", exported, {"backend": backend}),
    ):
        result = seamline.predict(model, [photo], out=tmp_path / name, **options)  # type: ignore[arg-type]
        results[name] = result.photos[0].class_fractions, (tmp_path / name / "photo.mask.png").read_bytes()
    assert results["weights"] == results["run"] == results["file"]
    assert load_model(exported).classes == ("sky", "wall", "window")


def test_a_run_uses_its_export_only_while_it_belongs_to_the_weights(
    masks: Path, exported: Path, tmp_path: Path
) -> None:
    assert exported.is_file()
    assert load_model(masks, device="cpu").backend == next(iter(BACKENDS))
    RunFolder(masks).calibration.write(calibration(1.2))
    try:
        assert load_model(masks, device="cpu").backend == "pytorch"
        assert "does not match the weights" in refusal(lambda: load_model(masks, backend="openvino"))
    finally:
        RunFolder(masks).calibration.write(calibration(1.7))


def test_labels_of_whole_images(classifier: Path, tmp_path: Path) -> None:
    split, steps = bright_sides(90, 2), []  # type: tuple[Split, list[str]]
    result = export_run(classifier, bright_sides(60, 1), split, tmp_path / "sides.onnx", report=steps.append)
    assert steps == ["tracing the model", "verifying it in ONNX Runtime and OpenVINO"]
    assert [check.backend for check in result.verifications] == list(BACKENDS)
    assert all(
        check.images == 90 and check.agreement == 1 and check.difference < 1e-4 for check in result.verifications
    )
    assert result.size == (tmp_path / "sides.onnx").stat().st_size
    graph = onnx.load(tmp_path / "sides.onnx").graph
    weights = {one.name.removeprefix(WEIGHT_PREFIX): onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for key, values in load_file(classifier / "model.safetensors").items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(weights[key], values)  # batch normalization is not folded into them
    photo = save_photo(tmp_path / "photo.png", 20, 20)
    ways: list[tuple[Path, str | None]] = [(classifier, "pytorch"), (tmp_path / "sides.onnx", None)]
    answers = [seamline.predict(way, [photo], out=tmp_path / "out", backend=backend).photos[0] for way, backend in ways]
    assert answers[0].label == answers[1].label
    assert answers[0].probabilities == pytest.approx(answers[1].probabilities, abs=1e-5)


def test_int8(masks: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "to_onnx", lambda model, metadata: load_unsealed(exported))  # tracing takes long
    train, val = small_streets(24, 3), small_streets(12, 4)
    result = export_run(masks, train, val, tmp_path / "small.onnx", int8=True, max_drop=100)
    assert result.size < 0.5 * exported.stat().st_size
    assert result.before == pytest.approx(
        score_of(partial(predict_logits, tta_of(masks)), val, "segmentation"), abs=1e-3
    )
    assert result.after == pytest.approx(score_of(load_session(tmp_path / "small.onnx")[1], val, "segmentation"))
    assert result.before is not None
    assert result.after is not None
    assert result.drop == pytest.approx(100 * (result.before - result.after))
    assert "int8" in [json.loads(one.value) for one in onnx.load(tmp_path / "small.onnx").metadata_props]
    assert load_model(tmp_path / "small.onnx").task == "segmentation"
    refused = partial(export_run, masks, train, val, tmp_path / "never.onnx", int8=True, max_drop=-100)
    assert "because with int8 quantization" in refusal(refused)
    assert not (tmp_path / "never.onnx").exists()


def test_a_file_with_other_predictions_is_not_written(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(model: Any, metadata: Any) -> onnx.ModelProto:
        with torch.no_grad():
            model.model.head.bias += 0.01
        return to_onnx(model, metadata)

    kept = tta_of(classifier)
    monkeypatch.setattr(
        module, "partial", lambda function, *model, **rest: partial(function, *[kept for _ in model], **rest)
    )
    monkeypatch.setattr(module, "to_onnx", shifted)
    out = tmp_path / "other.onnx"
    message = refusal(lambda: export_run(classifier, bright_sides(9, 1), bright_sides(9, 2), out))
    assert "its predictions differ from the run's" in message
    assert list(tmp_path.iterdir()) == []


def test_limits_of_a_verification() -> None:
    assert Verification("openvino", 1, 1e-3, 0.999).passes
    assert not Verification("openvino", 1, 1.1e-3, 1.0).passes
    assert not Verification("openvino", 1, 0.0, 0.998).passes
    assert not Verification("openvino", 1, float("nan"), 1.0).passes
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    assert select_evenly(images, 4).ravel().tolist() == [0, 3, 6, 9]
    assert select_evenly(images, 0).ravel().tolist() == [0]


def test_the_score_is_accuracy_or_mean_average_precision() -> None:
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 3, 5, 5)).astype(np.float32)
    labels = rng.integers(0, 3, (4, 5, 5)).astype(np.uint8)
    labels[0, 0] = IGNORE_INDEX
    images = np.repeat(np.arange(4, dtype=np.uint8), 75).reshape(4, 5, 5, 3)
    split = Split(images, labels, tuple("abcd"), np.arange(4))
    counts = labels != IGNORE_INDEX
    expected = [average_precision_score(labels[counts] == k, scores[:, k][counts]) for k in range(3)]
    assert score_of(lambda asked: scores[asked[:, 0, 0, 0]], split, "segmentation") == pytest.approx(np.mean(expected))
    whole = Split(images, np.array([0, 1, 2, 2]), tuple("abcd"), np.arange(4))
    right = (scores[:, :, 0, 0].argmax(1) == whole.labels).mean()
    assert score_of(lambda asked: scores[asked[:, 0, 0, 0]][:, :, 0, 0], whole, "classification") == right


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_the_task_decides_which_labels_count(task: Task) -> None:
    """A class 255 of whole images counts; in masks that value is no class. The temperature is that of those."""
    from scipy.special import log_softmax

    rng = np.random.default_rng(0)
    shape = (50, 3, 8, 8) if task == "segmentation" else (500, 257)
    scores = rng.normal(size=shape).astype(np.float32)
    labels = (2.5 * scores + rng.gumbel(size=shape)).argmax(1)  # drawn at a temperature of 0.4
    labels[rng.random(labels.shape) < 0.3] = IGNORE_INDEX
    images = np.zeros((len(labels), *(labels.shape[1:] or (1, 1)), 1), np.uint8)
    split = Split(images, labels, tuple(map(str, range(len(labels)))), np.arange(len(labels)))
    sample = predict_split(lambda images: scores[: len(images)], split, task)
    counts = labels != IGNORE_INDEX if task == "segmentation" else np.ones(labels.shape, bool)
    np.testing.assert_array_equal(sample.valid, counts.reshape(len(labels), -1))

    def loss(temperature: float) -> float:
        logs = log_softmax(scores / temperature, axis=1)
        return -float(np.take_along_axis(logs, np.where(counts, labels, 0)[:, None], 1)[:, 0][counts].mean())

    best = best_temperature(sample)
    assert loss(best) < min(loss(best * 0.98), loss(best * 1.02))


def test_nan_is_a_difference(exported: Path, masks: Path) -> None:
    """One pixel of many, so that the predictions agree enough."""

    def forward(images: Any) -> Any:
        logits = load_session(exported)[1](images)
        logits[0, 0, 0, 0] = np.nan
        return logits

    reference = Predictor(masks, "onnxruntime", forward, load_model(exported).metadata)
    verifications = verify(exported, reference, small_streets(12, 4).images)
    assert [one.agreement > MIN_AGREEMENT for one in verifications] == [True, True]
    assert not any(one.passes for one in verifications)


def test_test_time_augmentation_is_reduced_as_far_as_allowed(classifier: Path, tmp_path: Path) -> None:
    train, val, out = bright_sides(60, 1), bright_sides(90, 2), tmp_path / "quick.onnx"
    assert tta_of(classifier).hflip
    described = json.loads((classifier / "run.json").read_text())
    described["config"]["hflip"] = False
    plain = shutil.copytree(classifier, tmp_path / "plain")
    (plain / "run.json").write_text(json.dumps(described))
    once = tta_of(plain)
    assert "has no test-time augmentation" in refusal(lambda: export_run(plain, train, val, out, reduce_tta=True))
    result = export_run(classifier, train, val, out, reduce_tta=True, max_drop=100)
    assert result.tta == "scale 1"
    assert result.before == score_of(partial(predict_logits, tta_of(classifier)), val, "classification")
    alone = predict_split(partial(predict_logits, once), val, "classification")
    assert result.after == primary_metric(alone, "classification")
    model = load_model(out)
    np.testing.assert_allclose(model.forward(val.images), predict_logits(once, val.images), atol=1e-4)
    assert model.metadata.temperature == pytest.approx(best_temperature(alone))
    assert result.verifications[0].passes
    never = tmp_path / "never.onnx"
    both = export_run(classifier, train, val, tmp_path / "both.onnx", reduce_tta=True, int8=True, max_drop=100)
    assert (both.tta, both.before) == (result.tta, result.before)
    assert both.after == score_of(load_model(tmp_path / "both.onnx").forward, val, "classification")
    refused = refusal(lambda: export_run(classifier, train, val, never, reduce_tta=True, max_drop=-100))
    assert "because with reduced test-time augmentation" in refused
    assert not never.exists()


def test_where_int8_costs_too_much_the_next_augmentation_is_tried(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first augmentation passes alone, but not quantized; the second passes quantized."""
    val = bright_sides(90, 2)
    wrong = iter((np.ones(90, bool), np.arange(90) % 2 == 0))  # accuracies of 0 and 0.5

    def quantized(*_: object) -> Callable[[Any], Any]:
        predicted = np.where(next(wrong), val.labels + 1, val.labels) % 3
        return lambda images: np.eye(3, dtype=np.float32)[predicted]

    monkeypatch.setattr(TTA, "reduced", lambda tta: [TTA(tta.model, hflip=False), TTA(tta.model, hflip=True)])
    monkeypatch.setattr(module, "_write_int8", quantized)
    before = score_of(partial(predict_logits, tta_of(classifier)), val, "classification")
    options = {"reduce_tta": True, "int8": True, "max_drop": 100 * (before - 0.5)}
    result = export_run(classifier, bright_sides(9, 1), val, tmp_path / "second.onnx", **options)
    assert (result.tta, result.after) == ("scale 1, horizontal flip", 0.5)


@pytest.mark.usefixtures("no_report")
def test_export_after_training(sides: Dataset, tmp_path: Path) -> None:
    settings = ("epochs=1", "batch_size=64", "model=cnn", "norm=after", "kernel=3", "dropout=0.2", "pooling=average")
    run = seamline.train(sides, **parse_settings(settings), out=tmp_path / "run").path
    made = seamline.export(run, data=sides)
    assert made.file == run / "model.onnx"
    assert load_model(run, device="cpu").backend == next(iter(BACKENDS))
    small = seamline.export(run, data=sides, int8=True, max_drop=100)
    verified = seamline.verify(run)
    assert [one.file.name for one in verified.files[-2:]] == ["model.onnx", "model.int8.onnx"]
    assert [one.backend for one in verified.outputs] == ["pytorch", *BACKENDS, *BACKENDS]
    assert small.file == run / "model.int8.onnx"
    assert small.metric == "accuracy"
    again = seamline.train(sides, **parse_settings(settings), out=tmp_path / "run", overwrite=True).path
    assert not (again / "model.onnx").exists()


def test_mistakes_are_one_line(
    classifier: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    (tmp_path / "empty.onnx").touch()
    foreign, damaged = onnx.load(exported), onnx.load(exported)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    onnx.helper.set_model_props(damaged, {"seamline": '"1"', "classes": "[1"})
    onnx.save(damaged, tmp_path / "damaged.onnx")
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: load_model(classifier, backend="abacus"), "--backend abacus: unknown"),
        (lambda: load_model(tmp_path / "none.onnx"), "none.onnx: not found"),
        (lambda: load_model("windows"), "(facades, garments, streets)"),
        (lambda: load_model(exported, backend="pytorch"), "runs on the CPU"),
        (lambda: load_model(exported, device="cuda"), "runs on the CPU"),
        (lambda: load_model(classifier, backend="openvino"), "run `seamline export"),
        (lambda: load_model(classifier, backend="openvino", device="cuda"), "runs on the CPU"),
        (lambda: seamline.export(tmp_path), "run.json: not found"),
        (lambda: seamline.export(classifier, out=tmp_path), "is a folder; name a file with --out"),
        (lambda: seamline.export(classifier, out=classifier / "model.onnx", int8=True), "name another file with --out"),
    ]
    for backend in BACKENDS:
        for name, message in (("no", "cannot be read"), ("empty", "cannot be read"), ("foreign", "not written by")):
            cases.append((partial(load_model, tmp_path / f"{name}.onnx", backend=backend), message))
    cases.append((lambda: load_model(tmp_path / "damaged.onnx"), "its metadata are damaged"))
    for call, message in cases:
        assert message in refusal(call)
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in ("seamline.export.export", "seamline.export.to_onnx", "seamline.export.quantize"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert "pip install 'seamline[export]'" in refusal(lambda: seamline.export(classifier))
