"""Data leakage: near-duplicates between splits, what was excluded, and what a random split would do."""

from seamline.evaluation.text import count, pluralize
from seamline.report.panel import Content
from seamline.report.run_data import RunData
from seamline.run_folder import DatasetInfo, SplitInfo

MAX_NAMES = 60
"""Names of one kind that the page lists."""

ORIGIN = {
    True: "Groups of near-duplicates were detected in the pixels.",
    False: "The dataset comes with groups of related images; its pixels were not searched.",
}
"""Whether groups were detected -> where they come from."""


def build(run: RunData) -> Content | None:
    """Show groups of near-duplicates and how the split keeps them apart; None for images without any."""
    split, dataset = run.info.split, run.info.dataset
    any_duplicates = split.duplicate_images or split.excluded_train or split.test_with_train_duplicates
    if not any_duplicates and run.info.task == "classification":
        return None
    lists = {
        f"{pluralize(len(names), what)} {how}": names
        for what, how, names in (
            ("training image", "excluded", split.excluded_train),
            ("test image", "with near-duplicates in training", split.test_with_train_duplicates),
        )
        if names
    }
    values = {
        "origin": ORIGIN[split.groups_detected],
        "sentences": [_groups(split, dataset), _validation(split), _test(split, dataset)],
        "split": split,
        "lists": lists,
        "most": MAX_NAMES,
        "facts": _facts(split),
    }
    return Content(values)


def _groups(split: SplitInfo, dataset: DatasetInfo) -> str:
    """State how many training images have near-duplicates."""
    images = dataset.train + dataset.val + len(split.excluded_train)
    if not split.duplicate_images:
        return f"None of the {count(images)} training images has a near-duplicate among them."
    groups = split.groups - (images - split.duplicate_images)  # the others hold one image each
    such = ", such as crops of one scene" if split.groups_detected else ""
    return (
        f"{count(split.duplicate_images)} of the {count(images)} training images have a near-duplicate among them; "
        f"they form {pluralize(groups, 'group')}{such}. "
        f"The largest group has {pluralize(split.largest_group, 'image')}."
    )


def _validation(split: SplitInfo) -> str:
    """State how validation images are drawn."""
    if split.strategy == "images":
        return "Validation images are drawn at random, image by image, without regard to near-duplicates."
    return "Validation images are drawn as whole groups, so no group is in both training and validation."


def _test(split: SplitInfo, dataset: DatasetInfo) -> str:
    """State how many test images have near-duplicates among the training images."""
    n_leaked, n_excluded = len(split.test_with_train_duplicates), len(split.excluded_train)
    of = f"of the {count(dataset.test)} test images"
    if not n_leaked and not n_excluded:
        return f"None {of} has a near-duplicate in training."
    have = "has a near-duplicate" if n_leaked == 1 else "have near-duplicates"
    sentence = f"{count(n_leaked)} {of} {have} among the training images"
    if n_excluded:
        are = "is" if n_excluded == 1 else "are"
        return f"{sentence}; {pluralize(n_excluded, 'training image')} {are} excluded for this reason."
    return f"{sentence}, and no training image is excluded."


def _facts(split: SplitInfo) -> list[tuple[str, str]]:
    """Return all numbers."""
    facts = [
        ("groups of training images, single images included", split.groups),
        ("training images with a near-duplicate", split.duplicate_images),
        ("images in the largest group", split.largest_group),
        ("groups of test images, single images included", split.test_groups),
        ("training images excluded", len(split.excluded_train)),
        ("test images with a near-duplicate in training", len(split.test_with_train_duplicates)),
    ]
    n_split = split.random.expected_split_groups
    return [
        *((name, count(value)) for name, value in facts),
        ("groups that a random split would split, on average", f"{n_split:.1f}" if n_split < 10 else count(n_split)),
    ]
