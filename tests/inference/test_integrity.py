import base64
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import seamline
from helpers import refusal
from run_factories import load_unsealed
from seamline.cli.models import verify
from seamline.inference.integrity import compute_examples, seal_export
from seamline.inference.predictor import load_model
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.run_folder import RunFolder


@pytest.fixture
def garments(tmp_path: Path) -> Path:
    """A copy of a pretrained model, a run folder with an exported model."""
    return shutil.copytree(pretrained_dir("garments"), tmp_path / "model")


def flip(file: Path, position: int) -> None:
    """Flip one bit of a byte."""
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", PRETRAINED)
def test_pretrained_models_are_as_recorded_in_every_backend(name: str) -> None:
    verified = seamline.verify(name)
    assert {one.file.name for one in verified.files} == {
        *("run.json", "calibration.json", "novelty.json", "model.safetensors", "model.onnx")
    }
    for one in verified.files:
        assert one.sha256 == hashlib.sha256(one.file.read_bytes()).hexdigest()
    assert [one.backend for one in verified.outputs] == ["pytorch", "onnxruntime", "openvino"]
    assert all(one.images == 3 and one.difference <= 1e-4 < one.tolerance for one in verified.outputs)


def test_the_stored_logits_are_those_of_the_enlarged_images() -> None:
    folder = RunFolder(pretrained_dir("facades"))
    examples = folder.integrity.read().examples
    images = examples.image_array.repeat(2, 1).repeat(2, 2)  # 32 pixels to 64
    logits = load_model("facades", backend="pytorch").forward(images)[:, :, ::16, ::16]
    np.testing.assert_allclose(examples.logit_array, logits.ravel(), atol=1e-4)


@pytest.mark.parametrize("name", ["run.json", "calibration.json", "model.safetensors"])
def test_a_flipped_bit_of_any_file_is_one_line(garments: Path, name: str) -> None:
    content = (garments / name).read_bytes()
    flip(garments / name, content.index(b"7") if name.endswith(".json") else len(content) - 1)
    message = refusal(lambda: seamline.verify(garments))
    assert f"{garments / name}: damaged or replaced" in message
    assert hashlib.sha256(content).hexdigest()[:12] in message


def test_damaged_weights_are_not_loaded(garments: Path) -> None:
    flip(garments / "model.safetensors", -1)
    for backend in (None, "pytorch", "onnxruntime", "openvino"):
        message = refusal(lambda backend=backend: load_model(garments, device="cpu", backend=backend))  # type: ignore[misc]
        assert "model.safetensors: damaged or replaced" in message


def test_a_flipped_bit_of_stored_images_logits_or_checksums_is_one_line(garments: Path) -> None:
    record = json.loads((garments / "integrity.json").read_text())
    for key in ("images", "logits"):
        value = bytearray(base64.b64decode(record["examples"][key]))
        value[0] ^= 1
        changed = record | {"examples": record["examples"] | {key: base64.b64encode(value).decode()}}
        (garments / "integrity.json").write_text(json.dumps(changed))
        assert "does not match its checksum" in refusal(lambda: seamline.verify(garments))
    digits = record["files"]["run.json"]
    changed = record | {"files": record["files"] | {"run.json": digits.translate(str.maketrans("0123", "1230"))}}
    (garments / "integrity.json").write_text(json.dumps(changed))
    assert "integrity.json: damaged" in refusal(lambda: seamline.verify(garments))
    (garments / "integrity.json").unlink()
    assert "has no checksums; evaluate the run again with `seamline evaluate" in refusal(
        lambda: seamline.verify(garments)
    )
    (garments / "run.json").unlink()
    assert f"{garments / 'run.json'}: not found" in refusal(lambda: seamline.verify(garments))


def test_a_run_without_backend_says_that_predictions_are_not_compared(
    garments: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (garments / "model.onnx").unlink()
    monkeypatch.setattr("seamline.inference.integrity.find_spec", lambda name: None)
    verify(garments)
    *checksums, note, last = capsys.readouterr().out.splitlines()
    assert len(checksums) == 4
    assert (note, last) == (
        "Predictions are not compared: export the run, or pip install 'seamline[train]'",
        f"Verified: {garments}",
    )


@pytest.mark.parametrize("part", ["graph", "temperature", "images", "sha256", "cut"])
def test_a_flipped_bit_anywhere_in_an_exported_file_is_one_line(garments: Path, part: str) -> None:
    file = garments / "model.onnx"
    content = file.read_bytes()
    positions = {
        "graph": content.index(b"model.safetensors") + 3,
        "temperature": content.index(b"temperature") + 16,
        "images": content.index(b'"images":') + 100,
        "sha256": len(content) - 5,
    }
    if part == "cut":
        file.write_bytes(content[:-5])
        assert f"{file}: cannot be read (it is cut off)" in refusal(lambda: seamline.verify(file))
        return
    flip(file, positions[part])
    for action in (lambda: seamline.verify(file), lambda: load_model(file), lambda: seamline.verify(garments)):
        assert f"{file}: damaged or changed" in refusal(action)


def test_weights_of_another_model_under_correct_checksums_predict_something_else(garments: Path) -> None:
    """Checksums alone cannot tell: all of them are recomputed."""
    record = json.loads((garments / "integrity.json").read_text())
    weights = bytearray((garments / "model.safetensors").read_bytes())
    weights[-2000:] = bytes(2000)
    (garments / "model.safetensors").write_bytes(weights)
    record["files"]["model.safetensors"] = hashlib.sha256(weights).hexdigest()
    record["sha256"] = ""
    record["sha256"] = hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).hexdigest()
    (garments / "integrity.json").write_text(json.dumps(record))
    assert "predictions of PyTorch for the stored images differ from the recorded ones by" in refusal(
        lambda: seamline.verify(garments)
    )


def test_an_export_of_other_weights_or_without_checksum_is_one_line(garments: Path, tmp_path: Path) -> None:
    graph = load_unsealed(garments / "model.onnx")
    onnx.save(graph, tmp_path / "old.onnx")
    assert load_model(tmp_path / "old.onnx").task == "classification"
    assert "has no checksum, because an older version" in refusal(lambda: seamline.verify(tmp_path / "old.onnx"))
    for entry in graph.metadata_props:
        entry.value = json.dumps("0" * 32) if entry.key == "fingerprint" else entry.value
    onnx.save(graph, garments / "model.int8.onnx")
    seal_export(garments / "model.int8.onnx")
    assert "model.int8.onnx: does not match the weights of this run" in refusal(lambda: seamline.verify(garments))
    assert seamline.verify(garments / "model.int8.onnx").outputs[0].difference == 0
    for missing in ("none.onnx", "none"):
        assert f"{missing}: not found" in refusal(lambda missing=missing: seamline.verify(tmp_path / missing))  # type: ignore[misc]


def test_an_exported_file_is_verified_without_pytorch(tmp_path: Path) -> None:
    onnx.save(load_unsealed(pretrained_dir("garments") / "model.onnx"), tmp_path / "one.onnx")
    seal_export(tmp_path / "one.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "one.onnx"))
    code = (
        "import sys\nfrom seamline.cli import app\n"
        "app(['verify', 'one.onnx'], standalone_mode=False)\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    digits = hashlib.sha256((tmp_path / "one.onnx").read_bytes()).hexdigest()
    assert done.stdout.startswith(f"{digits}  one.onnx\none.onnx with onnxruntime: predictions for 3 stored images")
    assert done.stdout.endswith("Verified: one.onnx\n")


def test_the_tolerance_is_that_of_the_largest_logit_or_of_the_backends() -> None:
    def constant(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.full((3, 2), value, np.float32)

    size = (8, 8, 1)
    small = compute_examples([lambda images: constant(0.5)], size, "classification")
    large = compute_examples([lambda images: constant(-50)], size, "classification")
    apart = compute_examples([lambda images: constant(1), lambda images: constant(1.25)], size, "classification")
    assert [one.tolerance for one in (small, large, apart)] == pytest.approx([1e-3, 5e-2, 1.0])
    assert small.image_array.shape == (3, 8, 8, 1)
    assert small.image_array.std() > 40
    unlimited = compute_examples([lambda images: constant(np.inf)], size, "classification")
    assert unlimited.tolerance == 1e6
