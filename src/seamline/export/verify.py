"""Compares an exported file with the run that it was exported from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import DatasetPart, Split
from seamline.data.lazy_array import ArrayLike, iter_chunks
from seamline.evaluation.average_precision import average_precision
from seamline.evaluation.evaluate import SampledLogits, valid_mask
from seamline.evaluation.merging import Merging
from seamline.inference.backends import BACKENDS, CHUNK_BYTES, load_outputs
from seamline.inference.predictor import Predictor
from seamline.inference.tiled import PredictFn
from seamline.run_folder import Task
from seamline.training.run_data import STORED_PIXELS, even_indices

ATOL = 1e-3
"""Largest absolute difference of a logit or a probability with which a file is written."""

MIN_AGREEMENT = 0.999
"""Smallest fraction of equal predictions (of images or pixels) with which a file is written."""

VERIFIED_PIXELS = STORED_PIXELS
"""Pixels of images that are compared."""

_SCORED_PIXELS = 20_000_000  # pixels whose logits are in memory at once


@dataclass(frozen=True)
class Verification:
    """How the predictions of an exported file compare with those of the run.

    Attributes:
        backend: a key of `BACKENDS`.
        images: number of images that were compared.
        difference: largest absolute difference of a logit or a probability, or of a feature over the largest one.
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
    selected: NDArray[np.uint8] = images[even_indices(images, pixels)]
    return selected


def verify(file: Path, predictor: Predictor, images: ArrayLike) -> tuple[Verification, ...]:
    """Compare an exported file in each backend with the run that it was exported from, on real images.

    For segmentation, parts of the images are compared as well, so that other sizes are tested.

    Args:
        file: the exported file.
        predictor: the run.
        images: (N, H, W, C) uint8.
    """
    outputs = ("logits", "probabilities", "features") if predictor.features else ("logits", "probabilities")
    sessions = {
        (backend, output): session
        for backend in BACKENDS
        for output, session in zip(outputs, load_outputs(file, outputs, backend)[1], strict=True)
    }
    selected = select_evenly(images)
    batches = list(iter_chunks(selected, CHUNK_BYTES))
    if predictor.task == "segmentation":
        height, width = selected.shape[1:3]
        batches += [selected[:1, : height - height // 7, : width - width // 5], selected[:2, : height // 2 + 1]]
    differences, equal, total = dict.fromkeys(BACKENDS, 0.0), dict.fromkeys(BACKENDS, 0), 0
    for batch in batches:
        logits = predictor.forward(batch)
        expected: dict[str, NDArray[Any]] = {"logits": logits, "probabilities": predictor.softmax(logits)}
        if predictor.features:
            expected["features"] = predictor.features(batch)
        total += logits[:, 0].size
        for (backend, output), session in sessions.items():
            values = session(batch)
            scale = max(1.0, float(np.abs(expected[output]).max())) if output == "features" else 1.0  # of any size
            # NumPy's maximum propagates NaN, Python's drops it
            differences[backend] = float(
                np.maximum(differences[backend], np.abs(values - expected[output]).max() / scale)
            )
            if output == "logits":
                equal[backend] += int((values.argmax(1) == logits.argmax(1)).sum())
    return tuple(Verification(name, len(selected), differences[name], equal[name] / total) for name in BACKENDS)


def predict_split(forward: PredictFn, split: Split, task: Task, parts: Sequence[DatasetPart] = ()) -> SampledLogits:
    """Predict the images of a split; of large splits for segmentation a subset, spread evenly.

    Args:
        forward: the model.
        split: images with labels.
        task: what is predicted.
        parts: the datasets that the split is made of, if these are several.
    """
    if task == "segmentation":
        split = split.select(even_indices(split.images, _SCORED_PIXELS))
    logits = np.concatenate([forward(chunk) for chunk in iter_chunks(split.images, CHUNK_BYTES)])
    logits = logits.reshape(*logits.shape[:2], -1)
    labels = split.labels[:].reshape(len(split), -1)
    sample = SampledLogits(logits, labels, labels, valid_mask(labels, task), Merging.of(split, parts))
    return replace(sample, predicted=sample.merge(logits).argmax(1).astype(labels.dtype))


def primary_metric(sample: SampledLogits, task: Task) -> float:
    """Return accuracy, or for segmentation the mean average precision of pixels ranked by logits; 0..1."""
    if task == "classification":
        return float((sample.predicted == sample.labels).mean())
    labels, logits = sample.labels[sample.valid], sample.merge(sample.logits)
    classes = range(logits.shape[1])
    return float(np.nanmean([average_precision(logits[:, k][sample.valid], labels == k) for k in classes]))
