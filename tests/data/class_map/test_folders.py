"""Class maps of a user's folders, from the file to the dataset, the inspection and the run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import seamline
from helpers import refusal
from seamline.cli import app
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.prepare import load_dataset
from seamline.run_folder import ClassMap


def noise(file: Path, bright: slice | None = None) -> None:
    """Write a photo of 32 x 32 pixels, different from others, some of its columns brighter."""
    rng = np.random.default_rng(sum(map(ord, str(file))))
    pixels = rng.integers(0, 150, (32, 32, 3), dtype=np.uint8)
    if bright is not None:
        pixels[:, bright] += 100
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def write_coco(folder: Path, regions: Mapping[str, Sequence[float]], *, key: str = "segmentation") -> Path:
    """Write four photos with the same regions, polygons or boxes."""
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        noise(folder / "images" / name)
    content = {
        "images": [{"id": number, "file_name": name, "width": 32, "height": 32} for number, name in enumerate(names)],
        "annotations": [
            {
                "id": 10 * image + number,
                "image_id": image,
                "category_id": number,
                key: [region] if key == "segmentation" else region,
            }
            for image in range(4)
            for number, region in enumerate(regions.values())
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate([*regions, "unused"])],
    }
    (folder / "all.json").write_text(json.dumps(content))
    return folder


WALL = [0, 0, 32, 0, 32, 16, 0, 16]
GLASS = [4, 4, 28, 4, 28, 14, 4, 14]
TREE = [8, 2, 20, 2, 20, 12, 8, 12]


def test_an_order_goes_before_the_size_of_polygons(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "photos", {"tree": TREE, "wall": WALL, "glass": GLASS})
    plain = load_dataset(folder).train.labels[0]
    assert (plain[3, 9], plain[8, 9], plain[8, 5], plain[20, 9]) == (1, 1, 3, 0)
    data = load_dataset(folder, maps={"photos": ClassMap(order=("tree", "wall"), ignore=("background",))})
    assert data.classes == ("tree", "wall", "glass")
    ordered = data.train.labels[0]
    assert (ordered[3, 9], ordered[8, 9], ordered[8, 5], ordered[20, 9]) == (1, 2, 2, IGNORE_INDEX)
    np.testing.assert_array_equal(load_dataset(folder).train.labels[0], plain)  # the cache holds both apart


def test_a_category_that_does_not_occur_may_be_named(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "photos", {"wall": WALL, "glass": GLASS})
    data = load_dataset(folder, maps={"photos": ClassMap(classes={"unused": "tree", "glass": "window"})})
    assert data.classes == ("background", "wall", "window")
    line = refusal(lambda: load_dataset(folder, maps={"photos": ClassMap(ignore=("unusd",))}))
    assert line == (
        "--map photos: ignore names 'unusd', which is no class; did you mean 'unused'? There are background, wall, "
        "glass, unused"
    )


def test_boxes_are_regions_on_request(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "photos", {"wall": [0, 0, 32, 16], "glass": [4, 4, 8, 10]}, key="bbox")
    assert "set boxes = true in a class map (--map)" in refusal(lambda: load_dataset(folder))
    labels = load_dataset(folder, maps={"photos": ClassMap(boxes=True)}).train.labels[0]
    expected = np.zeros((32, 32), np.uint8)
    expected[:16] = 1
    expected[4:14, 4:12] = 2
    np.testing.assert_array_equal(labels, expected)
    write_coco(tmp_path / "short", {"wall": [0, 0, 32]}, key="bbox")
    assert "COCO JSON with an invalid part" in refusal(
        lambda: load_dataset(tmp_path / "short", maps={"short": ClassMap(boxes=True)})
    )


def test_masks_in_files_are_mapped_and_have_no_order(tmp_path: Path) -> None:
    for number in range(4):
        noise(tmp_path / "photos" / "images" / f"{number}.png")
        (tmp_path / "photos" / "masks").mkdir(exist_ok=True)
        mask = np.repeat(np.arange(4, dtype=np.uint8), 8)[None].repeat(32, 0)
        Image.fromarray(mask).save(tmp_path / "photos" / "masks" / f"{number}.png")
    class_map = ClassMap(classes={"class 1": "wall", "class 2": "wall"}, ignore=("class 3",))
    data = load_dataset(tmp_path / "photos", maps={"photos": class_map})
    assert data.classes == ("class 0", "wall")
    np.testing.assert_array_equal(data.train.labels[0][0, ::8], [0, 1, 1, IGNORE_INDEX])
    line = refusal(lambda: load_dataset(tmp_path / "photos", maps={"photos": ClassMap(order=("class 1",))}))
    assert line == "--map photos: order and boxes are for polygons, which these data do not have; leave them out"


@pytest.fixture
def insects(tmp_path: Path) -> Path:
    """Class folders of three classes, of which one occurs in the validation split alone, and a map in a file."""
    columns = {"bee": slice(0, 16), "ant": slice(16, 32), "wasp": slice(0, 16), "hornet": slice(0, 16)}
    for split, classes in (("train", ("bee", "ant", "wasp")), ("val", ("bee", "ant", "hornet"))):
        for name in classes:
            for number in range(8):
                noise(tmp_path / "insects" / split / name / f"{number}.png", columns[name])
    (tmp_path / "map.toml").write_text('ignore = ["wasp"]\n[classes]\nhornet = "bee"\n')
    return tmp_path


def test_images_of_class_folders_are_mapped(insects: Path) -> None:
    assert "'hornet'" not in refusal(lambda: load_dataset(insects / "insects"))
    data = load_dataset(insects / "insects", maps={"insects": insects / "map.toml"})
    assert data.classes == ("ant", "bee")
    assert data.val is not None
    assert (np.bincount(data.train.labels).tolist(), np.bincount(data.val.labels).tolist()) == ([8, 8], [8, 16])
    assert [(one.count, one.what) for one in data.unused] == [(8, "images of wasp")]


def test_inspect_takes_a_map(insects: Path) -> None:
    arguments = [str(insects / "insects"), "--map", f"insects={insects / 'map.toml'}"]
    printed = CliRunner().invoke(app, ["inspect", *arguments, "--no-page"]).stdout
    assert printed.endswith(f"Ready to train: seamline train {' '.join(arguments)}\n")
    result = CliRunner().invoke(app, ["inspect", *arguments, "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["name"] for row in report["classes"]] == ["ant", "bee"]
    line = refusal(lambda: seamline.inspect(insects / "insects", maps={"insects": ClassMap(ignore=("spider",))}))
    assert line.startswith("--map insects: ignore names 'spider', which is no class; There are ")
    assert "there is no 'other' among the data" in refusal(
        lambda: seamline.inspect(insects / "insects", maps={"other": ClassMap()})
    )


@pytest.mark.usefixtures("no_report")
def test_a_run_stores_its_map_and_finds_its_images_by_it(insects: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "model": "cnn-fast", "label_check_folds": 0, "threads": 1}
    maps = {"insects": insects / "map.toml"}
    run = seamline.train(insects / "insects", out=insects / "run", maps=maps, **options)
    stored = json.loads((run.path / "run.json").read_text())
    assert stored["dataset"]["class_map"] == {"classes": {"hornet": "bee"}, "ignore": ["wasp"]}
    assert f"--map insects={insects / 'map.toml'}" in stored["command"]
    before = msgspec.to_builtins(run.metrics)
    (insects / "map.toml").unlink()
    (insects / "insects").rename(insects / "moved")
    again = seamline.evaluate(run, data_dir=insects / "moved")
    assert msgspec.to_builtins(again.metrics)["val"] == before["val"]
