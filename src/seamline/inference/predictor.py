"""A trained model that is ready to predict, wherever it comes from."""

import ctypes
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from seamline.data.image_io import read_image, to_rgb
from seamline.data.preprocess import center_crop_resize, fit_inside, resize_max_side
from seamline.errors import SeamlineError, require_extra
from seamline.inference.backends import BACKENDS, default_backend, load_outputs
from seamline.inference.fractions import fraction_intervals
from seamline.inference.novelty import novelty_ratios
from seamline.inference.onnx_metadata import read_metadata
from seamline.inference.prediction import Prediction
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.inference.tiled import PredictFn, predict_mask, predict_strips
from seamline.run_folder import Color, ExportMetadata, RunFolder, Task

PYTORCH = "pytorch"
"""The backend that runs the weights of a run."""

DEFAULT_SCALE = 1.5
"""Longer side at which a segmenter sees an image by default, over that of its training images.

A model that was trained on parts of whole photos, at a wide range of scales, sees them at their size in training
instead. Measured with facades: photos framed as the training images are segmented best at 1, with a margin of a quarter
at 1.5, streets of three houses at 3. At 4 every photo of one house loses half of its mean IoU.
"""

MIN_SIDE = 32
"""The smallest longer side that images may be resized to, in pixels."""

LARGE_IMAGE = 16_000_000
"""Pixels from which on an image should be the only one in memory."""

_BATCH = 256  # images of a classifier

ImageLike = Path | str | Image.Image | NDArray[np.uint8]
"""A path, a PIL image, or an array (H, W, 3) uint8; (H, W) or (H, W, 1) for gray."""


class LoadOptions(TypedDict, total=False):
    """Where and how a model runs; see `load_model`."""

    backend: str | None
    device: str
    threads: int | None


class PredictOptions(TypedDict, total=False):
    """How an image is predicted; see `Predictor.__call__`."""

    max_side: int | None
    probability_maps: bool
    progress: Callable[[int, int], None] | None


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained model that is ready to predict.

    Call it with an image to get its `Prediction`, or with a list of images to get theirs.

    Attributes:
        path: where it was loaded from, as the user named it.
        backend: `pytorch`, or a key of `seamline.inference.backends.BACKENDS`.
        forward: images (B, H, W, C) uint8 -> logits (B, K), or (B, K, H, W) for segmentation, float32.
        metadata: task, classes, palette, input size, temperature and origin of the model.
        features: images (B, H, W, C) uint8 -> pooled features (B, D) float32; None where there are none.
    """

    path: Path
    backend: str
    forward: PredictFn
    metadata: ExportMetadata
    features: PredictFn | None = None

    @property
    def name(self) -> str:
        """Short name, such as `facades-fast`."""
        return self.path.resolve().name.removesuffix(".onnx")

    @property
    def task(self) -> Task:
        """`classification` or `segmentation`."""
        return self.metadata.task

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return self.metadata.classes

    @property
    def palette(self) -> tuple[Color, ...]:
        """Red, green and blue, 0..255, of each class in masks; empty for classification."""
        return self.metadata.palette

    @property
    def default_max_side(self) -> int:
        """Longer side that images are reduced to for segmentation, unless `max_side` says otherwise."""
        side = self.metadata.max_side or round(DEFAULT_SCALE * max(self.metadata.input_size[:2]))
        return max(MIN_SIDE, side)

    @overload
    def __call__(self, images: ImageLike, **options: Unpack[PredictOptions]) -> Prediction: ...

    @overload
    def __call__(self, images: list[Any] | tuple[Any, ...], **options: Unpack[PredictOptions]) -> list[Prediction]: ...

    def __call__(
        self,
        images: ImageLike | Sequence[ImageLike],
        *,
        max_side: int | None = None,
        probability_maps: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Prediction | list[Prediction]:
        """Predict an image, or several.

        For segmentation an image is reduced until its longer side is `max_side`, because a model recognizes things of
        about the size that they have in its training images; see `DEFAULT_SCALE`. Large images are processed in tiles.
        The mask always has the image's size. For classification the model gets the largest part in the middle of the
        image that has the proportions of its training images, at their size.

        Args:
            images: paths, PIL images or arrays (H, W, 3) uint8; one of these or a list of them.
            max_side: longer side in pixels, at least 32; 0 keeps the image's size. For segmentation only.
            probability_maps: whether to return the probability of each class at each pixel, which takes 4 K bytes per
                pixel. For segmentation only.
            progress: called after each tile of an image with the number of tiles done and their total.

        Returns:
            The prediction, or a list of them in the order of the images.

        Raises:
            SeamlineError: an image cannot be read, or `max_side` is too small or given for classification.
        """
        self.check_max_side(max_side)
        several = isinstance(images, list | tuple)
        sources: Sequence[Any] = images if several else [images]  # type: ignore[assignment]
        if self.task == "classification":
            predictions = list(self._classify(sources))
        else:
            side = self.default_max_side if max_side is None else max_side
            predictions = [self._segment(source, side, probability_maps, progress) for source in sources]
        return predictions if several else predictions[0]

    def check_max_side(self, max_side: int | None) -> None:
        """Check `max_side` before any work.

        Args:
            max_side: longer side in pixels, 0 to keep the size, or None for the default.

        Raises:
            SeamlineError: it is too small, or given for classification.
        """
        if max_side is not None and max_side != 0 and max_side < MIN_SIDE:
            raise SeamlineError(f"--max-side {max_side}: too small; use at least {MIN_SIDE}, or 0 to keep the size")
        if max_side is not None and self.task == "classification":
            raise SeamlineError(f"--max-side {max_side}: for segmentation, and {self.path} is a classifier; omit it")

    def preprocess(self, image: NDArray[np.uint8], max_side: int = 0) -> NDArray[np.uint8]:
        """Resize and convert an image to what the model takes; predicting that gives the same.

        Args:
            image: (H, W, 3) uint8.
            max_side: longer side in pixels for segmentation; 0 keeps the size.

        Returns:
            (h, w, C) uint8.
        """
        if self.task == "classification":
            return center_crop_resize(image, self.metadata.input_size)
        return resize_max_side(image, self.metadata.input_size[2], max_side)

    def novelty(self, images: NDArray[np.uint8]) -> list[float | None]:
        """Return how unlike the training images each of some images is: above 1 it is novel.

        Args:
            images: (B, H, W, C) uint8, as `preprocess` returns them for a classifier; for segmentation resized to fit
                into the size of the training images.

        Returns:
            B distances over the threshold; None for each where the model cannot tell.
        """
        reference = self.metadata.novelty
        if reference is None or self.features is None:
            return [None] * len(images)
        return [*map(float, novelty_ratios(self.features(images), reference))]

    @property
    def false_alarm_rate(self) -> float | None:
        """Fraction of images like the training images that count as novel; None where the model cannot tell."""
        return self.metadata.novelty.false_alarm_rate if self.metadata.novelty else None

    @property
    def interval_level(self) -> float | None:
        """Probability of the conformal intervals of class fractions; None where there are none."""
        return self.metadata.fraction_intervals.level if self.metadata.fraction_intervals else None

    @property
    def novelty_unavailable(self) -> str | None:
        """Why the model cannot tell novel images, in a sentence; None if it can."""
        if self.metadata.novelty and self.features:
            return None
        remedy = "evaluate the run again" if self.backend == PYTORCH else "evaluate and export the run again"
        if self.metadata.precision == "int8":
            remedy = "export the run without --int8"
        return f"whether photos are unlike the training images is not available of {self.path}; {remedy}"

    def softmax(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Convert logits to calibrated probabilities.

        Args:
            logits: (B, K, ...) float32.

        Returns:
            (B, K, ...) float64, 0..1, which sum to 1 over K.
        """
        scaled = logits.astype(np.float64) / self.metadata.temperature
        exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
        probabilities: NDArray[np.float64] = exponentials / exponentials.sum(1, keepdims=True)
        return probabilities

    @property
    def bit_depth(self) -> int:
        """The least bit depth of images with values of 16 bits, that of the training images; 0 if they had none."""
        return self.metadata.bit_depth or 0

    def _pixels(self, source: ImageLike) -> NDArray[np.uint8]:
        """Return an image as an array (H, W, 3) uint8."""
        return read_image(Path(source), depth=self.bit_depth) if isinstance(source, Path | str) else _pixels(source)

    def _classify(self, sources: Sequence[ImageLike]) -> Iterator[Prediction]:
        """Yield the predictions for images; the model gets them in batches."""
        for start in range(0, len(sources), _BATCH):
            references, shapes, inputs = [], [], []
            for source in sources[start : start + _BATCH]:  # only small inputs stay in memory
                image = self._pixels(source)
                references.append(_reference(source, image))
                shapes.append(image.shape[:2])
                inputs.append(self.preprocess(image))
            batch = np.stack(inputs)
            rows = zip(references, shapes, self.softmax(self.forward(batch)).tolist(), self.novelty(batch), strict=True)
            for reference, (height, width), row, novelty in rows:
                probabilities = dict(zip(self.classes, row, strict=True))
                label = max(probabilities, key=lambda name: probabilities[name])
                prediction = Prediction(reference, height, width, self.classes, label=label, novelty=novelty)
                yield replace(prediction, probabilities=probabilities)

    def _segment(
        self,
        source: ImageLike,
        max_side: int,
        probability_maps: bool,
        progress: Callable[[int, int], None] | None,
    ) -> Prediction:
        """Return the prediction for an image."""
        image = self._pixels(source)
        height, width = image.shape[:2]
        if height * width >= LARGE_IMAGE:
            release_memory()
        inputs = self.preprocess(image, max_side)
        strips = predict_strips(self.forward, inputs, shape=(height, width), progress=progress)
        result = predict_mask(strips, (height, width), self.metadata.temperature, with_maps=probability_maps)
        prediction = Prediction(
            _reference(source, image),
            height,
            width,
            self.classes,
            self.palette,
            mask=result.mask,
            confidence=result.confidence,
            probability_maps=result.maps,
            novelty=self.novelty(fit_inside(image, self.metadata.input_size)[np.newaxis])[0],
        )
        if (intervals := self.metadata.fraction_intervals) is None:
            return prediction
        expected = result.expected_errors / result.mask.size
        return replace(prediction, intervals=fraction_intervals(prediction.fractions, expected, intervals))


def load_model(
    name_or_path: Path | str, *, backend: str | None = None, device: str = "auto", threads: int | None = None
) -> Predictor:
    """Load a trained model.

    On a CPU, a run folder's exported `model.onnx` is used if it belongs to the run's weights and a backend for it is
    installed; PyTorch is then not imported. Otherwise PyTorch runs the weights. Where it is not installed, the exported
    model is required.

    Args:
        name_or_path: a finished run folder, a file that `seamline export` wrote, or the name of a pretrained model.
        backend: `pytorch`, `onnxruntime` or `openvino`; by default the fastest that can be used.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: number of processor threads; None leaves it to the backend.

    Returns:
        The predictor.

    Raises:
        SeamlineError: there is no such model, its files are damaged, or there is no such device or backend.
    """
    if threads is not None and threads < 1:
        raise SeamlineError(f"--threads {threads}: must be at least 1")
    if backend not in (None, PYTORCH, *BACKENDS):
        raise SeamlineError(f"--backend {backend}: unknown; choose from {PYTORCH}, {', '.join(BACKENDS)}")
    named, path = Path(name_or_path), find_model(name_or_path)
    if path.suffix != ".onnx" and not path.exists():
        raise SeamlineError(
            f"{named}: not found; name a run folder, a file that `seamline export` wrote, or a pretrained model of the "
            f"package ({', '.join(PRETRAINED)})"
        )
    if path.is_file() or path.suffix == ".onnx":
        if backend == PYTORCH or device not in ("auto", "cpu"):
            raise SeamlineError(f"{named}: an exported model runs on the CPU; name the run folder instead")
        return _load_export(named, path, read_metadata(path), backend, threads)
    folder = RunFolder(path)
    if backend is None and device in ("auto", "cpu") and not find_spec("torch"):
        backend = default_backend()
    if backend != PYTORCH and (metadata := _export_of(folder, device, backend)):
        return _load_export(named, folder.onnx_file(), metadata, backend, threads)
    return _load_weights(named, folder, device, threads)


def find_model(name_or_path: Path | str) -> Path:
    """Return the path of a model, the folder of a pretrained one; a file or folder of that name comes first."""
    path = Path(name_or_path)
    return pretrained_dir(str(name_or_path)) if str(name_or_path) in PRETRAINED and not path.exists() else path


def run_metadata(folder: RunFolder) -> ExportMetadata:
    """Return what an exported file says about a run.

    Raises:
        SeamlineError: the run has not finished, or its files are damaged.
    """
    info, calibration, novelty = folder.info.read(), folder.calibration.read_optional(), folder.novelty.read_optional()
    fractions = calibration.fractions if calibration else None
    return ExportMetadata(
        seamline=info.seamline,
        name=folder.path.resolve().name,
        task=info.task,
        dataset=info.dataset.title,
        preset=info.preset,
        classes=info.dataset.classes,
        palette=info.dataset.palette,
        input_size=info.model.input_size,
        max_side=max(info.model.input_size[:2]) if info.config.get("crop") else None,
        temperature=_temperature(folder),
        bit_depth=info.dataset.bit_depth or None,
        fingerprint=folder.weights_digest,
        novelty=novelty.reference if novelty else None,
        fraction_intervals=fractions.intervals if fractions else None,
    )


def release_memory() -> None:
    """Have glibc return freed memory to the system; do nothing elsewhere.

    Pillow allocates memory in blocks that glibc keeps once they are freed: without this, a photo of 48 megapixels
    takes about 400 MB more than it needs.
    """
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _export_of(folder: RunFolder, device: str, backend: str | None) -> ExportMetadata | None:
    """Return the metadata of a run's exported model; None if it cannot be used and `backend` does not ask for it."""
    file, remedy = folder.onnx_file(), f"run `seamline export {shlex.quote(str(folder.path))}`"
    if not find_spec("torch"):
        remedy += " where PyTorch is installed, or pip install 'seamline[train]'"
    if backend is None:
        on_cpu = device == "cpu" or (device == "auto" and not _may_have_gpu())
        if not on_cpu or not file.is_file() or not any(one.installed for one in BACKENDS.values()):
            return None
    elif device not in ("auto", "cpu"):
        raise SeamlineError(f"--backend {backend}: runs on the CPU; omit --device")
    elif not file.is_file():
        folder.info.read()  # the error of a folder that is not a run
        raise SeamlineError(f"{file}: not found; {BACKENDS[backend].title} needs it; {remedy}")
    metadata = read_metadata(file)
    if (metadata.fingerprint, metadata.temperature) == (folder.weights_digest, _temperature(folder)):
        return metadata
    if backend is None:
        return None
    raise SeamlineError(f"{file}: does not match the weights of this run; {remedy}")


def _may_have_gpu() -> bool:
    """Return whether there may be a GPU; only then PyTorch, whose import takes seconds, is needed to know."""
    return sys.platform == "darwin" or Path("/proc/driver/nvidia").exists() or Path("/dev/kfd").exists()


def _load_export(
    named: Path, file: Path, metadata: ExportMetadata, backend: str | None, threads: int | None
) -> Predictor:
    """Load an exported file; one without a reference of novelty may be older, and have no features."""
    outputs = ("logits", "features") if metadata.novelty else ("logits",)
    name, (forward, *features) = load_outputs(file, outputs, backend, threads)
    return Predictor(named, name, forward, metadata, *features)


def _load_weights(named: Path, folder: RunFolder, device: str, threads: int | None) -> Predictor:
    """Load the weights of a run into PyTorch."""
    from functools import partial

    with require_extra(f"--backend {PYTORCH}" if device in ("auto", "cpu") else f"--device {device}", "train"):
        from seamline.inference.forward import predict_features, predict_logits
        from seamline.inference.tta import load_tta
        from seamline.models.devices import find_device, set_num_threads

    set_num_threads(threads)
    torch_device = find_device(device)
    model = load_tta(folder).to(torch_device)
    return Predictor(
        named, PYTORCH, partial(predict_logits, model), run_metadata(folder), partial(predict_features, model)
    )


def _temperature(folder: RunFolder) -> float:
    """Return the temperature of a run, 1 if it has not been evaluated."""
    calibration = folder.calibration.read_optional()
    return 1.0 if calibration is None else calibration.temperature.value


def _pixels(source: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image in memory as an array (H, W, 3) uint8.

    Raises:
        SeamlineError: the array is of another shape or type.
    """
    if isinstance(source, Image.Image):
        return to_rgb(ImageOps.exif_transpose(source))
    image = np.asarray(source)
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or image.size == 0:
        raise SeamlineError(f"an image must be (H, W, 3) uint8, got {np.shape(source)} {image.dtype}; convert it")
    return np.repeat(image, 3, 2) if image.shape[2] == 1 else image


def _reference(source: ImageLike, image: NDArray[np.uint8]) -> Path | NDArray[np.uint8]:
    """Return what a prediction keeps of its image: the path of a file, which is read again if need be."""
    return Path(source) if isinstance(source, Path | str) else image
