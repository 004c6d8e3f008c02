"""Warnings about how images are grouped and split."""

from seamline.errors import list_first
from seamline.run_folder import GroupingInfo, NearestImages, SplitInfo


def grouping_warnings(split: SplitInfo) -> tuple[str, ...]:
    """Return warnings about how images are grouped for a split, the most serious first."""
    grouping = split.grouping
    warnings = []
    if sentence := optimism(split):
        warnings.append(sentence)
    if grouping.ungrouped:
        warnings.append(
            f"--groups {grouping.by}: {grouping.ungrouped:,} "
            f"{'image has' if grouping.ungrouped == 1 else 'images have'} no group; each counts as a group of its own"
        )
    return tuple(warnings)


NO_TEST_IMAGES = (
    "the data define training and validation images and no test images, so metrics are of the validation images"
)
"""Why there is no test split."""

SPLITS = {"test": "test", "val": "validation"}
"""Splits that are evaluated: name in files -> name in sentences; the most important first."""

ORDERS = {"time": "in blocks of capture time", "name": "in blocks of file order", "random": "at random"}
"""Order of blocks -> how images are split."""


def no_test_reason(split: SplitInfo | None) -> str:
    """Return why there are no test images, and what metrics are of instead."""
    if split is None or not split.too_few_to_test:
        return NO_TEST_IMAGES
    groups = "1 group" if split.groups == 1 else f"{split.groups:,} groups"
    return f"{groups} of related images are too few for test images, so metrics are of the validation images"


def optimism(split: SplitInfo) -> str:
    """Return why, and by how much, metrics are optimistic: other splits show the scenes of training; or nothing."""
    grouping = split.grouping
    if grouping.blocks is not None:
        which = " and ".join(SPLITS[name] for name in grouping.shared)
        parts = [f"{which} metrics are optimistic: images of {_scenes(grouping)} are split {ORDERS[grouping.blocks]}"]
        fix = "group images with --groups, or add other scenes to test on"
    elif grouping.near_duplicates:
        return ""
    else:
        parts = ["metrics may be optimistic: near-duplicates may be in different splits"]
        if grouping.scenes:
            parts.append(f"they link nearly all images, so only the groups of --groups {grouping.by} are kept together")
            fix = "add images of other scenes to test on"
        else:
            parts.append("--no-near-duplicates leaves them out of the groups")
            fix = "leave the option out to keep them together"
    if split.nearest is not None:
        parts.append(_nearest_sentence(split.nearest))
    return "; ".join([*parts, fix])


def _scenes(grouping: GroupingInfo) -> str:
    """Return the scenes whose images are in several splits."""
    if not grouping.scene_fraction:
        per_class = " per class" if len(grouping.block_classes) > 1 else ""
        return f"one scene{per_class} ({list_first(grouping.block_classes)})"
    whole = "all" if grouping.scene_fraction == 1 else f"{grouping.scene_fraction:.0%} of"
    return f"{'one scene' if grouping.scenes == 1 else f'{grouping.scenes} scenes'} ({whole} images)"


def _nearest_sentence(nearest: NearestImages) -> str:
    """State how much test images differ from training images."""
    of = SPLITS[nearest.split]
    return (
        f"a {of} image differs from its nearest training image by {nearest.test_to_train:.1f} gray levels, two random "
        f"images by {nearest.random_pairs:.1f}"
    )
