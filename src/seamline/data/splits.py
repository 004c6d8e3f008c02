"""Training and validation, by group: what belongs together stays together."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from seamline.data.dataset import Dataset, Split

By = Literal["groups", "images"]

TEST = 0.2
"""The share of images that is set aside for the test where a dataset names none."""

_CHANCE_OF_SPLIT = 1  # tells this stream of random numbers from the others made with the same seed


@dataclass(frozen=True, eq=False)
class Splits:
    """What a dataset's training images are used for.

    Attributes:
        learned: the images to learn from.
        aside: the images to validate on.
        facts: how it was done and what it avoided, as `run.json` holds it.
    """

    learned: Split
    aside: Split
    facts: dict[str, Any]


def train_val_split(data: Dataset, *, fraction: float, seed: int, by: By = "groups") -> Splits:
    """Choose what to learn from and what to validate on.

    Training images with relatives in the test set are left out. Where the dataset names its validation images, those
    are used, and what is related to them is left out too. By groups, no group is on both sides of the rest. By
    images, groups are not looked at there: that is the split that flatters, and is there to be compared with; because
    the same images are left out, both learn nothing of the test images.

    Args:
        data: the dataset, its groups numbered alike in training and test.
        fraction: the share of training images to set aside, 0 < fraction < 1.
        seed: the same seed chooses the same images.
        by: `groups` or `images`.

    Raises:
        ValueError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    train, test = data.train, data.test
    elsewhere = test.groups
    if data.val is not None and by == "groups":
        elsewhere = np.concatenate([test.groups, data.val.groups])
    related = np.isin(train.groups, elsewhere)
    kept = np.flatnonzero(~related)
    if data.val is None:
        groups = train.groups[kept] if by == "groups" else np.arange(len(kept))
        learned, aside = split_groups(_strata(data, kept), groups, fraction=fraction, seed=seed)
        parts = train.take(kept[learned]), train.take(kept[aside])
    else:
        parts = train.take(kept), data.val.take(np.flatnonzero(~np.isin(data.val.groups, test.groups)))
        fraction = len(parts[1]) / max(1, len(parts[0]) + len(parts[1]))
    if not len(parts[0]) or not len(parts[1]):
        raise ValueError("every image to learn from, or to validate on, is related to one elsewhere; nothing is left")
    sizes = np.unique(train.groups, return_counts=True)[1]
    everywhere = np.unique(np.concatenate([train.groups, test.groups]), return_counts=True)[1]
    torn, val_related = random_split(sizes, max(1, round(fraction * len(train))))
    facts: dict[str, Any] = {
        "fraction": fraction,
        "seed": seed,
        "by": by,
        "groups": len(sizes),
        "grouped_images": int(sizes[sizes > 1].sum()),
        "largest_group": int(everywhere.max()),
        "left_out": [train.names[place] for place in np.flatnonzero(related)],
        "test_related": [test.names[place] for place in np.flatnonzero(np.isin(test.groups, train.groups))],
        "test_groups": len(np.unique(test.groups)),
        "random": {"torn_groups": torn, "val_related": val_related},
    }
    if data.val is not None:
        facts["given"] = True
        facts["left_out"] += [name for name in data.val.names if name not in set(parts[1].names)]
    return Splits(*parts, facts)


def ensure_test_split(data: Dataset) -> Dataset:
    """Return a dataset that has test images: where it names none, a share of its groups is set aside, once and for all.

    Raises:
        ValueError: there are too few.
    """
    if len(data.test):
        return data
    everything = np.arange(len(data.train))
    learned, aside = split_groups(_strata(data, everything), data.train.groups, fraction=TEST, seed=0)
    if data.val is not None:  # what is related to validation images is no honest test
        aside = aside[~np.isin(data.train.groups[aside], data.val.groups)]
    return replace(data, train=data.train.take(learned), test=data.train.take(aside))


def _strata(data: Dataset, kept: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
    """Return the class of each training image at `kept`; masks are all of one."""
    return np.zeros(len(kept), dtype=np.int64) if data.segments else data.train.labels[kept]


def random_split(sizes: NDArray[np.int64], aside: int) -> tuple[float, float]:
    """Return what a split that does not look at groups would do, the mean over all such splits.

    Of N images `aside` are drawn; a group of s images is torn unless none or all of them are among those, and the
    chances of both are hypergeometric.

    Args:
        sizes: (G,) images in each group.
        aside: images that are drawn.

    Returns:
        The expected number of groups with images on both sides, and the expected share of the drawn images that
        have a relative among the others.
    """
    count = int(sizes.sum())
    none_drawn = np.exp(_log_choose(count - sizes, aside) - _log_choose(count, aside))
    all_drawn = np.exp(_log_choose(count - sizes, aside - sizes) - _log_choose(count, aside))
    torn = float(np.sum(1 - none_drawn - all_drawn))
    whole = np.exp(_log_choose(count - sizes, aside - sizes) - _log_choose(count - 1, aside - 1))  # given one is drawn
    return torn, float(np.sum(sizes / count * (1 - whole)))


def _log_choose(of: Any, taken: Any) -> Any:
    """Return the logarithm of the binomial coefficient, minus infinity where it is 0."""
    possible = (np.asarray(taken) >= 0) & (np.asarray(taken) <= of)
    drawn = np.where(possible, taken, 0)
    return np.where(possible, gammaln(of + 1) - gammaln(drawn + 1) - gammaln(of - drawn + 1), -np.inf)


def split_groups(
    labels: NDArray[np.integer[Any]], groups: NDArray[np.int64], *, fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose validation images by group, the same share of every class.

    A group counts as the class most frequent in it. Within each class the groups are taken in random order until
    the next one would lead past the share asked for; a class of two groups or more gives at least one.

    Args:
        labels: (N,) integers, the class of each image.
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
