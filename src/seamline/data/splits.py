"""Training, validation and test splits that keep groups of related images together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import numpy as np
import scipy
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.run_folder import RandomSplit, SplitInfo

SplitStrategy = Literal["groups", "images"]

TEST_FRACTION = 0.2
"""Fraction of the images used for the test split where a dataset defines none."""
MIN_TEST_GROUPS = 10
"""Groups of related images below which a few corrected photos give no test images, of each class of whole images: a
fifth of fewer would be one group, which measures nothing and is missing from those that are learned from."""
VAL_FRACTION = 0.1
"""Fraction of the training images used for the validation split by default."""

ALL_RELATED = (
    "no images are left for training or for validation: all are related to images of other splits; add unrelated "
    "images, or leave out the folders or the column of splits"
)
"""The error of images that cannot be split."""

_SPLIT_STREAM = 1  # distinguishes this random stream from others with the same seed


@dataclass(frozen=True, eq=False)
class Splits:
    """The images to train on, those to validate on, and how they were split, and which leakage that avoids."""

    train: Split
    val: Split
    metadata: SplitInfo


def train_val_split(data: Dataset, *, fraction: float, seed: int, strategy: SplitStrategy = "groups") -> Splits:
    """Split the training images into training and validation images.

    Training images related to a test image are excluded. A validation split that the dataset defines is used as it
    is, without images related to test images; training images related to it are excluded too.

    With the strategy `groups` no group is on both sides. The strategy `images` ignores groups, which flatters the
    validation metrics; it exists for comparison, and excludes the same training images, so that both strategies see
    the same test images as new.

    Args:
        data: the dataset, with groups numbered alike in all splits.
        fraction: fraction of the training images used for validation, 0 < fraction < 1.
        seed: seed of the split.
        strategy: `groups` or `images`.

    Returns:
        The splits and their description.

    Raises:
        ValueError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    train, test = data.train, data.test
    reserved = test.groups
    if data.val is not None and strategy == "groups":
        reserved = np.concatenate([test.groups, data.val.groups])
    excluded = np.isin(train.groups, reserved)
    usable = np.flatnonzero(~excluded)
    if not len(usable):
        raise ValueError(ALL_RELATED)
    excluded_names = [train.names[index] for index in np.flatnonzero(excluded)]
    if data.val is None:
        by_groups = strategy == "groups"
        chosen_train, chosen_val = stratified_group_split(
            strata(data, train)[usable],
            train.groups[usable] if by_groups else np.arange(len(usable)),
            fraction=fraction,
            seed=seed,
            ordered=_ordered_strata(data) if by_groups else (),
        )
        train_split, val_split = train.select(usable[chosen_train]), train.select(usable[chosen_val])
    else:
        train_split = train.select(usable)
        val_split = data.val.select(np.flatnonzero(~np.isin(data.val.groups, test.groups)))
        used = set(val_split.names)
        excluded_names += [name for name in data.val.names if name not in used]
        fraction = len(val_split) / max(1, len(train_split) + len(val_split))
    if not len(train_split) or not len(val_split):
        raise ValueError(ALL_RELATED)
    description = describe_split(data, excluded_names, fraction, seed)
    return Splits(train_split, val_split, msgspec.structs.replace(description, strategy=strategy))


def describe_split(data: Dataset, excluded_names: Sequence[str], fraction: float, seed: int) -> SplitInfo:
    """Describe how a dataset was split by groups, `fraction` of the images for validation."""
    train, test = data.train, data.test
    sizes = np.unique(train.groups, return_counts=True)[1]
    return SplitInfo(
        fraction=fraction,
        seed=seed,
        predefined=data.val is not None,
        groups_detected=data.groups_detected,
        groups=len(sizes),
        duplicate_images=int(sizes[sizes > 1].sum()),
        largest_group=int(np.unique(np.concatenate([train.groups, test.groups]), return_counts=True)[1].max()),
        test_groups=len(np.unique(test.groups)),
        excluded_train=tuple(excluded_names),
        test_with_train_duplicates=tuple(
            test.names[index] for index in np.flatnonzero(np.isin(test.groups, train.groups))
        ),
        random=expected_random_leakage(sizes, max(1, round(fraction * len(train)))),
        grouping=data.grouping,
        too_few_to_test=data.too_few_to_test,
    )


def ensure_test_split(data: Dataset) -> Dataset:
    """Return a dataset with held-out images; where it defines none, a fixed fifth of the groups becomes the test split.

    A dataset that defines validation images and no test images has no test split: whoever divided it in two has chosen
    what to train on. One that is `too_few_to_test` has none either.

    Raises:
        ValueError: there are too few images.
    """
    if len(data.test) or data.val is not None or data.too_few_to_test:
        return data
    train, test = _draw_test(data)
    return replace(data, train=data.train.select(train), test=data.train.select(test))


def _draw_test(data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the training images that remain, and of those that become the test split."""
    return stratified_group_split(
        strata(data, data.train), data.train.groups, fraction=TEST_FRACTION, seed=0, ordered=_ordered_strata(data)
    )


def can_split(data: Dataset) -> bool:
    """Return whether the groups suffice for training, validation and test images; nothing is decoded or copied."""
    train = np.flatnonzero(~np.isin(data.train.groups, data.test.groups))
    stratum = strata(data, data.train)
    try:
        if data.val is None:
            if not len(data.test) and not data.too_few_to_test:
                train, _ = _draw_test(data)
            stratified_group_split(stratum[train], data.train.groups[train], fraction=VAL_FRACTION, seed=0)
            return True
    except ValueError:
        return False
    others = ~np.isin(data.val.groups, data.test.groups)
    return bool(others.any()) and not np.isin(data.train.groups[train], data.val.groups).all()


def strata(data: Dataset, split: Split) -> NDArray[np.integer[Any]]:
    """Return the stratum of each image of a split, (n,) integers: its class.

    Images with masks form one stratum, as images do that are too few to test on; where masks are split in blocks, the
    stratum of an image is the class of its mask that the fewest images show.
    """
    if data.too_few_to_test:
        return np.zeros(len(split), np.int64)
    if data.task == "classification":
        return np.asarray(split.labels[:])
    if data.grouping.blocks is None:
        return np.zeros(len(split), np.int64)
    shown = np.zeros((len(split), len(data.classes)), bool)
    for index in range(len(split)):
        values = np.unique(split.labels[index])
        shown[index, values[values != IGNORE_INDEX]] = True
    rarity = np.where(shown, shown.sum(0), len(split) + 1)
    rarest: NDArray[np.int64] = rarity.argmin(1)
    return rarest


def _ordered_strata(data: Dataset) -> tuple[int, ...]:
    """Return the strata whose groups are blocks in order."""
    if data.grouping.blocks in (None, "random"):
        return ()
    return tuple(number for number, name in enumerate(data.classes) if name in data.grouping.block_classes)


def expected_random_leakage(sizes: NDArray[np.int64], drawn: int) -> RandomSplit:
    """Return what a split that ignores groups would do, in closed form: the mean over all such splits.

    `drawn` of N images are drawn, from groups of `sizes` (G,) int64. A group of s images is split unless none or all of
    its images are drawn; both probabilities are hypergeometric.
    """
    count = int(sizes.sum())
    none_drawn = np.exp(_log_binomial(count - sizes, drawn) - _log_binomial(count, drawn))
    all_drawn = np.exp(_log_binomial(count - sizes, drawn - sizes) - _log_binomial(count, drawn))
    others_drawn = np.exp(_log_binomial(count - sizes, drawn - sizes) - _log_binomial(count - 1, drawn - 1))
    return RandomSplit(
        expected_split_groups=max(0.0, float(np.sum(1 - none_drawn - all_drawn))),  # rounding errors may be negative
        expected_val_leakage=float(np.sum(sizes / count * (1 - others_drawn))),
    )


def _log_binomial(n: Any, k: Any) -> Any:
    """Return the logarithm of the binomial coefficient, minus infinity where it is 0."""
    possible = (np.asarray(k) >= 0) & (np.asarray(k) <= n)
    k = np.where(possible, k, 0)
    return np.where(
        possible,
        scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1),
        -np.inf,
    )


def stratified_group_split(
    labels: NDArray[np.integer[Any]],
    groups: NDArray[np.int64],
    *,
    fraction: float,
    seed: int,
    ordered: Collection[int] = (),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split images by group, with the same fraction of every class.

    The class of a group is the most frequent one in it. Within each class, groups are drawn in random order until
    the next one would exceed the fraction; a class of two groups or more gives at least one.

    Args:
        labels: (N,) integers, the class of each image.
        groups: (N,) int64, equal for related images.
        fraction: fraction of the images on the second side, 0 < fraction < 1.
        seed: seed of the random order.
        ordered: classes whose groups are drawn from the highest number down, instead of in random order.

    Returns:
        Two sorted int64 arrays of indices: training and validation. No group is in both.

    Raises:
        ValueError: `fraction` is not between 0 and 1, or one side would be empty.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"the fraction of validation images must be between 0 and 1, got {fraction}")
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.zeros((len(sizes), int(labels.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (group, labels), 1)
    stratum_of_group = counts.argmax(1)

    rng = np.random.default_rng([_SPLIT_STREAM, seed])
    drawn = np.zeros(len(sizes), dtype=bool)
    for stratum in np.unique(stratum_of_group).tolist():
        members = np.flatnonzero(stratum_of_group == stratum)
        members = members[::-1] if stratum in ordered else rng.permutation(members)
        totals = np.cumsum(sizes[members])
        fitting = int(np.count_nonzero(totals <= round(fraction * totals[-1])))
        drawn[members[: max(fitting, min(1, len(members) - 1))]] = True
    is_val = drawn[group]
    if is_val.all() or not is_val.any():
        unrelated = ("", "")
        if len(sizes) < len(labels):
            unrelated = (f" in {len(sizes):,} groups of related images", "unrelated ")
        raise ValueError(
            f"{len(labels):,} images{unrelated[0]} are too few for training, validation and test images; add "
            f"{unrelated[1]}images until each class has three or more"
        )
    return np.flatnonzero(~is_val), np.flatnonzero(is_val)
