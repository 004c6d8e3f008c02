"""Ranks photos by how much a label would teach a model: uncertain ones that differ from those labeled or chosen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.data.lazy_array import ArrayLike, evenly_spaced, zeros_or_memmap
from seamline.data.limits import is_out_of_memory
from seamline.data.preprocess import fit_inside
from seamline.errors import SeamlineError
from seamline.inference.decode import decode_ahead
from seamline.inference.find_images import Photo
from seamline.inference.novelty import nearest_distances, scale_features
from seamline.inference.predict import OUT_OF_MEMORY, Progress, ignore_progress
from seamline.inference.predictor import Predictor
from seamline.inference.tiled import predict_strips
from seamline.run_folder import PhotoError

_MAX_LABELED = 500  # training images whose features are computed where the model keeps none
_TINY = 1e-6  # a distance of 0 is none to divide by


@dataclass(eq=False)
class Candidates:
    """Photos to choose from, as a model sees them."""

    files: list[Path]  # N paths
    entropies: NDArray[np.float64]  # (N,) float64, 0..1
    images: NDArray[np.uint8]  # (N, H, W, C) uint8, in the form of the training images
    features: NDArray[np.float32] | None = None  # (N, D) float32; None where the model has none
    errors: list[PhotoError] = field(default_factory=list)  # photos that could not be read


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Where photos and labeled images lie, to measure distances between them."""

    photos: NDArray[np.float32]  # (N, D) float32, scaled features
    labeled: NDArray[np.float32] | None  # (M, D) float32, the same of labeled images; None where not known
    unit: float  # the distance that counts as 1

    def distances(self, others: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distance of each photo to the nearest of others (M, D) float32: (N,) float64, in units."""
        return nearest_distances(self.photos, others).astype(np.float64) / max(self.unit, _TINY)

    @classmethod
    def of(cls, predictor: Predictor, features: NDArray[np.float32], train: ArrayLike | None) -> "FeatureSpace":
        """Return the space of a model: that of its novelty, or else that of training images and photos.

        Args:
            predictor: the model.
            features: (N, D) float32, features of photos.
            train: (M, H, W, C) uint8, training images; None where they are not available.
        """
        if reference := predictor.metadata.novelty:
            scaled = scale_features(features, reference.scale_array)
            return cls(scaled, reference.feature_array, reference.threshold)
        labeled = None
        if train is not None and predictor.features is not None:
            some = evenly_spaced(len(train), _MAX_LABELED).tolist()
            labeled = np.concatenate([predictor.features(train[index][np.newaxis]) for index in some])
        every = features if labeled is None else np.concatenate([features, labeled])
        scales = (1 / np.maximum(every.std(0), _TINY)).astype(np.float32)
        scaled, unit = scale_features(features, scales), _median_distance(scale_features(every, scales))
        return cls(scaled, None if labeled is None else scale_features(labeled, scales), unit)


@dataclass(frozen=True)
class Choice:
    """A photo that is chosen."""

    index: int  # its number among the candidates
    score: float  # entropy times distance
    distance: float  # to the nearest labeled image or photo chosen before, over the unit; 1 where there is none


def read_candidates(predictor: Predictor, photos: Sequence[Photo], progress: Progress = ignore_progress) -> Candidates:
    """Read photos, and predict each once.

    Args:
        predictor: the model.
        photos: the photos.
        progress: called with the number of photos done, their total, and the current file.

    Returns:
        Those that can be read.
    """
    images = zeros_or_memmap((len(photos), *predictor.metadata.input_size))
    files: list[Path] = []
    entropies: list[float] = []
    errors: list[PhotoError] = []
    features: list[NDArray[np.float32]] = []
    for number, (photo, pending) in enumerate(zip(photos, decode_ahead(photos, predictor.bit_depth), strict=True)):
        progress(number, len(photos), str(photo.file))
        try:
            pixels = pending.result().pixels
            small = _as_trained(predictor, pixels)
            entropy = _entropy(predictor, pixels)
        except SeamlineError as error:
            errors.append(PhotoError(file=str(photo.file), reason=str(error).removeprefix(f"{photo.file}: ")))
            continue
        except (MemoryError, RuntimeError) as error:  # PyTorch raises RuntimeErrors
            if not is_out_of_memory(error):
                raise
            errors.append(PhotoError(file=str(photo.file), reason=OUT_OF_MEMORY))
            continue
        images[len(files), : small.shape[0], : small.shape[1]] = small
        if predictor.features is not None:
            features.append(predictor.features(small[np.newaxis])[0])
        files.append(photo.file)
        entropies.append(entropy)
    progress(len(photos), len(photos), "")
    stacked = np.stack(features) if features else None
    return Candidates(files, np.array(entropies), images[: len(files)], stacked, errors)


def _as_trained(predictor: Predictor, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) uint8 at the size at which the model was trained on it: (h, w, C) uint8."""
    if predictor.task == "classification":
        return predictor.preprocess(image)
    return fit_inside(image, predictor.metadata.input_size)


def _entropy(predictor: Predictor, image: NDArray[np.uint8]) -> float:
    """Return the mean entropy of the calibrated probabilities of an image (H, W, 3) uint8, 0..1.

    The entropy of K classes is divided by log K, its largest value (Shannon, A mathematical theory of communication,
    1948); of masks it is the mean over pixels.
    """
    if predictor.task == "classification":
        return float(normalized_entropy(predictor.softmax(predictor.forward(predictor.preprocess(image)[None])))[0])
    inputs = predictor.preprocess(image, predictor.default_max_side)
    total: float = sum(
        float(normalized_entropy(predictor.softmax(strip[np.newaxis])).sum())
        for strip in predict_strips(predictor.forward, inputs)
    )
    return total / math.prod(inputs.shape[:2])


def normalized_entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of probabilities (B, K, ...) over log K: (B, ...) float64, 0 for certain to 1 for uniform."""
    logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    entropies: NDArray[np.float64] = -(probabilities * logs).sum(1) / np.log(probabilities.shape[1])
    return entropies


def choose_photos(
    entropies: NDArray[np.float64],
    space: FeatureSpace | None,
    count: int,
    allow: Callable[[int], bool] = lambda index: True,
) -> list[Choice]:
    """Choose photos greedily: each time the one with the highest product of entropy and distance.

    The distance is that to the nearest labeled image or photo chosen before, in the space of features. With equal
    entropies this is the farthest-first traversal (Gonzalez, Theoretical Computer Science 38, 1985), which covers the
    space as core-sets do (Sener, Savarese, Active learning for convolutional neural networks, ICLR 2018). The product
    of uncertainty and a term of the other photos follows information density (Settles, Craven, EMNLP 2008).

    Args:
        entropies: (N,) float64, 0..1.
        space: where distances are measured; None ranks by entropy alone.
        count: number of photos to choose at most.
        allow: called with each photo that comes next; whether it may be chosen.

    Returns:
        The choices in order.
    """
    nearest = np.full(len(entropies), np.inf)
    if space is not None and space.labeled is not None:
        nearest = space.distances(space.labeled)
    choices: list[Choice] = []
    remaining = np.ones(len(entropies), bool)
    while remaining.any() and len(choices) < count:
        distances = np.where(np.isinf(nearest), 1.0, nearest)
        scores = np.where(remaining, entropies * distances, -1)
        index = int(scores.argmax())
        remaining[index] = False
        if allow(index):
            choices.append(Choice(index, float(scores[index]), float(distances[index])))
            if space is not None:
                nearest = np.minimum(nearest, space.distances(space.photos[[index]]))
    return choices


def _median_distance(features: NDArray[np.float32]) -> float:
    """Return the median distance of two of up to 500 evenly spaced images; 0 for a single one."""
    some = features[np.linspace(0, len(features) - 1, min(len(features), _MAX_LABELED)).astype(np.int64)]
    if len(some) < 2:
        return 0.0
    return float(np.median(scipy.spatial.distance.pdist(some)))
