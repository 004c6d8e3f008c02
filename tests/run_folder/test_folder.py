import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest

from helpers import refusal
from run_folder import factories
from seamline.errors import SeamlineError
from seamline.run_folder import RunFolder


def test_a_run_is_finished_with_its_weights_and_evaluated_with_its_findings(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.finished
    folder.weights_file.write_bytes(b"weights")
    assert folder.finished
    assert not folder.evaluated
    folder.metrics.write(factories.metrics())
    assert not folder.evaluated
    folder.findings.write(())
    assert folder.evaluated
    folder.start_evaluation()
    assert not folder.evaluated


def test_the_digest_changes_with_the_weights(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(SeamlineError, match=r"model.safetensors: cannot be read \(No such file or directory\)"):
        _ = folder.weights_digest
    folder.weights_file.write_bytes(b"weights")
    first = folder.weights_digest
    assert len(first) == 32
    folder.weights_file.write_bytes(b"other weights")
    assert folder.weights_digest != first


def test_weights_other_than_those_of_the_checksums_are_an_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.weights_file.write_bytes(b"weights")
    folder.integrity.write(factories.integrity(**{"model.safetensors": hashlib.sha256(b"weights").hexdigest()}))
    assert hashlib.sha256(b"weights").hexdigest().startswith(folder.weights_digest)
    folder.weights_file.write_bytes(b"Weights")
    assert "model.safetensors: damaged or replaced, because its SHA-256 is" in refusal(lambda: folder.weights_digest)


def _hold(path: Path, held: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event") -> None:
    with RunFolder(path).lock():
        held.set()
        done.wait(60)


def test_one_process_works_in_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", held, done))
    other.start()
    try:
        assert held.wait(60)
        with (
            pytest.raises(SeamlineError, match=r"run: another process works in it; wait"),
            RunFolder(tmp_path / "run").lock(),
        ):
            pass
    finally:
        done.set()
        other.join()
    with RunFolder(tmp_path / "run").lock():
        pass


def test_the_lock_removes_what_was_left_half_written(tmp_path: Path) -> None:
    left = tmp_path / "evaluation" / ".test.json.abcd1234.json"
    left.parent.mkdir()
    left.write_text("{", encoding="utf-8")
    with RunFolder(tmp_path).lock():
        assert not left.exists()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path / "new" / "run").check_writable()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"file: is a file, not a folder; check the path of --out"):
        RunFolder(tmp_path / "file" / "run").check_writable()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(SeamlineError, match=r"run: cannot be written to \(Permission denied\); name another folder"):
        RunFolder(tmp_path / "run").check_writable()


def test_a_new_training_removes_what_an_earlier_one_left(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for path in (
        *(folder.weights_file, folder.metrics.path, folder.kernels.path, folder.sheet_file("test"), folder.report_file),
        *(folder.onnx_file(reduced_tta=reduced, int8=int8) for reduced in (False, True) for int8 in (False, True)),
        *(folder.checkpoint_dir / "1-0.safetensors", folder.figures_dir / "a.svg", folder.predictions.path),
        *(tmp_path / "scores.json", tmp_path / "insides" / "kernels.json"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"old")
    for name in ("notes.txt", "model-of-mine.onnx"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    folder.info.write(factories.run_info())
    folder.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-of-mine.onnx", "notes.txt", "run.json"]


def test_exported_models_are_named_by_how_they_were_made_faster(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    names = [
        folder.onnx_file(reduced_tta=reduced, int8=int8).name for reduced in (False, True) for int8 in (False, True)
    ]
    assert names == ["model.onnx", "model.int8.onnx", "model.reduced-tta.onnx", "model.reduced-tta.int8.onnx"]
