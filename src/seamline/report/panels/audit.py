"""Are the images independent of each other: what was found, what was left out, and what chance would have done."""

from collections.abc import Mapping
from typing import Any

from seamline.report.contents import Contents
from seamline.report.panels.panel import Panel
from seamline.report.words import count, percent, several

NAMES = 60
"""Names of one kind that the page lists."""

KNOWN = {
    True: "Related images were found by their pixels and form groups.",
    False: "The dataset came with groups of related images; its pixels were not searched.",
    None: "Related images form groups.",
}
"""Whether groups were found in the pixels, as far as the run tells -> how it is known which images are related."""


def audit(run: Contents) -> Panel | None:
    """Say how many groups of related images there are and how they were kept apart."""
    split = run.run.get("split") or {}
    related = any(split.get(key) for key in ("grouped_images", "left_out", "test_related"))
    if "random" not in split or not (related or run.masks):
        return None
    sentences = [*_groups(split, run), *_split(split), *_test(split, run)]
    lists = [
        {"title": f"{several(len(names), what)} {how}", "names": names[:NAMES], "more": max(len(names) - NAMES, 0)}
        for what, how, names in (
            ("training image", "left out", split.get("left_out") or []),
            ("test image", "with relatives among the training images", split.get("test_related") or []),
        )
        if names
    ]
    values = {
        "known": KNOWN[split.get("searched")],
        "sentences": sentences,
        "bars": _bars(split),
        "lists": lists,
        "facts": _facts(split),
    }
    return Panel("audit", "Are the images independent", values)


def _groups(split: Mapping[str, Any], run: Contents) -> list[str]:
    """Say what was found among the training images."""
    groups, grouped = split.get("groups"), split.get("grouped_images")
    if groups is None:
        return []
    data = run.run["dataset"]
    images = (data.get("train") or 0) + (data.get("val") or 0) + len(split.get("left_out") or ())
    if not grouped:
        found = "were found to be related" if split.get("searched") else "stand in one group"
        return [f"No two of the {count(images)} training images {found}."]
    of_relatives = groups - (images - grouped)  # the others hold one image each
    such = ", such as several crops of one scene" if split.get("searched") else ""
    sentence = (
        f"{count(grouped)} of the {count(images)} training images have at least one relative among them; they form "
        f"{several(of_relatives, 'group')} of related images{such}"
    )
    largest = split.get("largest_group")
    return [f"{sentence}, and the largest group holds {several(largest, 'image')}." if largest else f"{sentence}."]


def _split(split: Mapping[str, Any]) -> list[str]:
    """Say how validation images were taken, and what a random split would have done."""
    random = split.get("random") or {}
    torn, related = random.get("torn_groups"), random.get("val_related")
    if split.get("by") == "images":
        sentence = "This recipe splits at random, image by image"
        if related is None:
            return [f"{sentence}."]
        return [
            f"{sentence}: on average over such splits {percent(related)} of the validation images have a relative "
            f"among the images learned from, so validation figures are too good."
        ]
    sentences = ["Validation images were taken by whole groups, so that no group stands on both sides."]
    if torn is not None and related is not None and torn > 0:
        sentences.append(
            f"A random split of the same size would on average have torn {_about(torn)} apart and given "
            f"{percent(related)} of the validation images a relative among the images learned from."
        )
    return sentences


def _test(split: Mapping[str, Any], run: Contents) -> list[str]:
    """Say what the test images have to do with the training images."""
    test = run.run["dataset"].get("test")
    of = f" of the {count(test)} test images" if test else " test images"
    related, left = split.get("test_related") or [], split.get("left_out") or []
    if not related and not left:
        return [f"None{of} has a relative among the training images." if test else "No test image has such a relative."]
    have = "has a relative" if len(related) == 1 else "have relatives"
    sentence = f"{count(len(related))}{of} {have} among the training images"
    if left:
        those = "was" if len(left) == 1 else "were"
        return [f"{sentence}; so {several(len(left), 'training image')} {those} left out, and the test stays honest."]
    return [f"{sentence}, and none was left out: the test figures are partly of images that the network half knows."]


def _about(torn: float) -> str:
    """Print a mean number of groups."""
    return f"{torn:.1f} groups" if torn < 10 else f"{count(torn)} groups"


def _bars(split: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Prepare the share of validation images with a relative, by chance and in this run."""
    related = (split.get("random") or {}).get("val_related")
    if related is None or split.get("by") == "images":
        return []
    return [
        {"title": "a random split", "value": related, "text": percent(related), "ours": False},
        {"title": "this run's split", "value": 0.0, "text": percent(0.0), "ours": True},
    ]


def _facts(split: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Gather the plain numbers."""
    facts = [
        ("groups of training images, those of one image included", split.get("groups")),
        ("training images with a relative", split.get("grouped_images")),
        ("images in the largest group", split.get("largest_group")),
        ("groups of test images, those of one image included", split.get("test_groups")),
        ("training images left out", len(split.get("left_out") or ())),
        ("test images with a relative in training", len(split.get("test_related") or ())),
    ]
    return [(name, count(value)) for name, value in facts if value is not None]
