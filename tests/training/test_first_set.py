"""A training that starts from a run: a few photos alone, or beside the images of the run."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seamline
from conftest import bright_sides, small_streets, without_report
from helpers import Lines
from seamline.api.run import Run
from seamline.api.training import plan
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.inference.pretrained import pretrained_dir
from seamline.models.saved import load_saved_model
from seamline.run_folder import ClassMap
from seamline.training.config import parse_settings
from seamline.training.plan import RunOptions, make_plan

pytestmark = pytest.mark.usefixtures("no_report")

STREET_CLASSES = ("sky", "wall", "window")
SIDE_CLASSES = ("left", "right", "both")
ONE = parse_settings(("epochs=1",))


def street_data() -> Dataset:
    train, test = small_streets(24, 3), small_streets(12, 4, first_group=12)
    palette = ((0, 0, 0), (0, 128, 255), (255, 128, 0))
    return Dataset("walls", "Walls", STREET_CLASSES, train, test, "drawn", palette=palette, task="segmentation")


def side_data() -> Dataset:
    train, test = bright_sides(90, 1), bright_sides(30, 2, 90)
    return Dataset("sides", "Sides", SIDE_CLASSES, train, test, "drawn", task="classification")


@pytest.fixture(scope="module")
def street_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "walls"
    with without_report():
        return seamline.train(street_data(), preset="sprint", **ONE, out=out, threads=1).path


@pytest.fixture(scope="module")
def side_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "sides"
    with without_report():
        return seamline.train(side_data(), **ONE, out=out, threads=1).path


def write_masks(folder: Path, count: int = 3, seed: int = 9) -> Path:
    """Write photos with corrected masks, the class file, and what notes the model."""
    split = small_streets(count, seed)
    for kind, arrays in (("images", split.images), ("masks", split.labels)):
        (folder / kind).mkdir(parents=True)
        for number, pixels in enumerate(arrays):
            Image.fromarray(pixels).save(folder / kind / f"photo-{number}.png")
    for number in range(count):
        (folder / "images" / f"photo-{number}.correction.json").write_text(
            '{"model": "walls", "saved": "2024-05-01T12:00:00Z"}'
        )
    (folder / "classes.json").write_text(json.dumps(dict.fromkeys(STREET_CLASSES)))
    return folder


def write_classes(folder: Path, wanted: tuple[int, ...], *, class_file: bool = True) -> Path:
    """Write some of the drawn sides into class folders."""
    split = bright_sides(12, 9)
    for number in wanted:
        file = folder / SIDE_CLASSES[split.labels[number]] / f"photo-{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(split.images[number][:, :, 0]).save(file)
    if class_file:
        (folder / "classes.json").write_text(json.dumps(SIDE_CLASSES))
    return folder


def test_three_masks_are_learned_from_and_one_of_them_is_validated_on(street_run: Path, tmp_path: Path) -> None:
    lines = Lines()
    run = seamline.train(
        write_masks(tmp_path / "photos"), init_from=street_run, **ONE, out=tmp_path / "out", threads=1, progress=lines
    )
    dataset, split = run.info.dataset, run.info.split
    assert (dataset.train, dataset.val, dataset.test) == (2, 1, 0)
    assert split.too_few_to_test
    said = "photos: too few photos for test images: 2 to learn from; validation is of 1 photo"
    assert sum(said in line for line in lines.lines) == 1
    assert any(x.startswith("not used: 3 ") and "images/photo-0.correction.json" in x for x in lines.lines)
    sentences = {finding.name: finding.sentence for finding in run.findings}
    assert "3 groups of related images are too few for test images" in sentences["no_test_images"]
    again = seamline.evaluate(run)  # found again by their content
    assert again.metrics.val.images == 1


def test_without_a_run_to_start_from_test_images_are_drawn_as_ever(tmp_path: Path) -> None:
    planned = make_plan(str(write_masks(tmp_path / "photos")), "fast", {}, 0, RunOptions())
    assert (len(planned.splits.train), len(planned.splits.val), len(planned.data.test)) == (1, 1, 1)


@pytest.mark.parametrize("count", [9, 10])
def test_ten_groups_give_test_images(street_run: Path, tmp_path: Path, count: int) -> None:
    photos = write_masks(tmp_path / "photos", count)
    planned = make_plan(str(photos), "fast", {}, 0, RunOptions(init_from=street_run))
    assert len(planned.data.test) == (2 if count == 10 else 0)
    assert len(planned.splits.val) == 1
    assert planned.splits.metadata.too_few_to_test == (count < 10)


@pytest.mark.parametrize(("wanted", "class_file"), [((0, 1, 2), True), ((0, 3, 1), False)])
def test_three_labels_of_any_classes_are_enough(
    side_run: Path, tmp_path: Path, wanted: tuple[int, ...], class_file: bool
) -> None:
    photos = write_classes(tmp_path / "photos", wanted, class_file=class_file)
    run = seamline.train(photos, init_from=side_run, **ONE, out=tmp_path / "out", threads=1)
    dataset = run.info.dataset
    assert dataset.classes == SIDE_CLASSES  # the model keeps those of the run
    assert (dataset.train, dataset.val, dataset.test) == (2, 1, 0)
    assert run.info.label_check_folds == 0
    assert load_saved_model(run.folder).state_dict()["head.weight"].shape[0] == 3
    assert run.info.init_from is not None
    assert run.info.init_from.new_classes == ()


def test_labels_are_not_checked_beside_the_first_set(side_run: Path, tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", (0, 1, 3))
    for folds, expected in ((None, 0), (2, 2)):
        options = RunOptions(init_from=side_run, label_check_folds=folds)
        assert make_plan([side_data(), str(photos)], "fast", {}, 0, options).label_check_folds == expected


def test_photos_get_the_colors_of_the_model(side_run: Path, tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", (0, 1, 3, 4))
    for file in photos.rglob("*.png"):
        gray = np.asarray(Image.open(file))
        Image.fromarray(np.stack([gray, gray // 2, 255 - gray], -1)).save(file)
    run = seamline.train(photos, init_from=side_run, **ONE, out=tmp_path / "out", threads=1)
    assert run.info.model.input_size == (20, 20, 1)
    assert "Color images become gray" in run.info.dataset.description
    predictor = run.predictor()
    stored = run.folder.read_stored_images(run.info)
    index = run.folder.read_index()
    assert stored is not None
    assert index is not None
    file = photos / index.names[int(np.flatnonzero(index.split_ids == 1)[0])]
    np.testing.assert_array_equal(predictor.preprocess(np.array(Image.open(file))), stored.val_images[0])
    assert seamline.evaluate(run).metrics.val.images == 1  # found again by their content


def test_a_pretrained_model_is_a_start_too(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    for number, image in enumerate(pixels):
        folder = tmp_path / "photos" / ("Dress", "Coat")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    planned = plan(str(tmp_path / "photos"), init_from="garments")
    assert planned.config.model == Run(pretrained_dir("garments")).info.model.name
    assert planned.data.classes == Run(pretrained_dir("garments")).info.dataset.classes


def test_other_classes_replace_those_of_the_run(side_run: Path, tmp_path: Path) -> None:
    photos = write_classes(tmp_path / "photos", (0, 1, 3, 4, 6, 7), class_file=False)
    (photos / "right").rename(photos / "top")
    planned = make_plan(str(photos), "fast", {}, 0, RunOptions(init_from=side_run))
    assert planned.data.classes == ("left", "top")


def test_unlabeled_pixels_are_ignored_where_a_class_file_names_more(street_run: Path, tmp_path: Path) -> None:
    photos = write_masks(tmp_path / "photos")
    for file in (photos / "masks").iterdir():
        mask = np.asarray(Image.open(file)).copy()
        mask[mask != 2] = 255
        Image.fromarray(mask).save(file)
    planned = make_plan(str(photos), "fast", {}, 0, RunOptions(init_from=street_run))
    assert {*np.unique(planned.splits.train.labels[:])} == {2, 255}
    assert any(item.kind == "pixels" for item in planned.data.unused)


def test_one_photo_is_learned_from_beside_the_first_set(street_run: Path, tmp_path: Path) -> None:
    lines = Lines()
    photos = write_masks(tmp_path / "photos", 1)
    options = RunOptions(init_from=street_run, progress=lines)
    planned = make_plan([street_data(), str(photos)], "fast", {}, 0, options)
    parts = planned.splits.train.parts, planned.splits.val.parts
    assert [int((np.asarray(one) == 1).sum()) for one in parts] == [1, 0]
    assert "photos: too few photos for validation and test images; it is learned from" in lines.lines


def test_held_out_images_that_the_run_has_learned_from_are_counted(street_run: Path, tmp_path: Path) -> None:
    photos = write_masks(tmp_path / "photos", 9)
    with without_report():
        first = seamline.train(photos, init_from=street_run, **ONE, out=tmp_path / "first", threads=1)
    assert not first.info.dataset.warnings
    index = first.folder.read_index()
    assert index is not None
    trained = {name for name, split in zip(index.names, index.split_ids, strict=True) if split == 0}
    counts = set()
    for seed in range(4):
        planned = make_plan(str(photos), "fast", {}, seed, RunOptions(init_from=first.path))
        names = planned.splits.val.names
        count = len(trained & {*names})
        said = [x for x in planned.warnings if f"first has learned from {count} of {len(names)} validation image" in x]
        assert len(said) == (1 if count else 0)
        assert any("has learned from" in x for x in planned.warnings) == bool(count)
        counts.add(bool(count))
    assert counts == {False, True}


def test_the_first_set_keeps_its_splits_beside_the_photos(street_run: Path, tmp_path: Path) -> None:
    data, photos = street_data(), write_masks(tmp_path / "photos")
    first = seamline.Run(street_run).folder.read_index()
    assert first is not None
    run = seamline.train([data, photos], init_from=street_run, **ONE, out=tmp_path / "out", threads=1)
    walls, few = run.info.dataset.parts
    assert (walls.train, walls.val, walls.test) == tuple(np.bincount(first.split_ids, minlength=3))
    assert (few.train, few.val, few.test) == (2, 1, 0)
    index = run.folder.read_index()
    assert index is not None
    of = dict(zip(index.names, index.split_ids.tolist(), strict=True))
    assert all(of[name] == split for name, split in zip(first.names, first.split_ids.tolist(), strict=True))


def test_a_class_map_of_the_first_set_is_refused(street_run: Path, tmp_path: Path) -> None:
    photos = write_masks(tmp_path / "photos")
    options = RunOptions(init_from=street_run, maps={"walls": ClassMap(classes={"sky": "air"})})
    with pytest.raises(SeamlineError, match=r"^--map walls: walls keeps the classes of .*; leave this map out$"):
        make_plan([street_data(), str(photos)], "fast", {}, 0, options)
