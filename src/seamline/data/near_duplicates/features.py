"""Local features of images, and the candidate pairs that they retrieve.

Features are upright SIFT keypoints, with descriptors projected to a space shared by a set of images. Candidates come
from an inverted index: descriptors are quantized to visual words, and only descriptors of one word are compared.
`scene_matching` verifies every pair.
"""

from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from seamline.data.preprocess import downscale

MAX_SIDE = 512
"""Larger images are downscaled to this longer side before features are extracted."""

MAX_KEYPOINTS = 500
"""Largest number of keypoints of an image, those of the highest contrast."""

MIN_VARIANCE = 30.0
"""Variance of brightness in a small window from which it counts as textured; sky and black corners do not."""

DIMENSIONS = 64
"""Length of a projected descriptor."""

MAX_NEIGHBORS = 10
"""Candidates for each image."""

N_RIVALS = 12
"""A similarity counts only as far as it exceeds that of this many other images, which discounts common features."""

_MAX_WORDS = 1024
_KMEANS_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """Features of an image for the search for crops of one scene."""

    gray: NDArray[np.float32]  # (H, W) float32, brightness 0..255, the longer side at most `MAX_SIDE`
    color: NDArray[np.uint8] | None  # (H, W, 2) uint8, CIE a and b, or None for gray images
    n_textured: int  # number of textured pixels
    keypoints: NDArray[np.float32]  # (P, 2) float32, x and y in pixels of `gray`
    scales: NDArray[np.float32]  # (P,) float32, diameter of each keypoint in pixels, above 0
    # (P, 128) uint8 as extracted; (P, `DIMENSIONS`) float32 of unit length after `project_descriptors`
    descriptors: NDArray[Any]


def extract_features(image: NDArray[np.uint8]) -> ImageFeatures:
    """Extract SIFT features (Lowe, IJCV 2004) of an image (H, W, C) uint8, without rotation invariance.

    Photos and their crops are upright, so all keypoints get the same orientation. That way each keypoint occurs once,
    and the left edge of a window does not match its right edge.
    """
    image = downscale(image, MAX_SIDE)
    gray = np.ascontiguousarray(image[:, :, 0]) if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    color = None if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, 1:]
    if color is not None and max(color[:, :, 0].std(), color[:, :, 1].std()) < 1:
        color = None
    sift = cv2.SIFT_create(contrastThreshold=0.02, edgeThreshold=12)  # type: ignore[attr-defined]
    strongest: dict[tuple[float, float, float], cv2.KeyPoint] = {}
    for point in sift.detect(gray, None):  # SIFT repeats a keypoint for each of its orientations
        key = (round(point.pt[0], 1), round(point.pt[1], 1), round(point.size, 1))
        if key not in strongest or point.response > strongest[key].response:
            point.angle = 0.0
            strongest[key] = point
    order = sorted(strongest, key=lambda key: (-strongest[key].response, key))
    points = [strongest[key] for key in order[:MAX_KEYPOINTS]]
    descriptors: NDArray[Any] = np.zeros((0, 128), np.float32)
    if points:
        points, descriptors = sift.compute(gray, points)
    brightness = gray.astype(np.float32)
    variance = blur(brightness**2) - blur(brightness) ** 2
    return ImageFeatures(
        brightness,
        None if color is None else np.ascontiguousarray(color),
        int((variance > MIN_VARIANCE).sum()),
        np.array([point.pt for point in points], np.float32).reshape(-1, 2),
        np.array([point.size for point in points], np.float32),
        descriptors.astype(np.uint8),
    )


def project_descriptors(images: list[ImageFeatures]) -> list[ImageFeatures]:
    """Project the descriptors of a set of images onto `DIMENSIONS` principal components, of unit length.

    Descriptors are normalized to square roots of fractions first (RootSIFT; Arandjelović and Zisserman, CVPR 2012) and
    centered, so that the scalar product of two descriptors is 1 for equal ones and about 0 for a random pair.
    """
    if not images:
        return []
    step = max(1, sum(len(image.descriptors) for image in images) // 100_000)
    sample = np.concatenate([_root_sift(image.descriptors[::step]) for image in images]).astype(np.float64)
    if len(sample) < 2:
        none = np.zeros((0, DIMENSIONS), np.float32)
        return [replace(one, keypoints=one.keypoints[:0], scales=one.scales[:0], descriptors=none) for one in images]
    mean = sample.mean(0)
    _, axes = np.linalg.eigh(np.cov((sample - mean).T))
    components = axes[:, ::-1][:, :DIMENSIONS].astype(np.float32)
    center = mean.astype(np.float32)
    projected = []
    for image in images:
        descriptors = (_root_sift(image.descriptors) - center) @ components
        descriptors /= np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-9)
        projected.append(replace(image, descriptors=descriptors))
    return projected


def _root_sift(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the square roots of descriptors (P, 128) uint8 that are scaled to a sum of 1."""
    fractions = descriptors / np.maximum(descriptors.sum(1, keepdims=True, dtype=np.float32), 1)
    roots: NDArray[np.float32] = np.sqrt(fractions, dtype=np.float32)
    return roots


def blur(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return the Gaussian mean in a small window around each pixel of (H, W) float32."""
    mean: NDArray[Any] = cv2.GaussianBlur(values, (0, 0), 2.5)
    return mean


def candidate_pairs(images: list[ImageFeatures]) -> list[tuple[int, int]]:
    """Return pairs i < j of images with projected descriptors that may show one scene; all pairs of few images.

    Within a word, the descriptors of an image are summed to one vector, as in aggregated selective match kernels
    (Tolias, Avrithis and Jégou, ICCV 2013). Two images gain by each word in which they are more similar than most
    others are: Lowe's ratio test against the rest of the set instead of the rest of the image, which a facade of equal
    windows would fail.
    """
    count = len(images)
    if count <= MAX_NEIGHBORS + N_RIVALS:
        return list(combinations(range(count), 2))
    votes = _votes(images)
    order = np.argsort(-votes, axis=1, kind="stable")[:, :MAX_NEIGHBORS]
    return sorted({(min(i, j), max(i, j)) for i in range(count) for j in order[i].tolist() if votes[i, j] > 0})


def _votes(images: list[ImageFeatures]) -> NDArray[np.float32]:
    """Return the votes for each pair, (N, N) float32, symmetric, 0 on the diagonal."""
    count = len(images)
    descriptors = np.concatenate([image.descriptors for image in images])
    owner = np.repeat(np.arange(count), [len(image.descriptors) for image in images])
    votes = np.zeros((count, count), np.float32)
    if len(descriptors) == 0:
        return votes
    words = _visual_words(descriptors)
    word = _nearest_word(descriptors, words)
    order = np.argsort(word * count + owner, kind="stable")
    key = (word * count + owner)[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    sums = np.add.reduceat(descriptors[order] - words[word[order]], starts, axis=0)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    bounds = np.searchsorted(key[starts], np.arange(len(words) + 1) * count)
    for first, last in pairwise(bounds.tolist()):
        if last - first < 2:
            continue
        members = key[starts[first:last]] % count
        similarity = sums[first:last] @ sums[first:last].T
        np.fill_diagonal(similarity, 0)
        rival = np.full(len(members), 0.2, np.float32)
        if len(members) > N_RIVALS + 1:
            rank = len(members) - N_RIVALS
            rival = np.maximum(rival, np.partition(similarity, rank, axis=1)[:, rank])
        threshold = np.minimum(np.maximum(rival[:, None], rival[None]), 0.95)
        votes[np.ix_(members, members)] += (np.maximum(0, similarity - threshold) / (1 - threshold)) ** 2
    np.fill_diagonal(votes, 0)
    return votes


def _visual_words(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centers (K, D) float32 of k-means on a sample of the descriptors (P, D) float32."""
    rng = np.random.default_rng(0)
    number = max(1, min(_MAX_WORDS, len(descriptors) // 40))
    chosen = np.sort(rng.choice(len(descriptors), min(len(descriptors), 24 * number), replace=False))
    sample = descriptors[chosen]
    centers = sample[rng.choice(len(sample), number, replace=False)]
    for _ in range(_KMEANS_ROUNDS):
        word = _nearest_word(sample, centers)
        sizes = np.bincount(word, minlength=number)
        members = sparse.csr_matrix((np.ones(len(sample), np.float32), (word, np.arange(len(sample)))))
        members.resize(number, len(sample))
        filled = sizes > 0
        centers[filled] = (members @ sample)[filled] / sizes[filled, None]
    return centers


def _nearest_word(descriptors: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the nearest center (K, D) float32 of each descriptor (P, D) float32: (P,) int64."""
    half = 0.5 * (centers**2).sum(1)
    blocks = np.array_split(descriptors, len(descriptors) // 4096 + 1)
    return np.concatenate([(block @ centers.T - half).argmax(1) for block in blocks])
