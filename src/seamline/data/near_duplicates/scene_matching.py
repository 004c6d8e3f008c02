"""Find images of one scene: crops of one photo, and photos of one building.

`features` retrieves candidate pairs, `alignment` aligns a pair and measures how well its pixels agree, and the decision
rule is here.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from seamline.data.limits import MAX_THREADS
from seamline.data.near_duplicates.alignment import Agreement, Alignment, measure_agreement, propose_alignments
from seamline.data.near_duplicates.clustering import Match
from seamline.data.near_duplicates.features import (
    ImageFeatures,
    candidate_pairs,
    extract_features,
    project_descriptors,
)

SAME_PHOTO_CORRELATION = 0.93
"""Local correlation that three quarters of the textured overlap of two crops of one photo reach.

On the 1,020 facade images it is 0.95 to 1 for crops of one photo and below 0.9 for anything else, whatever the size of
the overlap."""

MIN_SCORE = 0.055
"""Score (see `match_score`) from which two photos may show one building, if the other thresholds are met."""

STRONG_MATCH = 0.12
"""Score from which a single match may join two large groups."""

MIN_MEDIAN = 0.48
"""Smallest median local correlation of two photos of one building. Buildings of one style with equal rows of windows
reach 0.45, photos of one building from two positions 0.49 to 0.95."""

MIN_MUTUAL_RATIO = 0.2
"""Smallest `mutual_match_ratio`: facades of equal windows agree at any shift by a window, and nearest neighbors are
then scattered over all of them. For `SAME_PHOTO_CORRELATION`, half of it is enough."""

FEW_SHARED = 0.37
"""Fraction of shared keypoints up to which few keypoints agree at all, so that few are mutual nearest neighbors."""

MUTUAL_RATIO_OF_FEW = 0.35
"""Smallest `mutual_match_ratio` in that case, as a multiple of the fraction of shared keypoints."""

COLOR_OF_FEW = 0.7
"""Smallest correlation of color in that case."""

STRONG_MUTUAL_RATIO = 0.3
"""The `mutual_match_ratio` below which a match is weak, whatever its score."""

MIN_COLOR = 0.5
"""Smallest correlation of color of two photos of one building; a building painted differently is another one."""

MIN_COVER = 0.4
"""Fraction of the texture of one of two photos that the other shows too; a neighbor at the edge shows less."""

COLOR_FREE_SCORE = 0.3
"""Score from which color is not compared: two photos may differ by more than white balance."""

_MAX_COUNTED = 20  # matches above which more of them do not raise the score
_BLOCK = 64  # images whose descriptors are compared before the results are collected


def match_scenes(
    images: Sequence[NDArray[np.uint8]], progress: Callable[[int, int], None] | None = None
) -> list[Match]:
    """Find pairs of images (H, W, C) uint8, both sides at least 64 pixels, that show one scene, at least in part.

    Matches are `near` where one image contains all of the other, else `crop`. `progress` is called with the steps done
    and the total.
    """
    total = 2 * len(images)
    report = progress or (lambda done, total: None)
    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        features: list[ImageFeatures] = []
        for one in pool.map(extract_features, images):
            features.append(one)
            report(len(features), total)
        features = project_descriptors(features)
        partners: list[list[int]] = [[] for _ in images]
        for i, j in candidate_pairs(features):
            partners[i].append(j)
        matches: list[Match] = []
        for done, of_image in enumerate(_match_images(pool, features, partners), 1):
            matches += of_image
            report(len(images) + done, total)
    return matches


def _match_images(
    pool: ThreadPoolExecutor, features: list[ImageFeatures], partners: list[list[int]]
) -> Iterator[list[Match]]:
    """Compare each image with its partners, and yield the matches of one image after the other.

    Descriptors are compared here, one image at a time, in a few large matrix products: small ones in the threads of
    the pool would compete with the threads of the matrix library.
    """
    for start in range(0, len(features), _BLOCK):
        pending = []
        for i in range(start, min(start + _BLOCK, len(features))):
            others = [features[j] for j in partners[i]]
            descriptors = np.concatenate([features[i].descriptors[:0], *(other.descriptors for other in others)])
            similarity = features[i].descriptors @ descriptors.T
            pending.append(pool.submit(_match_image, i, features[i], partners[i], others, similarity))
        for result in pending:
            yield result.result()


def _match_image(
    i: int, features: ImageFeatures, numbers: list[int], others: list[ImageFeatures], similarity: NDArray[np.float32]
) -> list[Match]:
    """Compare one image with others, given the similarity of its P keypoints to all of theirs, (P, Q1 + Q2 + …)."""
    matches = []
    ends = np.cumsum([len(other.descriptors) for other in others])
    for j, other, end in zip(numbers, others, ends, strict=True):
        match = _match_pair(i, j, features, other, similarity[:, end - len(other.descriptors) : end])
        if match is not None:
            matches.append(match)
    return matches


def _match_pair(
    i: int, j: int, first: ImageFeatures, second: ImageFeatures, similarity: NDArray[np.float32]
) -> Match | None:
    """Return the match of images i and j, or None; `similarity` (P, Q) is that of their keypoints."""
    best: tuple[Alignment, Agreement] | None = None
    for alignment in propose_alignments(first, second, similarity):
        agreement = measure_agreement(first, second, alignment, similarity)
        if agreement is not None and (best is None or agreement.strength > best[1].strength):
            best = alignment, agreement
    if best is None:
        return None
    score = match_score(*best)
    if score == 0:
        return None
    is_whole = min(best[1].overlap) > 0.9 and best[1].median > 0.8
    return Match(i, j, "near" if is_whole else "crop", score)


def match_score(alignment: Alignment, agreement: Agreement) -> float:
    """Return the score of a match: `inf` for the same photo, 0 where two images do not show one scene.

    For two photos it is the median local correlation, times the fraction of shared keypoints, times the number of
    matches (at most 20) over 20. Windows of one type agree in many matches, but neither in the pixels between them nor
    in the other keypoints.
    """
    ratio = agreement.mutual_match_ratio
    if agreement.lower_quartile >= SAME_PHOTO_CORRELATION and ratio >= MIN_MUTUAL_RATIO / 2:
        return math.inf
    score = agreement.median * agreement.shared * min(1.0, alignment.matches / _MAX_COUNTED)
    if score < MIN_SCORE or agreement.median < MIN_MEDIAN:
        return 0.0
    if not _has_mutual_matches(agreement) or max(agreement.cover) < MIN_COVER:
        return 0.0
    if agreement.color < MIN_COLOR and score < COLOR_FREE_SCORE:
        return 0.0
    return score if ratio >= STRONG_MUTUAL_RATIO else min(score, 0.99 * STRONG_MATCH)


def _has_mutual_matches(agreement: Agreement) -> bool:
    """Return whether keypoints agree because they are the same, and not as one window agrees with another.

    Where few keypoints agree at all, few mutual nearest neighbors are expected, and colors must agree better.
    """
    if agreement.mutual_match_ratio >= MIN_MUTUAL_RATIO:
        return True
    return (
        agreement.shared <= FEW_SHARED
        and agreement.mutual_match_ratio >= MUTUAL_RATIO_OF_FEW * agreement.shared
        and agreement.color >= COLOR_OF_FEW
    )
