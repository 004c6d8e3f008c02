"""How many test images are related to training images, and what a random split would have leaked."""

from typing import Any

from seamline.data.split_warnings import optimism
from seamline.evaluation.findings.inputs import Claim, FindingInputs
from seamline.evaluation.text import capitalize_first, count, pluralize
from seamline.run_folder import SplitInfo


def optimistic_split(inputs: FindingInputs) -> Claim | None:
    """State that metrics are optimistic where other splits show the scenes of the training images, and by how much."""
    split = inputs.split
    if split is None or not (sentence := optimism(split)):
        return None
    values: dict[str, Any] = {
        "blocks": split.grouping.blocks,
        "scenes": split.grouping.scenes,
        "scene_fraction": split.grouping.scene_fraction,
        "shared": split.grouping.shared,
    }
    if split.nearest is not None:
        values |= {"test_to_train": split.nearest.test_to_train, "random_pairs": split.nearest.random_pairs}
    return Claim(f"{capitalize_first(sentence)}.", values)


def leakage(inputs: FindingInputs) -> Claim | None:
    """State how many images have near-duplicates in other splits, and the expected leakage of a random split."""
    split = inputs.split
    if split is None or split.grouping.blocks or not (split.test_with_train_duplicates or split.duplicate_images):
        return None
    by_groups = split.strategy == "groups"
    related, excluded = len(split.test_with_train_duplicates), len(split.excluded_train)
    torn, leaked = split.random.expected_split_groups, split.random.expected_val_leakage
    one, several = group_words(split)
    sentences = []
    if related:
        of = f"{pluralize(related, 'test image')} of {count(inputs.held_out.n_images)}"
        sentence = f"{of} {_have(related)} {several} in training"
        if by_groups:
            what = "the training image" if excluded == 1 else f"the {count(excluded)} training images"
            sentence += f"; {what} in their groups {'was' if excluded == 1 else 'were'} excluded."
        else:
            sentence += ", and these were not excluded: the test metrics may be too optimistic."
        sentences.append(sentence)
    if split.duplicate_images:
        sentences.append(
            f"{pluralize(split.duplicate_images, 'training image')} {_have(split.duplicate_images)} {several} "
            f"among the others. A random split {'would put' if by_groups else 'puts'} {torn:.0f} groups on both sides "
            f"on average, so that {100 * leaked:.0f} % of the validation images have {one} in training"
            f"{'; in this split, none do' if by_groups else ''}."
        )
    values = {
        "test_with_train_duplicates": related,
        "excluded_train": excluded,
        "duplicate_images": split.duplicate_images,
        "expected_split_groups": torn,
        "expected_val_leakage": leaked,
        "strategy": split.strategy,
    }
    return Claim(" ".join(sentences), values)


def group_words(split: SplitInfo) -> tuple[str, str]:
    """Return what an image of the same group is called, in the singular and the plural."""
    if split.grouping.by:
        return "an image of their group", "images of their group"
    return "a near-duplicate", "near-duplicates"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
