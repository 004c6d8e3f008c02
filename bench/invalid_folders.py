"""Invalid folders of images, passed to `load_folder` or to the command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fuzz_corpus as corpus
from invalid_inputs import InvalidInput, command
from seamline.data.image_folder import load_folder

NOBODY = 65_534


def _load(write: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return an attempt to load a folder."""

    def attempt(folder: Path) -> str:
        write(folder)
        data = load_folder(folder)
        return f"works: {len(data.train)} training images, classes {', '.join(data.classes)}"

    return attempt


def _after(write: Callable[[Path], object], change: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return an attempt to load a valid folder after a change."""

    def write_and_change(folder: Path) -> None:
        write(folder)
        change(folder)

    return _load(write_and_change)


def _pairs(change: Callable[[Path], object]) -> Callable[[Path], str]:
    return _after(corpus.write_names, change)


def _classes(change: Callable[[Path], object]) -> Callable[[Path], str]:
    return _after(corpus.write_classes, change)


def _table(old: str, new: str) -> Callable[[Path], str]:
    """Return an attempt to load a table with one text replaced."""

    def change(folder: Path) -> None:
        file = folder / "labels.csv"
        file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    return _after(corpus.write_table, change)


def _coco(change: Callable[[Any], object]) -> Callable[[Path], str]:
    """Return an attempt to load COCO JSON after a change."""

    def rewrite(folder: Path) -> None:
        file = folder / "instances.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        change(content)
        file.write_text(json.dumps(content), encoding="utf-8")

    return _after(corpus.write_coco, rewrite)


def _as_jpeg(folder: Path) -> None:
    for mask in (folder / "masks").iterdir():
        Image.open(mask).convert("RGB").save(mask, "JPEG")


def _only_in_test(folder: Path) -> None:
    corpus.write_classes(folder / "train")
    (folder / "test").mkdir()
    (folder / "train" / "dark").rename(folder / "test" / "dark")


def _smaller_mask(folder: Path) -> None:
    Image.fromarray(corpus.classes(0)[:30]).save(folder / "masks" / "0.png")


def _undeclared_value(folder: Path) -> None:
    Image.fromarray(corpus.classes(0) + np.uint8(5)).save(folder / "masks" / "0.png")


def _transparent(folder: Path) -> None:
    Image.new("RGBA", (48, 40), (0, 0, 0, 9)).save(folder / "masks" / "0.png")


def _one_class(folder: Path) -> None:
    for file in (folder / "masks").iterdir():
        Image.new("L", (48, 40), 0).save(file)
    (folder / "classes.txt").unlink()


def _rewrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _circular_links(folder: Path) -> None:
    (folder / "dark" / "back").symlink_to(folder)
    (folder / "dark" / "self").symlink_to(folder / "dark" / "self")


def _as_other_user(attempt: Callable[[Path], str]) -> Callable[[Path], str]:
    """Return an attempt without the rights of root."""

    def attempt_as_other_user(folder: Path) -> str:
        if os.geteuid() != 0:
            return attempt(folder)
        os.seteuid(NOBODY)
        try:
            return attempt(folder)
        finally:
            os.seteuid(0)

    return attempt_as_other_user


def _unreadable(name: str) -> Callable[[Path], str]:
    """Return an attempt to load class folders with an unreadable file or folder."""

    def attempt(folder: Path) -> str:
        corpus.write_classes(folder)
        folder.chmod(0o755)
        (folder / name).chmod(0)
        try:
            return _as_other_user(_load(lambda folder: None))(folder)
        finally:
            (folder / name).chmod(0o755)

    return attempt


def _full(max_bytes: int) -> Callable[[Path], str]:
    """Return an attempt to train with a limit on the size of files."""

    def attempt(folder: Path) -> str:
        corpus.write_classes(folder / "set", 12, 28, 28)
        arguments = ("train", folder / "set", "--out", folder / "run", "--threads", 1, "--set", "epochs=1")
        return command(*arguments, max_bytes=max_bytes)

    return attempt


def _not_writable(folder: Path) -> str:
    """Check a run folder in a place that belongs to root, as every training does first."""
    script = (
        "import os; from pathlib import Path; from seamline.run_folder import RunFolder\n"
        f"os.geteuid() or os.setuid({NOBODY})\n"
        "try: RunFolder(Path('/usr/run')).check_writable()\n"
        "except Exception as error: print(type(error).__name__, error, sep=': ')"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return process.stdout.strip().removeprefix("SeamlineError: ")


FOLDERS = (
    InvalidInput("an empty folder", _load(lambda folder: None)),
    InvalidInput("an image without a mask", _pairs(lambda folder: (folder / "masks" / "1.png").unlink())),
    InvalidInput("a mask without an image", _pairs(lambda folder: (folder / "images" / "1.png").unlink())),
    InvalidInput("a mask of another size", _pairs(_smaller_mask)),
    InvalidInput("a value outside the classes declared", _pairs(_undeclared_value)),
    InvalidInput("masks saved as JPEG", _pairs(_as_jpeg)),
    InvalidInput("a mask with transparent pixels", _pairs(_transparent)),
    InvalidInput("masks of one class alone", _pairs(_one_class)),
    InvalidInput("class folders, one class alone", _load(lambda folder: corpus.write_photos(folder / "one"))),
    InvalidInput("a class only in test", _load(_only_in_test)),
    InvalidInput("a damaged image among others", _classes(_rewrite("dark/1.png", b"\x89PNG\r\n\x1a\nno more"))),
    InvalidInput("names in classes.txt and classes.json", _pairs(_rewrite("classes.json", b"{}"))),
    InvalidInput("classes.json cut off", _after(corpus.write_palette, _rewrite("classes.json", b'{"wall": [0, 0'))),
    InvalidInput(
        "classes.json, an invalid color",
        _after(corpus.write_palette, _rewrite("classes.json", b'{"a": "#12", "b": 3}')),
    ),
)
"""Invalid folders."""

TABLES = (
    InvalidInput("CSV, a file listed twice", _table("1.png,dark,train", "0.png,bright,train")),
    InvalidInput("CSV, one file with two labels", _table("1.png,dark,train", "0.png,dark,train")),
    InvalidInput("CSV, a file that is not there", _table("1.png", "missing.png")),
    InvalidInput("CSV, a name longer than names can be", _table("1.png", "x" * 400)),
    InvalidInput("CSV, a line without a label", _table("1.png,dark", "1.png,")),
    InvalidInput("CSV, an unknown split", _table("val", "later")),
    InvalidInput("CSV, a quotation mark that is not closed", _table("dark", '"dark')),
    InvalidInput(
        "CSV, not in UTF-8", _after(corpus.write_table, _rewrite("labels.csv", "file,label\n0.png,ü".encode("latin-1")))
    ),
    InvalidInput("CSV, labels in a column of another name", _table("label", "remark")),
    InvalidInput(
        "two CSV files", _after(corpus.write_table, _rewrite("again.csv", b"file,label\n0.png,dark\n1.png,bright\n"))
    ),
    InvalidInput("JSON cut off", _after(corpus.write_coco, _rewrite("instances.json", b'{"images": [{"id": 1,'))),
    InvalidInput(
        "JSON, 100,000 lists in one another", _after(corpus.write_coco, _rewrite("instances.json", b"[" * 100_000))
    ),
    InvalidInput(
        "COCO, masks in run-length form",
        _coco(lambda content: content["annotations"][0].update(segmentation={"counts": [1]})),
    ),
    InvalidInput(
        "COCO, boxes and no polygons", _coco(lambda content: [a.pop("segmentation") for a in content["annotations"]])
    ),
    InvalidInput(
        "COCO, a category that is not listed", _coco(lambda content: content["annotations"][0].update(category_id=9))
    ),
    InvalidInput(
        "COCO, an image outside the folder",
        _coco(lambda content: content["images"][0].update(file_name="../../secret.png")),
    ),
    InvalidInput(
        "COCO, a polygon with an x without y",
        _coco(lambda content: content["annotations"][0].update(segmentation=[[1, 1, 2, 2, 3]])),
    ),
    InvalidInput(
        "COCO, a corner that is NaN",
        _coco(lambda content: content["annotations"][0].update(segmentation=[[1, 1, 2, 2, 3, float("nan")]])),
    ),
    InvalidInput(
        "COCO, a corner of 400 digits",
        _coco(lambda content: content["annotations"][0].update(segmentation=[[1, 1, 2, 2, 3, 10**400]])),
    ),
    InvalidInput(
        "LabelMe, its image is not there", _after(corpus.write_labelme, lambda folder: (folder / "1.png").unlink())
    ),
    InvalidInput(
        "LabelMe, a shape without corners",
        _after(corpus.write_labelme, _rewrite("1.json", b'{"imagePath": "1.png", "shapes": [{"label": "x"}]}')),
    ),
)
"""Invalid tables and JSON."""

PERMISSIONS = (
    InvalidInput("links in circles", _classes(_circular_links)),
    InvalidInput("a link to nothing", _classes(lambda folder: (folder / "dark" / "9.png").symlink_to("nowhere.png"))),
    InvalidInput("a pipe among the images", _classes(lambda folder: os.mkfifo(folder / "dark" / "9.png"))),
    InvalidInput("a folder that may not be read", _unreadable("dark")),
    InvalidInput("an image that may not be read", _unreadable("dark/1.png")),
)
"""Unusual links and permissions."""

DISKS = (
    InvalidInput("a run folder that may not be made", _not_writable),
    InvalidInput("a full disk, before the first file", _full(100)),
    InvalidInput("a full disk, at the weights", _full(100_000)),
)
"""Full and read-only disks, with `seamline train`; each in its own process."""
