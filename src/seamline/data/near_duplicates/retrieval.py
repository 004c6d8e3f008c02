"""Which pairs of images are worth a closer look: each image's nearest by what their points look like.

An inverted index: points are sorted into words, and only points of one word are compared. Nothing here is decided
for good; `crops` looks at every pair that is named here.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from seamline.data.near_duplicates.features import Picture

NEAREST = 10
"""Partners named for each image."""

RIVALS = 12
"""A likeness counts by how far it stands above that of this many other images: what all have counts nothing."""

_WORDS = 1024
_ROUNDS = 5


def likely_pairs(pictures: list[Picture]) -> list[tuple[int, int]]:
    """Name the pairs of images that may show one scene.

    Within a word the points of an image are summed up to one vector, as in aggregated selective match kernels
    (Tolias, Avrithis and Jégou, ICCV 2013). Two images gain by each word in which they are more alike than with
    most others: the ratio test of Lowe, against the rest of the set instead of the rest of the image, which a facade
    of equal windows would fail.

    Args:
        pictures: as `shared_space` gives them.

    Returns:
        Pairs i < j in ascending order; all of them where the images are few.
    """
    count = len(pictures)
    if count <= NEAREST + RIVALS:
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    votes = _votes(pictures)
    order = np.argsort(-votes, axis=1, kind="stable")[:, :NEAREST]
    named = {(min(i, j), max(i, j)) for i in range(count) for j in order[i].tolist() if votes[i, j] > 0}
    return sorted(named)


def _votes(pictures: list[Picture]) -> NDArray[np.float32]:
    """Return (N, N) float32, how much speaks for each pair; symmetric, 0 on the diagonal."""
    count = len(pictures)
    looks = np.concatenate([picture.looks for picture in pictures])
    owner = np.repeat(np.arange(count), [len(picture.looks) for picture in pictures])
    votes = np.zeros((count, count), np.float32)
    if len(looks) == 0:
        return votes
    words = _words(looks)
    word = _nearest(looks, words)
    order = np.argsort(word * count + owner, kind="stable")
    key = (word * count + owner)[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    sums = np.add.reduceat(looks[order] - words[word[order]], starts, axis=0)
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    bounds = np.searchsorted(key[starts], np.arange(len(words) + 1) * count)
    for first, last in pairwise(bounds.tolist()):
        if last - first < 2:
            continue
        images = key[starts[first:last]] % count
        alike = sums[first:last] @ sums[first:last].T
        np.fill_diagonal(alike, 0)
        usual = np.full(len(images), 0.2, np.float32)
        if len(images) > RIVALS + 1:
            usual = np.maximum(usual, np.partition(alike, len(images) - RIVALS, axis=1)[:, len(images) - RIVALS])
        bar = np.minimum(np.maximum(usual[:, None], usual[None]), 0.95)
        votes[np.ix_(images, images)] += (np.maximum(0, alike - bar) / (1 - bar)) ** 2
    np.fill_diagonal(votes, 0)
    return votes


def _words(looks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centres (K, D) of k-means on a sample of the points."""
    chance = np.random.default_rng(0)
    number = max(1, min(_WORDS, len(looks) // 40))
    sample = looks[np.sort(chance.choice(len(looks), min(len(looks), 24 * number), replace=False))]
    centres = sample[chance.choice(len(sample), number, replace=False)]
    for _ in range(_ROUNDS):
        word = _nearest(sample, centres)
        sizes = np.bincount(word, minlength=number)
        members = sparse.csr_matrix((np.ones(len(sample), np.float32), (word, np.arange(len(sample)))))
        members.resize(number, len(sample))
        filled = sizes > 0
        centres[filled] = (members @ sample)[filled] / sizes[filled, None]
    return centres


def _nearest(looks: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (P,) int64, the nearest centre of each point."""
    half = 0.5 * (centres**2).sum(1)
    blocks = np.array_split(looks, len(looks) // 4096 + 1)
    return np.concatenate([(block @ centres.T - half).argmax(1) for block in blocks])
