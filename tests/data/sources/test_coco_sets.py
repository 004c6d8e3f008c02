"""Photos with COCO annotations and fixed splits: small drawn folders of their form, and the real ones."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers import refusal
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.prepare import detect_groups, load_dataset, split_data
from seamline.data.sources import coco_sets
from seamline.data.sources.coco_sets import Assignment, read_split_list
from seamline.errors import DatasetUnavailableError
from seamline.progress import Reporter
from seamline.run_folder import ClassMap

STREETS = ("other", "facade", "window", "balcony", "shop", "vegetation", "vehicle")
PLACES = {
    "a_0": Assignment("train", 0),
    "a_1": Assignment("train", 0),
    "b": Assignment("val", 1),
    "c": Assignment("test", 2),
}


def square(left: float, top: float, side: float) -> list[list[float]]:
    return [[left, top, left + side, top, left + side, top + side, left, top + side]]


# The window is larger than the shop, the tree covers both, and the street covers the tree.
REGIONS = {
    "facade": (0, 0, 24),
    "shop": (0, 12, 8),
    "window": (4, 4, 12),
    "vegetation": (14, 14, 10),
    "street": (20, 20, 6),
}


def write_streets(folder: Path, stems: tuple[str, ...] = tuple(PLACES)) -> Path:
    """Write a small set in the form of `streets`: 32 x 32 photos with the same regions."""
    names = [*REGIONS, "balcony-fence", "car", "fence", "non-building-infrastructure", "traffic-infrastructure"]
    numbers = {name: number for number, name in enumerate(names, 1)}
    annotations = [
        {"image_id": image, "category_id": numbers[name], "segmentation": square(*region)}
        for image in range(len(stems))
        for name, region in REGIONS.items()
    ]
    write(folder, stems, numbers, annotations, (32, 32))
    return folder


def write(
    folder: Path,
    stems: tuple[str, ...],
    numbers: dict[str, int],
    annotations: list[dict[str, Any]],
    size: tuple[int, int],
) -> None:
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in stems:
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{stem}.jpg")
    content = {
        "images": [
            {"id": number, "file_name": f"{stem}.jpg", "width": size[0], "height": size[1]}
            for number, stem in enumerate(stems)
        ],
        "annotations": [{"id": number, **annotation} for number, annotation in enumerate(annotations)],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }
    (folder / "annotations.json").write_text(json.dumps(content))


@pytest.fixture
def small_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of four photos, and no data folder but the one that a test names."""
    monkeypatch.delenv("SEAMLINE_DATA", raising=False)
    monkeypatch.setattr(coco_sets, "read_split_list", lambda name: PLACES)


@pytest.mark.usefixtures("small_list")
def test_streets_are_painted_in_order_and_split_by_the_list(tmp_path: Path) -> None:
    data = load_dataset("streets", data_dir=write_streets(tmp_path / "set"), image_size=32)
    assert (data.name, data.title, data.task, data.classes) == ("streets", "Swiss streets", "segmentation", STREETS)
    assert data.palette[1] == (0, 128, 255)
    assert data.source == str(tmp_path / "set")
    assert "CC BY 4.0" in data.description
    expected = np.zeros((32, 32), np.uint8)
    for left, top, side, name in (
        (0, 0, 24, "facade"),
        (0, 12, 8, "shop"),
        (4, 4, 12, "window"),
        (14, 14, 10, "vegetation"),
        (20, 20, 6, "other"),
    ):
        expected[top : top + side, left : left + side] = STREETS.index(name)
    np.testing.assert_array_equal(data.train.labels[0], expected)
    assert data.val is not None
    assert (data.train.names, data.val.names, data.test.names) == (
        ("images/a_0.jpg", "images/a_1.jpg"),
        ("images/b.jpg",),
        ("images/c.jpg",),
    )
    assert data.groups.tolist() == [0, 0, 2, 1]  # training, test, validation
    assert data.has_groups
    grouped = detect_groups(data, Reporter(quiet=True))
    splits = split_data(grouped)
    assert splits.metadata.predefined
    assert (splits.val.names, splits.metadata.excluded_train) == (data.val.names, ())


@pytest.mark.usefixtures("small_list")
def test_the_largest_polygon_of_a_mislabeled_photo_is_a_facade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_streets(tmp_path / "set")
    monkeypatch.setitem(coco_sets.STREETS.mislabeled, "b", "street")
    data = load_dataset("streets", data_dir=folder, image_size=32)
    assert data.val is not None
    assert (data.val.labels[0, 25, 25], data.test.labels[0, 25, 25]) == (1, 0)
    assert data.val.labels[0, 22, 22] == STREETS.index("vegetation")  # above the facade


@pytest.mark.usefixtures("small_list")
def test_a_user_changes_the_map_of_streets(tmp_path: Path) -> None:
    folder = write_streets(tmp_path / "set")
    class_map = ClassMap(classes={"shop": "facade"}, ignore=("vegetation",), order=("facade", "window", "shop"))
    data = load_dataset("streets", data_dir=folder, image_size=32, maps={"streets": class_map})
    assert data.classes == ("other", "facade", "window", "balcony", "vehicle")
    labels = data.train.labels[0]
    assert labels[15, 6] == 1  # the shop is above the window, and facade
    assert labels[16, 16] == IGNORE_INDEX
    again = load_dataset("streets", data_dir=folder, image_size=32, maps={"streets": data.class_map})
    assert again.fingerprint == data.fingerprint
    line = refusal(
        lambda: load_dataset("streets", data_dir=folder, maps={"streets": ClassMap(classes={"balcony": "rail"})})
    )
    assert line.startswith("--map streets: classes names 'balcony', which is no class; did you mean 'balcony-fence'? ")


@pytest.mark.usefixtures("small_list")
def test_boxes_of_windows_are_regions_and_the_rest_is_other(tmp_path: Path) -> None:
    folder, stems = tmp_path / "set", tuple(PLACES)
    numbers = {
        name: number for number, name in enumerate(("window", "door", "arch", "cantilever", "signboard", "win_ad"), 1)
    }
    boxes = {"window": (4, 4, 8, 8), "win_ad": (6, 6, 4, 4), "door": (20, 8, 6, 16), "signboard": (0, 26, 30, 4)}
    annotations = [
        {"image_id": image, "category_id": numbers[name], "bbox": [*box]}
        for image in range(len(stems))
        for name, box in boxes.items()
    ]
    write(folder, stems, numbers, annotations, (48, 32))
    data = load_dataset("windows", data_dir=folder, image_size="48x32")
    expected = np.zeros((32, 48), np.uint8)
    expected[4:12, 4:12] = 1
    expected[6:10, 6:10] = 0
    expected[8:24, 20:26] = IGNORE_INDEX
    assert data.classes == ("other", "window")
    np.testing.assert_array_equal(data.test.labels[0], expected)
    doors = load_dataset(
        "windows", data_dir=folder, image_size="48x32", maps={"windows": ClassMap(classes={"door": "door"})}
    )
    expected[8:24, 20:26] = 2
    assert doors.classes == ("other", "window", "door")
    np.testing.assert_array_equal(doors.test.labels[0], expected)


@pytest.mark.usefixtures("small_list")
def test_missing_and_unlisted_photos(tmp_path: Path) -> None:
    line = refusal(lambda: load_dataset("streets"), DatasetUnavailableError)
    for words in ("a-hwang/building-facade-segmentation", "CC BY 4.0", "--data-dir", "SEAMLINE_DATA"):
        assert words in line
    (tmp_path / "empty").mkdir()
    assert "Swiss streets is incomplete, missing annotations.json" in refusal(
        lambda: load_dataset("streets", data_dir=tmp_path / "empty")
    )
    fewer = write_streets(tmp_path / "fewer", ("a_0", "b"))
    line = refusal(lambda: load_dataset("streets", data_dir=fewer))
    assert "lacks 2 of 4 photos of Swiss streets (a_1, c)" in line
    more = load_dataset("streets", data_dir=write_streets(tmp_path / "more", (*PLACES, "d", "e")), image_size=32)
    assert [(one.count, one.example) for one in more.unused] == [(2, "images/d.jpg")]
    assert sum(map(len, more.splits)) == 4


@pytest.mark.parametrize("name", ["streets", "windows"])
def test_no_scene_is_in_two_splits_and_crops_of_a_photo_are_in_one(name: str) -> None:
    assigned = read_split_list(name)
    splits: dict[int, set[str]] = {}
    sources: dict[str, set[int]] = {}
    for stem, place in assigned.items():
        splits.setdefault(place.group, set()).add(place.split)
        sources.setdefault(re.sub(r"_\d$", "", stem), set()).add(place.group)
    assert all(len(one) == 1 for one in splits.values())
    assert all(len(one) == 1 for one in sources.values())
    counts = {split: sum(place.split == split for place in assigned.values()) for split in ("train", "val", "test")}
    assert len(assigned) == {"streets": 478, "windows": 250}[name]
    for split, fraction in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        assert abs(counts[split] / len(assigned) - fraction) < 0.03


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "size", "counts"), [("streets", "128x128", (280, 96, 102)), ("windows", "192x120", (150, 50, 50))]
)
def test_the_real_photos_have_the_classes_that_another_program_paints(
    name: str, size: str, counts: tuple[int, int, int], real_data: Path
) -> None:
    data = load_dataset(name, data_dir=real_data / name, image_size=size)
    assert data.val is not None
    assert (len(data.train), len(data.val), len(data.test)) == counts
    groups = [{*split.groups.tolist()} for split in (data.train, data.val, data.test)]
    assert groups[0].isdisjoint(groups[1] | groups[2])
    assert groups[1].isdisjoint(groups[2])
    pixels = np.sum([*data.class_counts.values()], axis=0)
    fractions = dict(zip(data.classes, (pixels / pixels.sum()).tolist(), strict=True))
    assert fractions == pytest.approx(painted(real_data / name / "annotations.json", name), abs=0.005)


def restore_front(shapes: list[tuple[int, float, str, list[float]]]) -> bool:
    """Make a facade of the polygon that stands in front of five windows or more, where there is no facade."""
    windows = [np.array(points).reshape(-1, 2).mean(0) for _, _, label, points in shapes if label == "window"]
    if any(label == "facade" for _, _, label, _ in shapes):
        return False
    for index, (_, area, label, points) in enumerate(shapes):
        outline = np.array(points, np.float32).reshape(-1, 1, 2)
        inside = sum(cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0 for x, y in windows)
        if label in ("street", "traffic-infrastructure") and inside >= 5:
            shapes[index] = (0, area, "facade", points)
            return True
    return False


def painted(file: Path, name: str) -> dict[str, float]:
    """The fraction of the labeled pixels of each class, painted by OpenCV from the annotations."""
    content = json.loads(file.read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    order = {
        "streets": ["facade", "shop", "balcony-fence", "window"],
        "windows": ["door", "arch", "window"],
    }[name]
    becomes = {"balcony-fence": "balcony", "car": "vehicle", "door": None, "arch": None}
    classes = [*STREETS] if name == "streets" else ["other", "window"]
    regions: dict[int, list[tuple[int, float, str, list[float]]]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        label, box = names[annotation["category_id"]], annotation["bbox"]
        rank = order.index(label) if label in order else len(order)
        corners = [box[0], box[1], box[0] + box[2], box[1], box[0] + box[2], box[1] + box[3], box[0], box[1] + box[3]]
        for points in annotation.get("segmentation") or [corners]:
            area = cv2.contourArea(np.array(points, np.float32).reshape(-1, 1, 2))
            regions[annotation["image_id"]].append((rank, -area, label, points))
    if name == "streets":
        assert sum(restore_front(shapes) for shapes in regions.values()) == 7
    totals = np.zeros(len(classes))
    for image in content["images"]:
        mask = np.zeros((image["height"], image["width"]), np.uint8)
        for _, _, label, points in sorted(regions[image["id"]]):
            target = becomes.get(label, label if label in classes else "other")
            corner = np.round(np.array(points).reshape(-1, 1, 2) - 0.5).astype(np.int32)
            cv2.fillPoly(mask, [corner], 255 if target is None else classes.index(target))
        scale = {"streets": 1.0, "windows": (0.1875 * min(1024 / image["width"], 640 / image["height"])) ** 2}[name]
        totals += scale * np.bincount(mask[mask < 255], minlength=len(classes))
    return dict(zip(classes, (totals / totals.sum()).tolist(), strict=True))
