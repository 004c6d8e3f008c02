"""The valid files that are mutated: photos, masks, folders of images, and finished runs."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import seamline
from seamline.models.saved import load_saved_model
from seamline.run_folder import RunFolder
from seamline.training.checkpoints import Checkpoints
from seamline.training.config import parse_settings

PALETTE = ((0, 0, 0), (0, 128, 255), (255, 128, 0))
"""Colors of the three classes in masks."""


def pixels(number: int, height: int = 40, width: int = 48) -> NDArray[np.uint8]:
    """Return a photo (H, W, 3) uint8: two areas with noise, a function of `number`."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 60, (height, width, 3)) + 40
    image[:, width // 2 :] += 90
    return image.astype(np.uint8)


def classes(number: int, height: int = 40, width: int = 48) -> NDArray[np.uint8]:
    """Return a mask (H, W) uint8 of three classes."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = 1
    mask[number % 10 : number % 10 + 12, 4:20] = 2
    return mask


def write_photos(folder: Path) -> None:
    """Write a photo in every supported format and mode."""
    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.fromarray(pixels(0))
    gray, palette = photo.convert("L"), photo.quantize(16)
    exif = Image.Exif()
    exif[0x0112] = 6
    transparent = photo.convert("RGBA")
    transparent.putalpha(gray)
    sixteen_bit = Image.fromarray(np.asarray(gray).astype(np.uint16) * 256)
    second = Image.fromarray(pixels(1))
    photo.save(folder / "plain.jpg")
    photo.save(folder / "sideways.jpg", exif=exif, quality=60)
    photo.save(folder / "progressive.jpg", progressive=True)
    photo.convert("CMYK").save(folder / "print.jpg")
    photo.save(folder / "plain.png")
    transparent.save(folder / "clear.png")
    palette.save(folder / "palette.png", transparency=3)
    gray.convert("1").save(folder / "bits.png")
    sixteen_bit.save(folder / "deep.png")
    photo.save(folder / "lossy.webp")
    transparent.save(folder / "lossless.webp", lossless=True)
    photo.save(folder / "moving.webp", save_all=True, append_images=[second], duration=100)
    for name, compression in (
        ("plain", None),
        ("lzw", "tiff_lzw"),
        ("deflate", "tiff_adobe_deflate"),
        ("jpeg", "jpeg"),
    ):
        photo.save(folder / f"{name}.tif", compression=compression)
    sixteen_bit.save(folder / "deep.tif")
    photo.save(folder / "plain.bmp")
    palette.save(folder / "palette.bmp")
    palette.save(folder / "plain.gif")
    photo.save(folder / "moving.gif", save_all=True, append_images=[second], duration=100)


def write_masks(folder: Path) -> None:
    """Write a mask in the supported forms: palette, gray, RGB."""
    folder.mkdir(parents=True, exist_ok=True)
    indices = Image.fromarray(classes(0))
    indices.save(folder / "gray.png")
    indices.save(folder / "gray.tif")
    indices.save(folder / "gray.bmp")
    Image.fromarray(classes(0).astype(np.uint16)).save(folder / "deep.png")
    indices.putpalette([channel for color in PALETTE for channel in color])
    indices.save(folder / "palette.png", bits=2)
    indices.save(folder / "palette.gif")
    indices.convert("RGB").save(folder / "rgb.png")
    indices.convert("RGBA").save(folder / "opaque.png")


def write_table(folder: Path) -> None:
    """Write a CSV of files, labels and splits."""
    rows = ["file,label,split"]
    for number in range(8):
        _photo(folder / "images" / f"{number}.png", number)
        rows.append(f"{number}.png,{'dark' if number % 2 else 'bright'},{'val' if number > 5 else 'train'}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")


def write_coco(folder: Path) -> None:
    """Write COCO JSON with polygons."""
    for number in range(3):
        _photo(folder / "images" / f"{number}.png", number)
    content = {
        "images": [{"id": number, "file_name": f"{number}.png", "height": 40, "width": 48} for number in range(3)],
        "categories": [{"id": 1, "name": "door"}, {"id": 2, "name": "window"}],
        "annotations": [
            {
                "id": number,
                "image_id": number % 3,
                "category_id": 1 + number % 2,
                "segmentation": [[4, 4, 20 + number, 4, 20, 30, 4, 30]],
                "bbox": [4, 4, 16, 26],
            }
            for number in range(6)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")


def write_labelme(folder: Path) -> None:
    """Write LabelMe JSON with all types of shapes."""
    shapes = [
        {"label": "door", "shape_type": "rectangle", "points": [[2, 4], [10, 20]]},
        {"label": "wheel", "shape_type": "circle", "points": [[20, 20], [20, 26]]},
        {"label": "door", "shape_type": "polygon", "points": [[30, 4], [40, 4], [40, 30.5]]},
        {"label": "door", "shape_type": "point", "points": [[1, 1]]},
    ]
    for number in range(2):
        _photo(folder / f"{number}.png", number)
        content = {"version": "5.0", "imagePath": f"{number}.png", "shapes": shapes, "imageData": None}
        (folder / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")


def write_names(folder: Path) -> None:
    """Write images, masks and class names."""
    write_pairs(folder, 2)
    (folder / "classes.txt").write_text("wall\ndoor\nwindow\n", encoding="utf-8")


def write_palette(folder: Path) -> None:
    """Write images, masks, and names and colors of the classes."""
    write_pairs(folder, 2)
    table = {"wall": [0, 0, 0], "door": "#0080ff", "window": [255, 128, 0]}
    (folder / "classes.json").write_text(json.dumps(table), encoding="utf-8")


def write_pairs(folder: Path, count: int) -> None:
    """Write photos and their masks in two folders."""
    for number in range(count):
        _photo(folder / "images" / f"{number}.png", number)
        mask = Image.fromarray(classes(number))
        mask.putpalette([channel for color in PALETTE for channel in color])
        (folder / "masks").mkdir(exist_ok=True)
        mask.save(folder / "masks" / f"{number}.png")


def write_classes(folder: Path, count: int = 2, height: int = 40, width: int = 48) -> None:
    """Write photos into class folders."""
    for index, name in enumerate(("bright", "dark", "middle")):
        for number in range(count):
            image = pixels(100 * index + number, height, width) // (1, 4, 2)[index]
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / name / f"{number}.png")


def write_runs(folder: Path) -> None:
    """Train small models (`labels`, `other` on the same data, `masks` with predictions), and write a `checkpoint`."""
    write_classes(folder / "data" / "labels", 24, 28, 28)
    write_pairs(folder / "data" / "masks", 24)
    settings = ("epochs=2", "batch_size=8")
    for name, data in (("labels", "labels"), ("other", "labels"), ("masks", "masks")):
        seamline.train(str(folder / "data" / data), **parse_settings(settings), out=folder / name, threads=1)
    photos = sorted((folder / "data" / "masks" / "images").iterdir())[:2]
    seamline.predict(folder / "masks", photos, out=folder / "masks" / "photos", report=True, threads=1)
    network = load_saved_model(RunFolder(folder / "labels"))
    state = {"training": {"network": network.state_dict(), "step": 3}, "history": [{"epoch": 1}], "kept": (1.5, None)}
    Checkpoints(folder / "checkpoint").save(state)


def _photo(file: Path, number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(number)).save(file)
