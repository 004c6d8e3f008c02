"""Values of masks that are no classes: mixtures from scaling or compression, and pixels that count nowhere."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers import refusal
from seamline.data.checks import dataset_warnings
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder import load_folder
from seamline.data.masks import encode_mask

SIDE = 48


def disks(levels: list[Any], number: int) -> NDArray[np.uint8]:
    """A mask (SIDE, SIDE) or (SIDE, SIDE, 3) of disks, one for each level after the first one, which is outside."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    mask = np.empty((SIDE, SIDE, *np.shape(levels[0])), np.uint8)
    mask[:] = levels[0]
    for place, level in enumerate(levels[1:]):
        center = 12 + 24 * (place % 2), 12 + 24 * (place // 2)
        mask[(rows - center[0]) ** 2 + (columns - center[1]) ** 2 < (6 + number) ** 2] = level
    return mask


def resized(mask: NDArray[np.uint8], method: Image.Resampling) -> NDArray[np.uint8]:
    """A mask that was resized smoothly."""
    return np.asarray(Image.fromarray(mask).resize((64, 64), method))


def compressed(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask that was a JPEG once."""
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "JPEG", quality=90)
    return np.asarray(Image.open(stream))


def write(folder: Path, masks: list[NDArray[np.uint8]], suffix: str = ".png") -> Path:
    """Write masks, and a photo for each."""
    for number, mask in enumerate(masks):
        for name in ("images", "masks"):
            (folder / name).mkdir(exist_ok=True)
        Image.fromarray(mask).save(folder / "masks" / f"{number}{suffix}")
        noise = np.random.default_rng(number).integers(0, 255, (*mask.shape[:2], 3), np.uint8)
        Image.fromarray(noise).save(folder / "images" / f"{number}.png")
    return folder


@pytest.mark.parametrize("method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize(
    "levels",
    [[0, 255], [0, 200], [0, 80, 160, 240], [(0, 0, 0), (255, 255, 255)], [(0, 0, 0), (255, 0, 0), (0, 200, 90)]],
)
def test_masks_that_were_resized_smoothly_are_refused(
    tmp_path: Path, levels: list[Any], method: Image.Resampling
) -> None:
    write(tmp_path, [resized(disks(levels, number), method) for number in range(3)])
    text = refusal(lambda: load_folder(tmp_path))
    assert "smooth scaling" in text or "scaled to the nearest pixel" in text


@pytest.mark.parametrize(
    "declared",
    ['["wall", "window"]', '{"wall": "#000000", "window": "#ff0000"}', '{"wall": "#000000", "window": null}'],
)
def test_255_of_two_classes_is_the_second_one_unless_a_mask_marks_it(tmp_path: Path, declared: str) -> None:
    """Pillow's gray palette shows 255 white, too."""
    mask = disks([0, 255], 0)
    for name in ("gray", "palette"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, [mask])
        (tmp_path / name / "classes.json").write_text(declared)
    Image.fromarray(mask).convert("P").save(tmp_path / "palette" / "masks" / "0.png")
    for name in ("gray", "palette"):
        assert np.unique(load_folder(tmp_path / name).train.labels[:]).tolist() == [0, 1]
    (tmp_path / "palette" / "masks" / "0.png").write_bytes(encode_mask(mask, [(0, 0, 0), (255, 0, 0)]))
    marked = np.unique(load_folder(tmp_path / "palette").train.labels[:]).tolist()
    assert marked == ([0, IGNORE_INDEX] if "ff0000" in declared else [0, 1])


def test_masks_of_three_levels_whose_middle_is_an_edge_are_refused(tmp_path: Path) -> None:
    masks = [resized(disks([0, 255], number), Image.Resampling.BILINEAR) for number in range(3)]
    masks = [np.where(mask == 0, 0, np.where(mask == 255, 255, 128)).astype(np.uint8) for mask in masks]
    fraction = np.mean([mask == 128 for mask in masks])
    text = refusal(lambda: load_folder(write(tmp_path, masks)))
    assert text == (
        f"{tmp_path}: {fraction:.1%} of the pixels of masks are mixtures of 0, 255, such as 128 in 0.png, as smooth "
        "scaling and JPEG compression make them; set each pixel to the nearest of 0, 255, or, if the mixtures are "
        "classes, number the classes 0, 1, 2, …"
    )


@pytest.mark.parametrize("suffix", [".gif", ".tif", ".bmp"])
def test_mixed_values_are_refused_in_every_format(tmp_path: Path, suffix: str) -> None:
    masks = [resized(disks([0, 255], number), Image.Resampling.BILINEAR) for number in range(3)]
    assert "smooth scaling" in refusal(lambda: load_folder(write(tmp_path, masks, suffix)))


def test_masks_that_were_jpeg_are_refused(tmp_path: Path) -> None:
    masks = [compressed(disks([0, 255], number)) for number in range(3)]
    assert "JPEG compression" in refusal(lambda: load_folder(write(tmp_path, masks)))


@pytest.mark.parametrize("name", ["0_mask.jpg", "0_mask.jpeg"])
def test_masks_that_are_jpeg_are_refused(tmp_path: Path, name: str) -> None:
    Image.fromarray(disks([0, 255], 0)).save(tmp_path / name)
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "0.jpg")
    assert "is a JPEG, whose compression alters class values" in refusal(lambda: load_folder(tmp_path))


@pytest.mark.parametrize(
    ("levels", "classes", "ignored"),
    [
        ([0, 255], ("background", "foreground"), 0),
        ([0, 15, 255], ("class 0", "class 15"), 255),
        ([0, 1, 2, 255], ("class 0", "class 1", "class 2"), 255),
        ([0, 128, 255], ("class 0", "class 128", "class 255"), 0),
        ([0, 85, 170, 255], ("class 0", "class 85", "class 170", "class 255"), 0),
        ([0, 1, 2, 3, 4], ("class 0", "class 1", "class 2", "class 3", "class 4"), 0),
        ([(0, 0, 0), (128, 0, 0), (255, 255, 255)], ("#000000", "#800000", "#ffffff"), 0),
    ],
)
def test_classes_are_no_mixtures(tmp_path: Path, levels: list[Any], classes: tuple[str, ...], ignored: int) -> None:
    masks = [disks(levels, number) for number in range(3)]
    data = load_folder(write(tmp_path, masks))
    assert data.classes == classes
    assert [entry.count for entry in data.unused] == ([int(np.sum(np.array(masks) == ignored))] if ignored else [])


def test_a_ring_around_objects_is_a_class(tmp_path: Path) -> None:
    masks = []
    for number in range(3):
        mask = disks([0, 2], number)
        inside = disks([0, 2], number - 1) > 0
        masks.append(np.where((mask > 0) & ~inside, 1, mask).astype(np.uint8))
    assert load_folder(write(tmp_path, masks)).classes == ("class 0", "class 1", "class 2")


def test_ignored_pixels_are_counted_and_told(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[:, 16:] = 1
    mask[:8] = IGNORE_INDEX
    data = load_folder(write(tmp_path, [mask, mask]))
    (entry,) = data.unused
    assert (entry.kind, entry.count, entry.fraction) == ("pixels", 512, 0.25)
    assert "25.0% of the pixels of masks have the value 255 and count nowhere" in dataset_warnings(data)[0]


def test_few_ignored_pixels_are_counted_without_a_warning(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[:, 16:] = 1
    mask[0, :5] = IGNORE_INDEX
    data = load_folder(write(tmp_path, [mask]))
    assert ([entry.count for entry in data.unused], data.warnings) == ([5], ())


def test_declared_classes_are_no_mixtures(tmp_path: Path) -> None:
    colors = [(0, 0, 0), (255, 255, 255), (128, 128, 128)]
    mask = disks(colors[:2], 1)
    white = disks([0, 1], 1) > 0
    mask[white & ~(disks([0, 1], 0) > 0)] = colors[2]
    write(tmp_path, [mask])
    assert "declare them with their colors in classes.json" in refusal(lambda: load_folder(tmp_path))
    (tmp_path / "classes.json").write_text(json.dumps(dict(zip("abc", colors, strict=True))))
    assert load_folder(tmp_path).classes == ("a", "b", "c")
