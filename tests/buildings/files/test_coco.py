import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from measures_factories import ARCH, house_photo, measures_record, yard_photo
from seamline import inspect
from seamline.buildings.files.coco import coco_instances, polygon_area
from seamline.data.image_folder import load_folder
from seamline.run_folder import MeasuresRecord


def content(record: MeasuresRecord) -> Any:
    return json.loads(coco_instances(record))


def test_each_opening_is_an_instance_of_its_photo() -> None:
    coco = content(measures_record())
    assert coco["images"] == [
        {"id": 1, "file_name": "house.jpg", "width": 1600, "height": 1200},
        {"id": 2, "file_name": "yard.jpg", "width": 800, "height": 600},
    ]
    assert [(one["id"], one["name"]) for one in coco["categories"]] == [(1, "window"), (2, "door"), (3, "shop")]
    annotations = coco["annotations"]
    assert [one["id"] for one in annotations] == [*range(1, 19)]
    assert [one["image_id"] for one in annotations] == [1] * 17 + [2]
    assert [one["category_id"] for one in annotations] == [1, 2, 3] + [1] * 15
    assert {one["iscrowd"] for one in annotations} == {0}


def test_outlines_boxes_and_areas_are_those_in_the_photo() -> None:
    coco = content(measures_record())
    # of the yard, in whose plane (50, 50) to (150, 250) is a window, and which begins at (100, 100) in the photo
    yard = coco["annotations"][-1]
    assert yard["segmentation"] == [[150, 150, 250, 150, 250, 350, 150, 350]]
    assert yard["bbox"] == [150, 150, 100, 200]
    assert yard["area"] == 20_000
    door, inferred = coco["annotations"][1], coco["annotations"][10]
    assert door["attributes"] == {
        "front": 1, "storey": 0, "column": None, "probability": 0.9,
        "assumed": True, "inferred": False, "counted": True,
    }  # fmt: skip
    assert inferred["attributes"] == {
        "front": 1, "storey": 2, "column": 3, "probability": 0,
        "assumed": False, "inferred": True, "counted": False,
    }  # fmt: skip


def test_areas_follow_the_shoelace_formula() -> None:
    assert polygon_area(ARCH) == 1900  # 40 x 50 less two triangles of 50
    assert polygon_area(ARCH[::-1]) == 1900
    assert polygon_area(((0.0, 0.0), (4.0, 0.0), (0.0, 3.0))) == 6


def test_photos_of_several_folders_are_named_from_the_folder_of_all(tmp_path: Path) -> None:
    photos = (house_photo(file=str(tmp_path / "a" / "1.jpg")), house_photo(file=str(tmp_path / "b" / "c" / "1.jpg")))
    names = [image["file_name"] for image in content(measures_record(*photos))["images"]]
    assert names == ["a/1.jpg", "b/c/1.jpg"]


def test_seamline_reads_it_beside_the_photos(tmp_path: Path) -> None:
    photos = []
    for index in range(4):
        file = tmp_path / f"yard {index}.png"
        pixels = np.random.default_rng(index).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((800, 600)).save(file)
        photos.append(yard_photo(file=str(file), stem=file.stem))
    (tmp_path / "windows.json").write_bytes(coco_instances(measures_record(*photos)))
    report = inspect(tmp_path)
    assert not report.errors
    data = load_folder(tmp_path)
    assert data.classes == ("background", "window")  # no door and no shop in any photo
    masks = np.asarray(data.train.labels[:])
    assert len(masks) == 4
    # a window of 100 x 200 pixels in photos of 800 x 600
    np.testing.assert_allclose((masks == 1).mean(), 100 * 200 / (800 * 600), rtol=0.03)
