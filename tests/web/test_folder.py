"""The folder for browsers: what is written, what is refused, and how the runtime is verified."""

import json
import os
import shutil
import tarfile
from pathlib import Path

import onnx
import pytest

import seamline
from helpers import Lines, refusal
from seamline.cli import app
from seamline.inference.pretrained import pretrained_dir
from seamline.io import sha256_file
from seamline.web.runtime import CHECKSUMS, VERSION, find_runtime

PRETRAINED_FILE = pretrained_dir("garments") / "model.onnx"


@pytest.fixture
def small_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files that stand for the runtime, with their checksums, so that these tests need no network."""
    folder = tmp_path / "npm" / "node_modules" / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    for name in CHECKSUMS:
        (folder / name).write_text(f"the content of {name}")
        monkeypatch.setitem(CHECKSUMS, name, sha256_file(folder / name))
    return folder


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `npm`, the only one on the PATH; it fails as npm does without a network."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\necho 'npm error network request failed' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    return program


def test_the_folder_is_complete(small_runtime: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "site"
    app(["export", "garments", "--web", str(folder), "--runtime", str(tmp_path / "npm")], standalone_mode=False)
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    description = json.loads(files["model.json"].read_text())
    assert sorted(files) == description["contents"]
    assert f"{len(files)} files" in capsys.readouterr().out
    assert "MIT License" in files["runtime/LICENSE"].read_text()
    assert len(description["classes"]) == 10
    assert description["temperature"] == pytest.approx(1.1964636)
    assert description["files"] == {"graph": "model.onnx", "external": ["model.safetensors"]}
    for name in ("model.onnx", "model.safetensors"):
        assert files[name].read_bytes() == (pretrained_dir("garments") / name).read_bytes()
    worker = files["service-worker.js"].read_text()
    listed = json.loads(worker.split("FILES = ")[1].split(";")[0])
    optional = {path for path in files if "webgpu" in path or "asyncify" in path}
    assert set(listed) == {"./", *files} - {"service-worker.js", *optional}
    text = files["index.html"].read_text()
    assert "<title>garments · Seamline</title>" in text
    assert "Classifies photos as: T-shirt/top, Trouser" in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")  # nothing of other sites
    assert all(file.stat().st_mode & 0o777 == 0o666 & ~umask() for file in files.values())


def umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_an_export_is_replaced_and_anything_else_refused(small_runtime: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    seamline.export_web("garments", folder, runtime=small_runtime)
    version = (folder / "service-worker.js").read_text().split('VERSION = "')[1][:16]
    seamline.export_web("garments", folder, runtime=small_runtime)
    assert (folder / "service-worker.js").read_text().split('VERSION = "')[1][:16] == version
    (folder / "my notes.txt").write_text("mine")
    message = refusal(lambda: seamline.export_web("facades", folder, runtime=small_runtime))
    assert message == f"--web {folder}: holds my notes.txt, which no web export wrote; name an empty or a new folder"
    (folder / "my notes.txt").unlink()
    result = seamline.export_web("facades", folder, runtime=small_runtime)
    assert json.loads((folder / "model.json").read_text())["name"] == "facades"
    assert version not in (folder / "service-worker.js").read_text()
    assert result.files == len([file for file in folder.rglob("*") if file.is_file()])
    assert result.size == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    photos = tmp_path / "photos"
    (photos / "holiday").mkdir(parents=True)
    (photos / "holiday" / "sea.jpg").write_text("a photo")
    assert "holds holiday/sea.jpg" in refusal(lambda: seamline.export_web("garments", photos, runtime=small_runtime))
    assert "is a file" in refusal(
        lambda: seamline.export_web("garments", photos / "holiday" / "sea.jpg", runtime=small_runtime)
    )
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_runs_and_exported_files(small_runtime: Path, tmp_path: Path) -> None:
    file = tmp_path / "alone.onnx"
    onnx.save(
        onnx.load(PRETRAINED_FILE), file
    )  # with its weights in it; this removes the checksum's entry from the end
    message = refusal(lambda: seamline.export_web(file, tmp_path / "site", runtime=small_runtime))
    assert "does not match its checksum" in message or "damaged" in message
    shutil.copy(PRETRAINED_FILE, file)
    message = refusal(lambda: seamline.export_web(file, tmp_path / "site", runtime=small_runtime))
    assert "model.safetensors" in message
    assert not (tmp_path / "site").exists()
    with pytest.raises(seamline.SeamlineError, match="not found"):
        seamline.export_web(tmp_path / "missing.onnx", tmp_path / "site", runtime=small_runtime)


def test_the_runtime_is_fetched_once_and_verified(small_runtime: Path, npm: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(small_runtime, package / "dist")
    archive = tmp_path / "onnxruntime-web.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "package", "package")
    npm.write_text(f'#!/bin/sh\n[ "$1 $2" = "pack onnxruntime-web@{VERSION}" ] && /bin/cp {archive} "$4"\n')
    lines = Lines()
    cache = find_runtime(None, lines.say)
    assert cache == tmp_path / "cache" / f"onnxruntime-web-{VERSION}"
    assert {file.name for file in cache.iterdir()} == set(CHECKSUMS)
    assert len(lines.lines) == 1
    npm.unlink()
    assert find_runtime(None, lines.say) == cache  # without npm
    assert len(lines.lines) == 1
    (cache / "ort.wasm.min.mjs").write_text("changed")
    assert "install npm" in refusal(find_runtime)


def test_a_package_with_other_files_is_refused(small_runtime: Path, npm: Path, tmp_path: Path) -> None:
    shutil.copytree(small_runtime, tmp_path / "package" / "dist")
    (tmp_path / "package" / "dist" / "ort-wasm-simd-threaded.wasm").write_text("changed")
    archive = tmp_path / "onnxruntime-web.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "package", "package")
    npm.write_text(f'#!/bin/sh\n/bin/cp {archive} "$4"\n')
    assert "ort-wasm-simd-threaded.wasm does not match its checksum" in refusal(find_runtime)
    (small_runtime / "ort.webgpu.min.mjs").write_text("changed")
    message = refusal(lambda: find_runtime(tmp_path / "npm"))
    assert message.startswith(f"--runtime {tmp_path / 'npm'}: ort.webgpu.min.mjs does not match its checksum")
    assert "ort.wasm.min.mjs is missing" in refusal(lambda: find_runtime(tmp_path / "empty"))


def test_no_network_and_no_npm(npm: Path, tmp_path: Path) -> None:
    message = refusal(lambda: seamline.export_web("garments", tmp_path / "site"))
    assert message.startswith(
        f"--web: npm cannot fetch onnxruntime-web {VERSION} (network request failed); check the network"
    )
    assert "--runtime" in message
    npm.unlink()
    message = refusal(lambda: seamline.export_web("garments", tmp_path / "site"))
    assert message.startswith(f"--web: needs npm to fetch onnxruntime-web {VERSION}; install npm")
    assert not (tmp_path / "site").exists()
    words = ["export", "garments", "--runtime", str(tmp_path)]
    assert "is for --web DIR" in refusal(lambda: app(words, standalone_mode=False))
