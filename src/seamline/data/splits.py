"""Training and validation, by group: what belongs together stays together."""

import numpy as np
from numpy.typing import NDArray

_CHANCE_OF_SPLIT = 1  # tells this stream of random numbers from the others made with the same seed


def split_groups(
    labels: NDArray[np.int64], groups: NDArray[np.int64], *, fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose validation images by group, the same share of every class.

    A group counts as the class most frequent in it. Within each class the groups are taken in random order until
    the next one would lead past the share asked for; a class of two groups or more gives at least one.

    Args:
        labels: (N,) int64, the class of each image.
        groups: (N,) int64, equal for images that are related.
        fraction: the share of images to set aside, 0 < fraction < 1.
        seed: the same seed chooses the same images.

    Returns:
        Two sorted int64 arrays of indices into `labels`: training and validation. No group is in both.

    Raises:
        ValueError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"the share of validation images must lie between 0 and 1, got {fraction}")
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.zeros((len(sizes), int(labels.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (group, labels), 1)
    strata = counts.argmax(1)

    chance = np.random.default_rng([_CHANCE_OF_SPLIT, seed])
    aside = np.zeros(len(sizes), dtype=bool)
    for stratum in np.unique(strata):
        members = chance.permutation(np.flatnonzero(strata == stratum))
        running = np.cumsum(sizes[members])
        taken = int(np.count_nonzero(running <= round(fraction * running[-1])))
        aside[members[: max(taken, min(1, len(members) - 1))]] = True
    chosen = aside[group]
    if chosen.all() or not chosen.any():
        raise ValueError(
            f"{len(labels)} images in {len(sizes)} groups are too few to set {fraction:.0%} of each class aside"
        )
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
