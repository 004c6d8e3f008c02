"""Data leakage: near-duplicates between splits, what was excluded, and what a random split would do."""

from seamline.data.split_warnings import no_test_reason
from seamline.evaluation.findings.leakage import group_words
from seamline.evaluation.text import count, pluralize
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.run_folder import DatasetInfo, GroupingInfo, SplitInfo

MAX_NAMES = 60
"""Names of one kind that the page lists."""


def build(run: RunData) -> Content | None:
    """Show groups of near-duplicates and how the split keeps them apart; None for images without any."""
    split, dataset = run.info.split, run.info.dataset
    any_duplicates = split.duplicate_images or split.excluded_train or split.test_with_train_duplicates
    special = split.grouping != GroupingInfo()
    if not any_duplicates and not special and run.info.task == "classification":
        return None
    lists = {
        f"{pluralize(len(names), what)} {how}": names
        for what, how, names in (
            ("training image", "excluded", split.excluded_train),
            ("test image", f"with {group_words(split)[1]} in training", split.test_with_train_duplicates),
        )
        if names
    }
    values = {
        "origin": _origin(split),
        "sentences": []
        if split.grouping.blocks
        else [_groups(split, dataset), _validation(split, dataset), _test(split, dataset)],
        "related": group_words(split)[0],
        "split": split,
        "lists": lists,
        "most": MAX_NAMES,
        "facts": _facts(split, dataset),
    }
    return Content(values)


def _origin(split: SplitInfo) -> str:
    """State where groups come from."""
    grouping = split.grouping
    if not grouping.near_duplicates_searched:
        origin = "Near-duplicates were left out of the groups (--no-near-duplicates)."
    elif split.groups_detected:
        origin = "Groups of near-duplicates were detected in the pixels."
    else:
        origin = "The dataset comes with groups of related images; its pixels were not searched."
    return f"Images are grouped by --groups {grouping.by}. {origin}" if grouping.by else origin


def _groups(split: SplitInfo, dataset: DatasetInfo) -> str:
    """State how many training images have near-duplicates."""
    one, _ = group_words(split)
    images = dataset.train + len(split.excluded_train) + (0 if split.predefined else dataset.val)
    if not split.duplicate_images:
        return f"None of the {count(images)} training images has {one} among them."
    groups = split.groups - (images - split.duplicate_images)  # the others hold one image each
    such = ", such as crops of one scene" if split.groups_detected and not split.grouping.by else ""
    return (
        f"{count(split.duplicate_images)} of the {count(images)} training images have {one} among them; "
        f"they form {pluralize(groups, 'group')}{such}. "
        f"The largest group has {pluralize(split.largest_group, 'image')}."
    )


def _validation(split: SplitInfo, dataset: DatasetInfo) -> str:
    """State how validation images are drawn."""
    if split.strategy == "images":
        return f"Validation images are drawn at random, image by image, without regard to {group_words(split)[1]}."
    if split.predefined:
        excluded = len(split.excluded_train)
        sentence = "Validation images are those that the data define"
        if not excluded or dataset.test:
            return f"{sentence}."
        are = "is" if excluded == 1 else "are"
        related = f"{pluralize(excluded, 'training image')} with {group_words(split)[0]} among them"
        return f"{sentence}; {related} {are} excluded."
    return "Validation images are drawn as whole groups, so no group is in both training and validation."


def _test(split: SplitInfo, dataset: DatasetInfo) -> str:
    """State how many test images have near-duplicates among the training images."""
    if not dataset.test:
        return f"There is no test split: {no_test_reason(split)}."
    one, several = group_words(split)
    n_leaked, n_excluded = len(split.test_with_train_duplicates), len(split.excluded_train)
    of = f"of the {count(dataset.test)} test images"
    if not n_leaked and not n_excluded:
        return f"None {of} has {one} in training."
    have = f"has {one}" if n_leaked == 1 else f"have {several}"
    sentence = f"{count(n_leaked)} {of} {have} among the training images"
    if n_excluded:
        are = "is" if n_excluded == 1 else "are"
        return f"{sentence}; {pluralize(n_excluded, 'training image')} {are} excluded for this reason."
    return f"{sentence}, and no training image is excluded."


def _facts(split: SplitInfo, dataset: DatasetInfo) -> list[tuple[str, str]]:
    """Return all numbers."""
    one = group_words(split)[0]
    facts: list[tuple[str, int]] = [
        ("groups of training images, single images included", split.groups),
        (f"training images with {one}", split.duplicate_images),
        ("images in the largest group", split.largest_group),
        ("training images excluded", len(split.excluded_train)),
    ]
    if dataset.test:
        facts += [
            ("groups of test images, single images included", split.test_groups),
            (f"test images with {one} in training", len(split.test_with_train_duplicates)),
        ]
    nearest: list[tuple[str, str]] = []
    if split.nearest is not None:
        near = f"{split.nearest.test_to_train:.1f}"
        nearest = [
            (f"difference of a {split.nearest.split} image from its nearest training image, in gray levels", near),
            ("difference of two random images, in gray levels", f"{split.nearest.random_pairs:.1f}"),
        ]
    if split.grouping.blocks is not None:  # its groups are blocks, not near-duplicates
        return [
            ("blocks of training and validation images", count(split.groups)),
            *([("blocks of test images", count(split.test_groups))] if dataset.test else []),
            *nearest,
        ]
    n_split = split.random.expected_split_groups
    return [
        *((name, count(value)) for name, value in facts),
        *nearest,
        ("groups that a random split would split, on average", f"{n_split:.1f}" if n_split < 10 else count(n_split)),
    ]
