"""Several datasets joined into one: classes, labels, canvas, groups and splits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.checks import dataset_warnings
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.dataset import IGNORE_INDEX, Dataset, ImageRecord, Split
from seamline.data.groups import Grouping, group_images
from seamline.data.lazy_array import LazyArray
from seamline.data.mix import choose_canvas, join_datasets, merge_classes, split_by_part
from seamline.data.prepare import detect_groups, is_own, list_sources, load_dataset, split_data
from seamline.progress import Reporter
from seamline.run_folder import ClassMap, UnusedData

QUIET = Reporter(quiet=True)
STREET = ("other", "facade", "window", "shop")
FRONT = ("wall", "facade", "other", "pillar")


def masks(
    name: str,
    classes: tuple[str, ...],
    *,
    size: tuple[int, int] = (32, 32),
    train: int = 12,
    test: int = 4,
    val: int = 0,
    seed: int = 0,
    channels: int = 3,
    **fields: Any,
) -> Dataset:
    """Noise of a seed, no image like another, with masks of all classes; each image is a group."""
    rng = np.random.default_rng(seed)

    def split(count: int, first: int) -> Split:
        images = rng.integers(0, 256, (count, *size, channels), np.uint8)
        labels = rng.integers(0, len(classes), (count, *size), np.uint8)
        labels[:, 0, 0] = IGNORE_INDEX
        return Split(images, labels, tuple(f"{first + i:03}" for i in range(count)), first + np.arange(count))

    palette = tuple((10 * i, 20 * i, 100) for i in range(len(classes)))
    fields = {"palette": palette, "title": name.capitalize(), "source": f"/data/{name}", **fields}
    parts = split(train, 0), split(test, train), split(val, train + test)
    title, source = fields.pop("title"), fields.pop("source")
    return Dataset(
        name, title, classes, parts[0], parts[1], source,
        task="segmentation", val=parts[2] if val else None, **fields,
    )  # fmt: skip


def joined(*datasets: Dataset, size: str | None = None) -> Dataset:
    return join_datasets(datasets, choose_canvas(datasets, size))


def test_classes_are_the_union_and_labels_keep_their_names() -> None:
    first = masks("front", FRONT)
    second = masks("street", STREET, seed=1, palette=((9, 9, 9), (8, 8, 8), (0, 0, 100), (7, 7, 7)))
    data = joined(first, second)
    assert data.classes == ("other", "wall", "facade", "pillar", "window", "shop")
    assert (data.name, data.title, data.task) == ("front+street", "Front and Street", "segmentation")
    assert data.palette[1] == (0, 0, 100)  # wall of the first
    assert data.palette[2] == (10, 20, 100)  # facade: the first wins
    assert len(set(data.palette)) == 6  # window had the color of wall
    assert data.palette[5] == (7, 7, 7)
    for number, source in enumerate((first, second)):
        for split, old in zip(data.splits, source.splits, strict=False):
            rows = np.flatnonzero(split.parts == number)
            assert np.array_equal(split.images[rows], old.images)
            new = np.array([*data.classes, *[""] * 249, "ignored"])[split.labels[rows]]
            assert np.array_equal(new, np.array([*source.classes, *[""] * 251, "ignored"])[old.labels])


def test_a_class_that_a_dataset_lacks_is_part_of_what_its_map_or_its_background_says() -> None:
    front = masks("front", FRONT, class_map=ClassMap(merged={"shop": "facade"}))
    street = masks("street", STREET, class_map=ClassMap(merged={"pillar": "facade"}))
    bare = masks("bare", ("roof", "facade"))
    classes = ("other", "wall", "facade", "pillar", "window", "shop", "roof")

    def names(data: Dataset) -> list[str]:
        return [classes[i] for i in merge_classes(data, classes)]

    assert names(front) == ["other", "wall", "facade", "pillar", "other", "facade", "other"]
    assert names(street) == ["other", "other", "facade", "facade", "window", "shop", "other"]
    assert names(bare) == list(classes)
    data = joined(front, street, bare)
    assert [data.classes[i] for i in data.parts[1].merged] == [
        names(street)[classes.index(name)] for name in data.classes
    ]
    assert "street: wall, roof count as other. street: pillar count as facade." in data.description
    assert "bare: other, wall, pillar, window, shop do not occur, so every such prediction is wrong" in data.description


def test_all_images_are_on_one_canvas() -> None:
    large = masks("large", STREET, size=(64, 48), train=6, test=2)
    small = masks("small", STREET, size=(32, 32), train=20, test=4, seed=1)
    assert joined(large, small).train.images.shape == (26, 32, 32, 3)  # the median size
    data = joined(large, small, size="64x96")
    assert data.train.images.shape[1:] == (96, 64, 3)
    index = int(np.flatnonzero(data.train.parts == 0)[3])
    image, mask = data.train.images[index], data.train.labels[index]
    wanted = np.asarray(Image.fromarray(large.train.images[3]).resize((64, 85), Image.Resampling.BICUBIC))
    assert np.array_equal(image[:85], wanted)
    assert not image[85:].any()
    assert (mask[85:] == IGNORE_INDEX).all()
    values = np.asarray(Image.fromarray(large.train.labels[3]).resize((64, 85), Image.Resampling.NEAREST))
    assert np.array_equal(mask[:85], values)
    assert "size: --image-size 64x96" in data.description


def test_gray_images_become_colors_beside_colored_ones() -> None:
    gray, color = masks("gray", STREET, channels=1), masks("color", STREET, seed=1)
    data = joined(gray, color)
    rows = np.flatnonzero(data.train.parts == 0)
    assert np.array_equal(data.train.images[rows], np.repeat(gray.train.images, 3, 3))
    assert joined(gray, masks("other", STREET, channels=1, seed=2)).train.images.shape[3] == 1


def test_names_groups_and_notes_stay_apart() -> None:
    unused = UnusedData(kind="files", what=".heic files", count=3, reason="not read")
    first = masks("photos", STREET, unused=(unused,), warnings=("many are dark",), bit_depth=12)
    second = masks("photos", STREET, seed=1, source="/other/photos", title="photos")
    data = joined(first, second)
    assert data.name == "photos+photos-2"
    assert data.train.names[0] == "photos/000"
    assert data.train.names[-1] == "photos-2/011"
    assert len(np.unique(data.groups)) == 32
    assert not data.has_groups
    assert data.unused[0].sentence == "3 .heic files of photos: not read"
    assert data.warnings == ("photos: many are dark",)
    assert data.bit_depth == 12
    renamed = replace(second, train=replace(second.train, names=tuple(f"b{i}" for i in range(12))))
    renamed = replace(renamed, test=replace(second.test, names=tuple(f"c{i}" for i in range(4))))
    assert joined(first, renamed).train.names[-1] == "b11"


def test_each_dataset_keeps_its_splits_or_gets_them() -> None:
    own = masks("own", STREET, train=20, test=5, val=6)
    bare = masks("bare", STREET, train=30, test=0, seed=1)
    data = detect_groups(joined(own, bare), QUIET)
    splits = split_data(data, fraction=0.2, seed=0)

    def counts(split: Split) -> list[int]:
        return [int((np.asarray(split.parts) == number).sum()) for number in (0, 1)]

    assert counts(data.test) == [5, 6]
    assert counts(splits.val) == [6, 5]  # a fifth of the 24 that are left
    assert counts(splits.train) == [20, 19]
    assert not splits.metadata.predefined
    assert {f"{i:03}" for i in range(25, 31)} == {name.removeprefix("own/") for name in splits.val.names[:6]}
    names = [*splits.train.names, *splits.val.names, *data.test.names]
    assert len(set(names)) == len(names) == 61
    assert not isinstance(splits.train.images, LazyArray)
    assert [len(view.test) for view in split_by_part(data)] == [5, 6]


def test_related_images_of_two_datasets_are_not_on_two_sides() -> None:
    own, other = masks("own", STREET, train=20, test=5, val=6), masks("other", STREET, train=20, test=5, val=6, seed=1)
    images = other.train.images.copy()
    images[3], images[7] = own.test.images[2], own.val.images[1] if own.val else 0
    shown = other.test.images.copy()
    shown[0] = own.val.images[4] if own.val else 0
    other = replace(other, train=replace(other.train, images=images), test=replace(other.test, images=shown))
    data = detect_groups(joined(own, other), QUIET)
    splits = split_data(data)
    assert set(splits.metadata.excluded_train) == {"other/003", "other/007", "own/029"}
    assert (len(splits.train), len(splits.val), len(data.test)) == (38, 11, 10)
    assert splits.metadata.predefined
    assert splits.metadata.groups_detected
    sides = [set(split.groups.tolist()) for split in (splits.train, splits.val, data.test)]
    assert not sides[0] & sides[1]
    assert not (sides[0] | sides[1]) & sides[2]


def test_a_dataset_whose_training_images_are_test_images_of_another_is_named() -> None:
    own, copy = masks("own", STREET, train=20, test=6, val=6), masks("copy", STREET, train=6, test=5, val=6, seed=1)
    copy = replace(copy, train=replace(copy.train, images=own.test.images))
    data = detect_groups(joined(own, copy), QUIET)
    text = refusal(lambda: split_data(data))
    assert text == ("copy: no training images are left: all are related to test or validation images; leave copy out")
    seen = masks("seen", STREET, train=20, test=12, val=6, seed=2)
    images = np.concatenate([split.val.images for split in (own, seen) if split.val])
    data = detect_groups(joined(own, replace(seen, test=replace(seen.test, images=images))), QUIET)
    assert "seen: no images are left" in refusal(lambda: split_data(data))


def test_large_datasets_are_read_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seamline.data.lazy_array._MAX_IN_MEMORY", 1000)
    data = detect_groups(joined(masks("own", STREET), masks("other", FRONT, seed=1)), QUIET)
    splits = split_data(data)
    assert isinstance(splits.train.images, LazyArray)
    assert isinstance(splits.train.images.base, np.memmap)
    with monkeypatch.context() as patch:
        patch.undo()
        again = split_data(detect_groups(joined(masks("own", STREET), masks("other", FRONT, seed=1)), QUIET))
    assert np.array_equal(splits.train.images[:], again.train.images)
    assert np.array_equal(splits.val.labels[:], again.val.labels[:])


def sides(name: str, classes: tuple[str, ...], seed: int, side: int = 32) -> Dataset:
    rng = np.random.default_rng(seed)

    def split(count: int, first: int) -> Split:
        images = rng.integers(0, 256, (count, side, side, 1), np.uint8)
        return Split(
            images,
            np.arange(count) % len(classes),
            tuple(map(str, range(first, first + count))),
            first + np.arange(count),
        )

    return Dataset(name, name, classes, split(12, 0), split(6, 12), f"/data/{name}", task="classification")


def test_images_to_classify_are_joined_by_class_names() -> None:
    data = joined(sides("pets", ("cat", "dog"), 0), sides("wild", ("fox", "dog", "owl"), 1, side=40))
    assert data.classes == ("cat", "dog", "fox", "owl")
    assert data.train.labels[12:18].tolist() == [2, 1, 3, 2, 1, 3]
    assert all(part.merged == (0, 1, 2, 3) for part in data.parts)
    assert data.train.images.shape == (24, 36, 36, 1)
    assert data.palette == ()


def test_images_to_classify_may_have_any_number_of_classes() -> None:
    many = Split(np.zeros((300, 16, 16, 1), np.uint8), np.arange(300), tuple(map(str, range(300))), np.arange(300))
    names = tuple(f"class {number}" for number in range(300))
    wide = Dataset("wide", "wide", names, many, many.select(np.arange(0)), "/data/wide", task="classification")
    data = joined(wide, sides("pets", ("cat", "dog"), 0, side=16))
    assert len(data.classes) == 302
    assert data.train.labels[299:302].tolist() == [299, 300, 301]


def test_class_weights_are_not_advised_where_they_cannot_be_used() -> None:
    wide, narrow = sides("wide", ("cat", "dog"), 0), sides("narrow", ("cat", "fox"), 1)
    split = narrow.train.select(np.array([0, 1] + [2] * 40))
    uneven = replace(narrow, train=replace(split, names=tuple(f"n{i}" for i in range(len(split)))))
    advice = "class_weights=balanced"
    assert any(advice in warning for warning in dataset_warnings(uneven))
    warnings = dataset_warnings(joined(uneven, replace(wide, classes=("cat", "fox"))))
    assert any("fox" in warning for warning in warnings)
    assert not any(advice in warning for warning in warnings)


def test_images_that_a_map_ignores_are_left_out(tmp_path: Path) -> None:
    for folder in ("pets", "wild"):
        write_photos(tmp_path / folder, *(f"{name}/{folder}-{name}.png" for name in ("cat", "dog", "fox")))
    data = load_dataset([tmp_path / "pets", tmp_path / "wild"], maps={"pets": ClassMap(ignore=("cat",))})
    assert set(data.train.names) == set(data.records)
    assert len(data.records) == 5


def test_datasets_without_a_column_are_not_grouped_by_it() -> None:
    pets, wild = sides("pets", ("cat", "dog"), 0), sides("wild", ("cat", "dog"), 1)
    records = {
        name: ImageRecord(Path(name), columns={"owner": str(int(name) // 6)})
        for split in pets.splits
        for name in split.names
    }
    data = group_images(joined(replace(pets, records=records), wild), Grouping("owner", near_duplicates=False))
    assert data.grouping.ungrouped == 18
    assert len(np.unique(data.groups)) == 3 + 18


def test_what_cannot_be_joined_is_refused() -> None:
    text = refusal(lambda: joined(masks("front", FRONT), sides("pets", ("cat", "dog"), 0)))
    assert text == "front is for segmentation and pets for classification; train on datasets of one task"
    pets = replace(sides("pets", ("cat", "dog"), 0), class_map=ClassMap(merged={"fox": "dog"}))
    text = refusal(lambda: joined(pets, sides("wild", ("fox", "dog"), 1)))
    assert text == "--map pets: merged is for masks, and pets has labels of whole images; leave it out"
    assert refusal(lambda: joined(masks("a", FRONT), masks("a", FRONT))).startswith("a: is given twice;")
    single = masks("lonely", STREET, train=2, test=0, seed=2)
    data = joined(masks("front", FRONT), single)
    assert refusal(lambda: detect_groups(data, QUIET) and split_data(detect_groups(data, QUIET))).startswith("lonely: ")


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["other", "sky", "wall", "door", "roof", "background"]), min_size=2, unique=True),
    st.lists(st.sampled_from(["other", "sky", "wall", "car", "tree"]), min_size=2, unique=True),
)
def test_every_label_of_the_union_is_one_of_its_dataset(first: list[str], second: list[str]) -> None:
    datasets = [masks(str(i), tuple(of), train=1, test=1, seed=i) for i, of in enumerate((first, second))]
    data = joined(*datasets)
    assert set(data.classes) == {*first, *second}
    for part, of in zip(data.parts, datasets, strict=True):
        assert all(part.merged[target] == target for target in part.merged)
        labels = np.concatenate([split.labels[split.parts == data.parts.index(part)].ravel() for split in data.splits])
        used = {data.classes[i] for i in np.unique(labels[labels != IGNORE_INDEX])}
        assert used <= set(of.classes)
        assert used <= {data.classes[i] for i in part.merged}


def image_arrays() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 32, 32, 3), np.uint8), rng.integers(0, 2, (20, 32, 32), np.uint8)


def test_arrays_stay_one_dataset() -> None:
    arrays = image_arrays()
    assert list_sources(arrays) == [arrays]
    assert list_sources(("facades", "cmp-facades")) == ["facades", "cmp-facades"]
    assert list_sources([arrays, "facades"]) == [arrays, "facades"]
    assert is_own(arrays)
    assert is_own(["facades", arrays])
    assert not is_own(["facades", "synthetic-facades"])
    data = load_dataset([arrays, masks("street", STREET)])
    assert data.classes == ("other", "0", "1", "facade", "window", "shop")
    assert refusal(lambda: list_sources([])) == "data: no dataset is given; name one or more"


def write_folder(folder: Path, classes: tuple[str, str], size: tuple[int, int], seed: str) -> Path:
    names = [f"images/{seed}{number:02}.png" for number in range(12)]
    write_photos(folder, *names, size=size)
    for name in names:
        write_mask(folder / name.replace("images", "masks"), 0, 1, size=size)
    (folder / "classes.txt").write_text("\n".join(classes), encoding="utf-8")
    return folder


def test_folders_are_resized_from_their_files(tmp_path: Path) -> None:
    street = masks("street", STREET, size=(64, 64), train=40)
    photos = write_folder(tmp_path / "photos", ("sky", "facade"), (128, 128), "p")
    data = load_dataset([street, photos])
    assert data.train.images.shape[1:] == (64, 64, 3)
    with Image.open(photos / "images/p00.png") as image:
        wanted = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC))
    index = data.train.names.index("p00") if "p00" in data.train.names else 40
    assert np.array_equal(data.train.images[index], wanted)
    assert data.records[data.train.names[index]].file == photos / "images/p00.png"
    assert data.parts[1].source == str(photos)


def test_a_folder_of_data_is_searched_for_each_dataset(tmp_path: Path) -> None:
    text = refusal(lambda: load_dataset(["facades", "cmp-facades"], data_dir=tmp_path))
    assert text == f"--data-dir {tmp_path}: has no folder facades or cmp-facades; name the folder above"


def test_streets_and_facades_tell_apart_what_their_maps_say() -> None:
    maps = {name: CLASS_MAPS[name] for name in ("facades", "streets", "windows")}
    datasets = [
        masks(name, tuple(dict.fromkeys(of.palette or of.classes.values())), train=1, test=1, seed=i, class_map=of)
        for i, (name, of) in enumerate(maps.items())
    ]
    data = joined(*datasets)
    assert data.classes == ("other", "facade", "pillar", "window", "balcony", "shop", "vegetation", "vehicle")
    facades, streets, windows = ([data.classes[i] for i in part.merged] for part in data.parts)
    assert facades == ["other", "facade", "pillar", "window", "balcony", "other", "other", "other"]
    assert streets == ["other", "facade", "facade", "window", "balcony", "shop", "vegetation", "vehicle"]
    assert windows == ["other", "other", "other", "window", "other", "other", "other", "other"]


def test_photos_of_other_proportions_keep_their_longer_side() -> None:
    wide = masks("wide", STREET, size=(120, 192), train=4, test=2)
    square = masks("square", STREET, size=(128, 128), train=4, test=2, seed=1)
    canvas = choose_canvas([wide, square], pretrained=True)
    assert (canvas.height, canvas.width) == (192, 192)  # the wide photo alone decides on 128 x 192
    assert canvas.reason.endswith("enlarged to 192 x 192 for images of other proportions")
    alone = choose_canvas([wide], pretrained=True)
    assert (alone.height, alone.width) == (128, 192)
    requested = choose_canvas([wide, square], "64x96", pretrained=True)
    assert (requested.height, requested.width) == (96, 64)
