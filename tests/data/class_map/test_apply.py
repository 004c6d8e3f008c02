"""Class maps on datasets: masks, labels of images, changes of a built-in map."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.data.class_map.apply import ClassMapError, map_classes, merge_target, update_map
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.dataset import Dataset, Split
from seamline.data.lazy_array import LazyArray
from seamline.run_folder import ClassMap, ReferenceResult

NAMES = ("sky", "wall", "window", "door")
COLORS = ((0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3))


def split(labels: Any, lazy: bool = False) -> Split:
    """A split of blank images with labels (N,) or (N, H, W)."""
    labels = np.array(labels)
    size = labels.shape[1:] or (4, 4)
    images = np.zeros((len(labels), *size, 3), np.uint8)
    array = LazyArray(labels.astype(np.uint8)) if lazy else labels.astype(np.uint8 if labels.ndim > 1 else np.int64)
    return Split(images, array, tuple(map(str, range(len(labels)))), np.arange(len(labels)))


def masks(lazy: bool = False, **fields: Any) -> Dataset:
    """A dataset of two masks with all four classes and ignored pixels."""
    labels = [[[0, 1], [2, 3]], [[255, 3], [3, 1]]]
    return Dataset(
        "m", "M", NAMES, split(labels, lazy), split(labels[:1]), "memory", task="segmentation", palette=COLORS, **fields
    )


@pytest.mark.parametrize("lazy", [False, True])
def test_masks_are_renamed_merged_and_ignored(lazy: bool) -> None:
    class_map = ClassMap(classes={"window": "glass", "door": "glass"}, ignore=("sky",))
    data = map_classes(masks(lazy), class_map)
    assert data.classes == ("wall", "glass")
    assert data.palette == (COLORS[1], COLORS[2])
    expected = [[[255, 0], [1, 1]], [[255, 1], [1, 0]]]
    np.testing.assert_array_equal(data.train.labels[:], expected)
    assert isinstance(data.train.labels, LazyArray) == lazy
    np.testing.assert_array_equal(data.train.select(np.array([1])).labels[:], expected[1:])
    np.testing.assert_array_equal(data.train.concat(data.train).labels[:], [*expected, *expected])
    assert data.class_map == class_map
    assert data.class_counts["train"].tolist() == [2, 4]


def test_the_palette_gives_colors_and_order() -> None:
    class_map = ClassMap(classes={"door": "wall"}, palette={"window": (9, 9, 9), "wall": (8, 8, 8)})
    data = map_classes(masks(), class_map)
    assert data.classes == ("window", "wall", "sky")
    assert data.palette == ((9, 9, 9), (8, 8, 8), COLORS[0])
    np.testing.assert_array_equal(data.test.labels[0], [[2, 1], [0, 1]])


def test_published_results_stay_only_where_labels_do() -> None:
    result = ReferenceResult(
        name="r", source="s", images=1, input_size=(2, 2), metric="ap", overall=0.5, per_class={"wall": 0.5}
    )
    data = masks(reference_results=(result,))
    assert map_classes(data, ClassMap(merged={"tree": "sky"})).reference_results == (result,)
    assert map_classes(data, ClassMap(classes={"wall": "facade"})).reference_results == ()
    assert map_classes(data, ClassMap()) is data


def test_images_of_ignored_classes_are_left_out_and_counted() -> None:
    train, test = split([0, 1, 2, 3, 0]), split([3, 1])
    data = Dataset("c", "C", NAMES, train, test, "memory", task="classification", val=split([2]))
    mapped = map_classes(data, ClassMap(classes={"window": "wall"}, ignore=("sky",)))
    assert mapped.classes == ("wall", "door")
    assert (mapped.train.labels.tolist(), mapped.train.names) == ([0, 0, 1], ("1", "2", "3"))
    assert mapped.test.labels.tolist() == [1, 0]
    assert mapped.val is not None
    assert mapped.val.labels.tolist() == [0]
    (unused,) = mapped.unused
    assert (unused.count, unused.fraction, unused.example) == (2, 0.25, "0")
    assert unused.sentence == "2 images of sky (25.0%), such as 0: the class map ignores their class"


@pytest.mark.parametrize(
    ("class_map", "message"),
    [
        (
            ClassMap(classes={"windw": "glass"}),
            "classes names 'windw', which is no class; did you mean 'window'? There are sky, wall, window, door",
        ),
        (ClassMap(ignore=("tree",)), "ignore names 'tree', which is no class; There are sky, wall, window, door"),
        (ClassMap(classes={"sky": "air"}, ignore=("sky",)), "both renames and ignores 'sky'; keep one of them"),
        (ClassMap(ignore=("sky", "wall", "door")), "leaves 1 classes; two or more are needed"),
        (ClassMap(merged={"door": "wall"}), "merged names 'door', which is one of the classes"),
        (
            ClassMap(merged={"pillar": "facade"}),
            "merged makes 'pillar' a part of 'facade', which is no class; There are",
        ),
        (ClassMap(palette={"facade": (1, 2, 3)}), "palette names 'facade', which is no class"),
        (ClassMap(palette={"sky": (1, 2, 3), "wall": (1, 2, 3)}), "palette gives two classes one color"),
        (ClassMap(order=("sky", "wall")), "order and boxes are for polygons, which these data do not have"),
        (ClassMap(boxes=True), "order and boxes are for polygons"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(class_map: ClassMap, message: str) -> None:
    with pytest.raises(ClassMapError) as error:
        map_classes(masks(), class_map)
    assert message in str(error.value)


def test_a_palette_of_image_labels_is_refused() -> None:
    data = Dataset("c", "C", NAMES, split([0, 1, 2, 3]), split([3]), "memory", task="classification")
    with pytest.raises(ClassMapError, match="palette is for masks"):
        map_classes(data, ClassMap(palette={"sky": (1, 2, 3)}))


def test_declared_classes_may_be_missing() -> None:
    class_map = ClassMap(classes={"tree": "plant"}, palette={"plant": (9, 9, 9)})
    data = map_classes(masks(), class_map, ("tree",))
    assert data.classes == ("plant", *NAMES)
    assert data.class_counts["test"].tolist() == [0, 1, 1, 1, 1]


# ---- built-in maps ----


def test_changes_go_before_the_builtin_map() -> None:
    base = CLASS_MAPS["streets"]
    changed = update_map(base, ClassMap(classes={"facade": "wall", "shop": "wall"}, ignore=("car",)))
    assert {changed.classes[name] for name in ("facade", "shop")} == {"wall"}
    assert changed.classes["balcony-fence"] == "balcony"
    assert "car" not in changed.classes
    assert changed.ignore == ("car",)
    assert changed.order == base.order
    assert changed.merged["pillar"] == "wall"  # it follows the facade
    assert changed.palette["wall"] == base.palette["facade"]
    assert [*changed.palette] == ["other", "wall", "window", "balcony", "vegetation"]


def test_a_class_that_changes_name_is_told_apart() -> None:
    changed = update_map(CLASS_MAPS["streets"], ClassMap(classes={"traffic-infrastructure": "pillar"}))
    assert merge_target(changed, {*changed.classes.values()}, "pillar") == "pillar"
    assert "pillar" not in changed.merged


def test_doors_of_windows_are_a_class_on_request() -> None:
    changed = update_map(CLASS_MAPS["windows"], ClassMap(classes={"door": "door"}))
    assert changed.ignore == ("arch",)
    assert merge_target(changed, ("other", "window", "door"), "door") == "door"


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("streets", "pillar", "facade"),
        ("streets", "window", "window"),
        ("facades", "vegetation", "other"),
        ("facades", "sky", None),
        ("windows", "facade", "other"),
        ("windows", "window", "window"),
    ],
)
def test_builtin_maps_say_what_a_dataset_does_not_tell_apart(name: str, target: str, expected: str | None) -> None:
    class_map = CLASS_MAPS[name]
    assert merge_target(class_map, {*class_map.classes.values()}, target) == expected


@given(
    st.sampled_from(sorted(CLASS_MAPS)),
    st.dictionaries(st.sampled_from(sorted(CLASS_MAPS["streets"].classes)), st.sampled_from(["a", "wall", "window"])),
    st.sets(st.sampled_from(sorted(CLASS_MAPS["streets"].classes))),
)
def test_a_map_that_was_applied_can_be_applied_again(name: str, classes: dict[str, str], ignore: set[str]) -> None:
    base = CLASS_MAPS[name]
    known = {*base.classes, *base.ignore}
    classes = {key: value for key, value in classes.items() if key in known and key not in ignore}
    changed = update_map(base, ClassMap(classes=classes, ignore=tuple(sorted(ignore & known))))
    again = update_map(base, changed)
    assert (again.classes, again.merged, again.palette) == (changed.classes, changed.merged, changed.palette)
    assert {*again.ignore} == {*changed.ignore}
    assert {*again.merged.values()} | {*again.palette} <= {*again.classes.values()}
    assert {*again.classes}.isdisjoint(again.ignore)
    assert {*again.classes} | {*again.ignore} == known
