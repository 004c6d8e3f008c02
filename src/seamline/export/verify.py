"""Compares an exported file with the run that it was exported from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.data.lazy_array import ArrayLike, iter_chunks
from seamline.evaluation.average_precision import average_precision
from seamline.evaluation.calibration import best_temperature
from seamline.evaluation.evaluate import SampledLogits
from seamline.inference.backends import BACKENDS, CHUNK_BYTES, load_session
from seamline.inference.predictor import Predictor
from seamline.inference.tiled import PredictFn

ATOL = 1e-3
"""Largest absolute difference of a logit or a probability with which a file is written."""

MIN_AGREEMENT = 0.999
"""Smallest fraction of equal predictions (of images or pixels) with which a file is written."""

VERIFIED_PIXELS = 2_000_000
"""Pixels of images that are compared."""

_SCORED_PIXELS = 20_000_000  # pixels whose logits are in memory at once


@dataclass(frozen=True)
class Verification:
    """How the predictions of an exported file compare with those of the run.

    Attributes:
        backend: a key of `BACKENDS`.
        images: number of images that were compared.
        difference: largest absolute difference of a logit or a probability.
        agreement: fraction of images, or of pixels, with the same predicted class.
    """

    backend: str
    images: int
    difference: float
    agreement: float

    @property
    def passes(self) -> bool:
        """Whether the file may be written; NaN never passes."""
        return self.difference <= ATOL and self.agreement >= MIN_AGREEMENT

    def __str__(self) -> str:
        title = BACKENDS[self.backend].title
        return f"{title}: {self.agreement:.3%} of the predictions equal, largest difference {self.difference:.1e}"


def select_evenly(images: ArrayLike, pixels: int = VERIFIED_PIXELS) -> NDArray[np.uint8]:
    """Return evenly spaced images (n, H, W, C) of (N, H, W, C) uint8, at least one, of about `pixels` pixels."""
    selected: NDArray[np.uint8] = images[_even_indices(images, pixels)]
    return selected


def _even_indices(images: ArrayLike, pixels: int) -> NDArray[np.int64]:
    count = min(len(images), max(1, pixels // int(np.prod(images.shape[1:3]))))
    return np.linspace(0, len(images) - 1, count).round().astype(np.int64)


def verify(file: Path, backend: str, predictor: Predictor, images: ArrayLike) -> Verification:
    """Compare an exported file with the run that it was exported from, on real images.

    For segmentation, parts of the images are compared as well, so that other sizes are tested.

    Args:
        file: the exported file.
        backend: a key of `BACKENDS`.
        predictor: the run.
        images: (N, H, W, C) uint8.
    """
    sessions = {output: load_session(file, backend, output=output)[1] for output in ("logits", "probabilities")}
    selected = select_evenly(images)
    batches = list(iter_chunks(selected, CHUNK_BYTES))
    if predictor.task == "segmentation":
        height, width = selected.shape[1:3]
        batches += [selected[:1, : height - height // 7, : width - width // 5], selected[:2, : height // 2 + 1]]
    equal = total = 0
    difference = 0.0
    for batch in batches:
        logits = predictor.forward(batch)
        expected: dict[str, NDArray[Any]] = {"logits": logits, "probabilities": predictor.softmax(logits)}
        outputs = {output: session(batch) for output, session in sessions.items()}
        difference = max(difference, *(float(np.abs(outputs[key] - expected[key]).max()) for key in outputs))
        agrees = outputs["logits"].argmax(1) == logits.argmax(1)
        equal, total = equal + int(agrees.sum()), total + agrees.size
    return Verification(backend, len(selected), difference, equal / total)


@dataclass(frozen=True, eq=False)
class LabeledLogits:
    """The logits of a model for labeled images.

    Attributes:
        logits: (N, K) or (N, K, H, W) float32.
        labels: (N,), 0..K-1, or (N, H, W), 0..K-1 or `IGNORE_INDEX`.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.integer[Any]]

    @property
    def score(self) -> float:
        """Accuracy, or the mean average precision of pixels ranked by logits."""
        if self.labels.ndim == 1:
            return float((self.logits.argmax(1) == self.labels).mean())
        valid = self.labels != IGNORE_INDEX
        scores = [
            average_precision(self.logits[:, k][valid], self.labels[valid] == k) for k in range(self.logits.shape[1])
        ]
        return float(np.nanmean(scores))

    @property
    def temperature(self) -> float:
        """The temperature with the lowest negative log likelihood; see `seamline.evaluation.calibration`."""
        logits = self.logits.reshape(*self.logits.shape[:2], -1)
        labels = self.labels.reshape(len(self.labels), -1)
        valid = labels != IGNORE_INDEX if self.labels.ndim == 3 else np.ones(labels.shape, dtype=bool)
        return best_temperature(SampledLogits(logits, labels, logits.argmax(1), valid))


def predict_split(forward: PredictFn, split: Split) -> LabeledLogits:
    """Predict the images of a split; of large splits for segmentation a subset, spread evenly.

    Args:
        forward: the model.
        split: images with labels.
    """
    subset = split if split.labels.ndim == 1 else split.select(_even_indices(split.images, _SCORED_PIXELS))
    logits = np.concatenate([forward(chunk) for chunk in iter_chunks(subset.images, CHUNK_BYTES)])
    return LabeledLogits(logits, np.asarray(subset.labels[:]))
