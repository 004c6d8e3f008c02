"""Candidate pairs of images for scene matching, retrieved by their descriptors.

An inverted index: descriptors are quantized to visual words, and only descriptors of one word are compared.
`scene_matching` verifies every pair.
"""

from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from seamline.data.near_duplicates.features import ImageFeatures

MAX_NEIGHBORS = 10
"""Candidates for each image."""

N_RIVALS = 12
"""A similarity counts only as far as it exceeds that of this many other images, which discounts common features."""

_MAX_WORDS = 1024
_KMEANS_ROUNDS = 5


def candidate_pairs(images: list[ImageFeatures]) -> list[tuple[int, int]]:
    """Return pairs of images that may show one scene.

    Within a word, the descriptors of an image are summed to one vector, as in aggregated selective match kernels
    (Tolias, Avrithis and Jégou, ICCV 2013). Two images gain by each word in which they are more similar than most
    others are: Lowe's ratio test against the rest of the set instead of the rest of the image, which a facade of equal
    windows would fail.

    Args:
        images: features as `project_descriptors` returns them.

    Returns:
        Pairs i < j, sorted; all pairs for few images.
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
