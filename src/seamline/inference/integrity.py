"""Checksums of a model's files and its predictions for example images: recorded once, verified on request."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seamline.errors import SeamlineError
from seamline.inference.backends import BACKENDS, load_session
from seamline.inference.onnx_metadata import append_metadata, read_metadata, seal
from seamline.inference.predictor import PYTORCH, load_model
from seamline.inference.tiled import PredictFn
from seamline.io import sha256_file
from seamline.run_folder import ExampleOutputs, ExportMetadata, Integrity, RunFolder, Task, to_json

RTOL = 1e-3
"""Largest difference of a logit, as a fraction of the largest one, but at least of 1."""

_COUNT = 3  # example images
_STORED_SIDE = 32  # largest side of an image as stored
_SEGMENTATION_SIDE = 64  # largest side at which segmenters take it
_STRIDE = 16  # distance in pixels of a segmenter's logits that are stored

_MAX_TOLERANCE = 1e6

_EXPORT_AGAIN = "export the run again with `seamline export`"


@dataclass(frozen=True)
class FileChecksum:
    """A file whose checksum is the recorded one."""

    file: Path  # the file
    sha256: str  # 64 hexadecimal digits of its SHA-256, as `sha256sum` prints them


@dataclass(frozen=True)
class OutputCheck:
    """Predictions of a file for its example images that are the recorded ones."""

    file: Path  # the file with the model
    backend: str  # `pytorch`, or a key of `seamline.inference.backends.BACKENDS`
    images: int  # number of example images
    difference: float  # largest absolute difference of a logit
    tolerance: float  # largest difference that is no error


@dataclass(frozen=True)
class VerifiedModel:
    """A model whose files and predictions are those that were recorded."""

    files: tuple[FileChecksum, ...]  # its files with their checksums
    outputs: tuple[OutputCheck, ...]  # its predictions for example images, for each file and installed backend


def record_integrity(folder: RunFolder, forward: PredictFn) -> None:
    """Write `integrity.json` of an evaluated run.

    Args:
        folder: the run.
        forward: its model in PyTorch on the CPU: images (B, H, W, C) uint8 -> logits, float32.
    """
    info = folder.info.read()
    files = [folder.info.path, folder.calibration.path, folder.weights_file, folder.novelty.path]
    checksums = {file.name: sha256_file(file) for file in files if file != folder.novelty.path or file.exists()}
    examples = compute_examples([forward], info.model.input_size, info.task)
    folder.integrity.write(Integrity(files=checksums, examples=examples).sealed())


def seal_export(file: Path) -> None:
    """Append example images, the logits that ONNX Runtime computes for them, and a checksum to an exported file."""
    metadata = read_metadata(file)
    installed = [name for name, backend in BACKENDS.items() if backend.installed]
    forwards = [load_session(file, name)[1] for name in installed]
    examples = compute_examples(forwards, metadata.input_size, metadata.task)
    append_metadata(file, "examples", to_json(examples).decode())
    seal(file)


def compute_examples(forwards: list[PredictFn], input_size: tuple[int, int, int], task: Task) -> ExampleOutputs:
    """Draw example images, and compute the logits of a model for them.

    Args:
        forwards: the model in one backend or several; the logits are those of the first, and the tolerance is at least
            four times the largest difference of another, which is large for int8.
        input_size: height, width and channels of its training images.
        task: what it predicts.
    """
    height, width, channels = input_size
    size = (min(height, _STORED_SIDE), min(width, _STORED_SIDE), channels)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (_COUNT, 4, 4, channels), dtype=np.uint8)
    fine = rng.integers(0, 256, (_COUNT, *size), dtype=np.uint8)
    images = (0.75 * _enlarge(coarse, *size[:2]) + 0.25 * fine).astype(np.uint8)
    first, *others = (_sampled_logits(forward, images, input_size, task) for forward in forwards)
    gap = max((float(np.abs(other - first).max()) for other in others), default=0.0)
    tolerance = min(max(RTOL * max(1.0, float(np.abs(first).max())), 4 * gap), _MAX_TOLERANCE)  # logits may be infinite
    return ExampleOutputs(size=size, images=images.tobytes(), logits=first.astype("<f4").tobytes(), tolerance=tolerance)


def verify_run(folder: RunFolder) -> VerifiedModel:
    """Verify the files of a run, its predictions for example images, and its exported models.

    Raises:
        SeamlineError: a file is missing, damaged or replaced, or the predictions differ.
    """
    if not folder.integrity.exists():
        folder.info.read()  # the error of a folder that is not a run
    record = folder.integrity.read()
    if record.sha256 != record.sealed().sha256:
        raise folder.integrity.error("damaged, because its content does not match its checksum")
    files = [
        FileChecksum(folder.path / name, folder.verify_file(name, digits)) for name, digits in record.files.items()
    ]
    outputs = []
    if find_spec("torch"):
        info, model = folder.info.read(), load_model(folder.path, backend=PYTORCH, device="cpu")
        weights = folder.weights_file
        outputs.append(_compare(weights, PYTORCH, model.forward, record.examples, (info.model.input_size, info.task)))
    for reduced in (False, True):
        for file in (folder.onnx_file(reduced_tta=reduced, int8=int8) for int8 in (False, True)):
            if file.is_file():
                verified, metadata = _verify_file(file)
                if metadata.fingerprint != folder.weights_digest:
                    raise SeamlineError(f"{file}: does not match the weights of this run; {_EXPORT_AGAIN}")
                files += verified.files
                outputs += verified.outputs
    return VerifiedModel(tuple(files), tuple(outputs))


def verify_export(file: Path) -> VerifiedModel:
    """Verify an exported file and its predictions for example images in each installed backend.

    `model.onnx` in the folder of its run is verified with the whole run.

    Raises:
        SeamlineError: it is missing, damaged or replaced, or the predictions differ.
    """
    folder = RunFolder(file.parent)
    if file.name == folder.onnx_file().name and folder.integrity.exists():  # in the folder of its run
        return verify_run(folder)
    return _verify_file(file)[0]


def _verify_file(file: Path) -> tuple[VerifiedModel, ExportMetadata]:
    """Verify one exported file; return its metadata as well."""
    metadata = read_metadata(file)
    if metadata.sha256 is None or metadata.examples is None:
        raise SeamlineError(f"{file}: has no checksum, because an older version of Seamline wrote it; {_EXPORT_AGAIN}")
    outputs = tuple(
        _compare(file, name, load_session(file, name)[1], metadata.examples, (metadata.input_size, metadata.task))
        for name, backend in BACKENDS.items()
        if backend.installed
    )
    return VerifiedModel((FileChecksum(file, sha256_file(file)),), outputs), metadata


def _compare(
    file: Path, backend: str, forward: PredictFn, examples: ExampleOutputs, model: tuple[tuple[int, int, int], Task]
) -> OutputCheck:
    """Compare the predictions of a model, with its input size and task, with the recorded ones."""
    images, expected = examples.image_array, examples.logit_array
    difference = np.inf
    if examples.size[2] == model[0][2]:
        logits = _sampled_logits(forward, images, *model)
        if logits.shape == expected.shape:
            same = (logits == expected) | (np.isnan(logits) & np.isnan(expected))
            difference = float(np.where(same, 0, np.abs(logits - expected)).max())
    if not difference <= examples.tolerance:
        title = BACKENDS[backend].title if backend in BACKENDS else "PyTorch"
        raise SeamlineError(
            f"{file}: predictions of {title} for the stored images differ from the recorded ones by {difference:.2g} "
            f"(at most {examples.tolerance:.2g} is allowed); update {title}, or restore the file from a copy"
        )
    return OutputCheck(file, backend, len(images), difference, examples.tolerance)


def _sampled_logits(
    forward: PredictFn, stored: NDArray[np.uint8], input_size: tuple[int, int, int], task: Task
) -> NDArray[np.float32]:
    """Return the logits of images as stored, (N, h, w, C) uint8, in one row, float32; every 16th pixel of maps."""
    limit = _SEGMENTATION_SIDE if task == "segmentation" else max(input_size)
    logits = forward(_enlarge(stored, *(min(side, limit) for side in input_size[:2])))
    return np.ascontiguousarray(logits[:, :, ::_STRIDE, ::_STRIDE] if logits.ndim == 4 else logits).ravel()


def _enlarge(images: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Enlarge images (N, h, w, C) uint8 to (N, height, width, C) without interpolation, the same on every machine."""
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    return np.ascontiguousarray(images[:, rows][:, :, columns])
