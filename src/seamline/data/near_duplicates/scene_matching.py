"""Which images show one scene: crops of one photo, and photos of one building.

Points propose, pixels decide: `candidates` names pairs of images, `alignment` says how they may lie on each other,
`agreement` measures how well they then agree, and the rule is here.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from seamline.data.near_duplicates.clustering import Link
from seamline.data.near_duplicates.features import Picture, describe, shared_space
from seamline.data.near_duplicates.geometric_alignment import Alignment, alignments
from seamline.data.near_duplicates.retrieval import likely_pairs
from seamline.data.near_duplicates.verification import Agreement, agreement

SAME_PIXELS = 0.93
"""Local correlation that three quarters of the textured overlap of two crops of one photo reach.

On the 1,020 facade images this is 0.95 to 1 for crops of one photo and below 0.9 for anything else, whatever the size
of the overlap."""

SAME_SCENE = 0.055
"""Evidence (see `evidence`) from which two photos may show one building, if the bounds below hold too."""

SURE = 0.12
"""Evidence from which a single link may join two large groups."""

LEAST_MEDIAN = 0.48
"""Median local correlation without which two photos are of two buildings, however many points agree. Buildings of one
style with the same rows of windows reach 0.45, photos of one building from two places 0.49 to 0.95."""

LEAST_FAITHFUL = 0.2
"""Share of the agreeing points that are each other's best match in the whole image: facades full of one window agree
at any shift by a window, and best matches then scatter over all of them. For `SAME_PIXELS` half of it is enough."""

FEW = 0.37
"""Share of the points up to which few of them agree at all."""

FAITHFUL_OF_FEW = 0.35
"""What will do instead of `LEAST_FAITHFUL` where few agree, as a multiple of the share that does."""

COLOUR_OF_FEW = 0.7
"""The correlation of colour that is then asked for."""

SURELY_FAITHFUL = 0.3
"""The same share, without which a link counts as doubtful whatever its evidence: see `grouping`."""

LEAST_COLOUR = 0.5
"""Correlation of colour, pixel by pixel, that two photos of one building reach: painted differently, it is another."""

LEAST_COVER = 0.4
"""Share of the detail of one of two photos that the other shows too: a neighbour at the edge is another building."""

BEYOND_DOUBT = 0.3
"""Evidence from which the colour is not asked: two photos may differ by more than white balance."""

_MANY = 20  # agreeing matches from which more of them prove no more


def crop_links(images: Sequence[NDArray[np.uint8]], progress: Callable[[int, int], None] | None = None) -> list[Link]:
    """Find images that show one scene, in part at least.

    Args:
        images: each (H, W, C) uint8, both sides at least 64 pixels.
        progress: called with what is done and what there is to do, in steps of any size.

    Returns:
        Links of the kinds "near" (one image holds all of the other, at its edges too) and "crop".
    """
    total = 2 * len(images)
    told = progress or (lambda done, total: None)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        pictures: list[Picture] = []
        for picture in pool.map(describe, images):
            pictures.append(picture)
            told(len(pictures), total)
        pictures = shared_space(pictures)
        partners = _partners(likely_pairs(pictures), len(images))
        links: list[Link] = []
        for done, found in enumerate(_compared(pool, pictures, partners), 1):
            links += found
            told(len(images) + done, total)
    return links


def _partners(pairs: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Return for each image the later images that it is to be compared with."""
    partners: list[list[int]] = [[] for _ in range(count)]
    for i, j in pairs:
        partners[i].append(j)
    return partners


def _compared(pool: ThreadPoolExecutor, pictures: list[Picture], partners: list[list[int]]) -> Iterator[list[Link]]:
    """Compare each image with its partners; yield the links of one image after the other.

    The likeness of all points is computed here, one image at a time, in a few large products: small ones inside the
    threads of the pool would make the threads of the matrix library fight for the same processors.
    """
    block = 64
    for start in range(0, len(pictures), block):
        waiting = []
        for i in range(start, min(start + block, len(pictures))):
            others = [pictures[j] for j in partners[i]]
            looks = np.concatenate([pictures[i].looks[:0], *(other.looks for other in others)])
            likeness = pictures[i].looks @ looks.T
            waiting.append(pool.submit(_links_of, i, pictures[i], partners[i], others, likeness))
        for result in waiting:
            yield result.result()


def _links_of(
    i: int, picture: Picture, numbers: list[int], others: list[Picture], likeness: NDArray[np.float32]
) -> list[Link]:
    """Compare one image with its partners, given the likeness of its points to all of theirs, side by side."""
    links = []
    ends = np.cumsum([len(other.looks) for other in others])
    for j, other, end in zip(numbers, others, ends, strict=True):
        link = _link(i, j, picture, other, likeness[:, end - len(other.looks) : end])
        if link is not None:
            links.append(link)
    return links


def _link(i: int, j: int, first: Picture, second: Picture, likeness: NDArray[np.float32]) -> Link | None:
    """Return how two images are related, or None where nothing says so."""
    best: tuple[Alignment, Agreement] | None = None
    for found in alignments(first, second, likeness):
        agreed = agreement(first, second, found, likeness)
        if agreed is not None and (best is None or agreed.strength > best[1].strength):
            best = found, agreed
    if best is None:
        return None
    proof = evidence(*best)
    if proof == 0:
        return None
    whole = min(best[1].overlap) > 0.9 and best[1].median > 0.8
    return Link(i, j, "near" if whole else "crop", proof)


def evidence(found: Alignment, agreed: Agreement) -> float:
    """Return how much says that two images show one scene: `inf` for the same pixels, 0 where it is not enough.

    For two photos it is the median local correlation, times the share of points that have their like at the same
    place, times the matches (up to 20) over 20: windows of one make agree in many matches, but neither in the pixels
    between them nor in the rest of the points.
    """
    if agreed.quarter >= SAME_PIXELS and agreed.faithful >= LEAST_FAITHFUL / 2:
        return math.inf
    proof = agreed.median * agreed.shared * min(1.0, found.matches / _MANY)
    if proof < SAME_SCENE or agreed.median < LEAST_MEDIAN:
        return 0.0
    if not _faithful(agreed) or max(agreed.cover) < LEAST_COVER:
        return 0.0
    if agreed.colour < LEAST_COLOUR and proof < BEYOND_DOUBT:
        return 0.0
    return proof if agreed.faithful >= SURELY_FAITHFUL else min(proof, 0.99 * SURE)


def _faithful(agreed: Agreement) -> bool:
    """Whether the points agree because they are the same ones, and not as any window agrees with any other.

    Where few points agree at all, few best matches are to be expected; then the colours must agree the better.
    """
    if agreed.shared > FEW:
        return agreed.faithful >= LEAST_FAITHFUL
    few = agreed.faithful >= FAITHFUL_OF_FEW * agreed.shared and agreed.colour >= COLOUR_OF_FEW
    return agreed.faithful >= LEAST_FAITHFUL or few
