"""Bad folders of own images, given to `load_folder` or to the command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import fuzz_corpus as seeds
from invalid_inputs import Bad, command
from seamline.data.image_folder import load_folder

NOBODY = 65_534


def _load(make: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return an attempt to load what is made."""

    def attempt(folder: Path) -> str:
        make(folder)
        data = load_folder(folder)
        return f"works: {len(data.train)} images to learn from, classes {', '.join(data.classes)}"

    return attempt


def _after(make: Callable[[Path], object], change: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return an attempt to load a whole folder that was changed."""

    def both(folder: Path) -> None:
        make(folder)
        change(folder)

    return _load(both)


def _pairs(change: Callable[[Path], object]) -> Callable[[Path], str]:
    return _after(seeds.write_names, change)


def _classes(change: Callable[[Path], object]) -> Callable[[Path], str]:
    return _after(seeds.write_classes, change)


def _table(old: str, new: str) -> Callable[[Path], str]:
    """Return an attempt to load a table of files and labels with one text replaced."""

    def change(folder: Path) -> None:
        file = folder / "labels.csv"
        file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    return _after(seeds.write_table, change)


def _coco(change: Callable[[Any], object]) -> Callable[[Path], str]:
    """Return an attempt to load COCO JSON that was changed."""

    def rewrite(folder: Path) -> None:
        file = folder / "instances.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        change(content)
        file.write_text(json.dumps(content), encoding="utf-8")

    return _after(seeds.write_coco, rewrite)


def _as_jpeg(folder: Path) -> None:
    for mask in (folder / "masks").iterdir():
        Image.open(mask).convert("RGB").save(mask, "JPEG")


def _only_in_test(folder: Path) -> None:
    seeds.write_classes(folder / "train")
    (folder / "test").mkdir()
    (folder / "train" / "dark").rename(folder / "test" / "dark")


def _smaller_mask(folder: Path) -> None:
    Image.fromarray(seeds.classes(0)[:30]).save(folder / "masks" / "0.png")


def _outside(folder: Path) -> None:
    Image.fromarray(seeds.classes(0) + np.uint8(5)).save(folder / "masks" / "0.png")


def _clear(folder: Path) -> None:
    Image.new("RGBA", (48, 40), (0, 0, 0, 9)).save(folder / "masks" / "0.png")


def _one_class(folder: Path) -> None:
    for file in (folder / "masks").iterdir():
        Image.new("L", (48, 40), 0).save(file)
    (folder / "classes.txt").unlink()


def _rewrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _circle(folder: Path) -> None:
    (folder / "dark" / "back").symlink_to(folder)
    (folder / "dark" / "self").symlink_to(folder / "dark" / "self")


def _as_nobody(attempt: Callable[[Path], str]) -> Callable[[Path], str]:
    """Return an attempt without root's rights; as another user than root it is as it is."""

    def limited(folder: Path) -> str:
        if os.geteuid() != 0:
            return attempt(folder)
        os.seteuid(NOBODY)
        try:
            return attempt(folder)
        finally:
            os.seteuid(0)

    return limited


def _unreadable(name: str) -> Callable[[Path], str]:
    """Return an attempt to load class folders of which one place may not be read."""

    def attempt(folder: Path) -> str:
        seeds.write_classes(folder)
        folder.chmod(0o755)
        (folder / name).chmod(0)
        try:
            return _as_nobody(_load(lambda place: None))(folder)
        finally:
            (folder / name).chmod(0o755)

    return attempt


def _full(largest: int) -> Callable[[Path], str]:
    """Return an attempt to train where no file may grow larger."""

    def attempt(folder: Path) -> str:
        seeds.write_classes(folder / "set", 12, 28, 28)
        words = ("train", folder / "set", "--out", folder / "run", "--threads", 1, "--set", "epochs=1")
        return command(*words, largest=largest)

    return attempt


def _not_writable(folder: Path) -> str:
    """Ask, as every training does first, whether a folder may be made in a place that belongs to root."""
    script = (
        "import os; from pathlib import Path; from seamline.training.run_dir import Run\n"
        f"os.geteuid() or os.setuid({NOBODY})\n"
        "try: Run(Path('/usr/run')).check_writable()\n"
        "except Exception as error: print(type(error).__name__, error, sep=': ')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("SeamlineError: ")


FOLDERS = (
    Bad("an empty folder", _load(lambda folder: None)),
    Bad("an image without a mask", _pairs(lambda folder: (folder / "masks" / "1.png").unlink())),
    Bad("a mask without an image", _pairs(lambda folder: (folder / "images" / "1.png").unlink())),
    Bad("a mask of another size", _pairs(_smaller_mask)),
    Bad("a value outside the classes declared", _pairs(_outside)),
    Bad("masks saved as JPEG", _pairs(_as_jpeg)),
    Bad("a mask with transparent pixels", _pairs(_clear)),
    Bad("masks of one class alone", _pairs(_one_class)),
    Bad("class folders, one class alone", _load(lambda folder: seeds.write_photos(folder / "one"))),
    Bad("a class only in test", _load(_only_in_test)),
    Bad("a damaged image among others", _classes(_rewrite("dark/1.png", b"\x89PNG\r\n\x1a\nno more"))),
    Bad("names in classes.txt and classes.json", _pairs(_rewrite("classes.json", b"{}"))),
    Bad("classes.json cut off", _after(seeds.write_colours, _rewrite("classes.json", b'{"wall": [0, 0'))),
    Bad(
        "classes.json, a colour that is none",
        _after(seeds.write_colours, _rewrite("classes.json", b'{"a": "#12", "b": 3}')),
    ),
)
"""Folders that are not what they should be."""

TABLES = (
    Bad("CSV, a file listed twice", _table("1.png,dark,train", "0.png,bright,train")),
    Bad("CSV, one file with two labels", _table("1.png,dark,train", "0.png,dark,train")),
    Bad("CSV, a file that is not there", _table("1.png", "missing.png")),
    Bad("CSV, a name longer than names can be", _table("1.png", "x" * 400)),
    Bad("CSV, a line without a label", _table("1.png,dark", "1.png,")),
    Bad("CSV, an unknown split", _table("val", "later")),
    Bad("CSV, a quotation mark that is not closed", _table("dark", '"dark')),
    Bad(
        "CSV, not in UTF-8", _after(seeds.write_table, _rewrite("labels.csv", "file,label\n0.png,ü".encode("latin-1")))
    ),
    Bad("CSV, without a column of labels", _table("label", "remark")),
    Bad("two CSV files", _after(seeds.write_table, _rewrite("again.csv", b"file,label\n0.png,dark\n1.png,bright\n"))),
    Bad("JSON cut off", _after(seeds.write_coco, _rewrite("instances.json", b'{"images": [{"id": 1,'))),
    Bad("JSON, 100,000 lists in one another", _after(seeds.write_coco, _rewrite("instances.json", b"[" * 100_000))),
    Bad(
        "COCO, masks in run-length form", _coco(lambda one: one["annotations"][0].update(segmentation={"counts": [1]}))
    ),
    Bad("COCO, boxes and no polygons", _coco(lambda one: [a.pop("segmentation") for a in one["annotations"]])),
    Bad("COCO, a category that is not listed", _coco(lambda one: one["annotations"][0].update(category_id=9))),
    Bad("COCO, an image outside the folder", _coco(lambda one: one["images"][0].update(file_name="../../secret.png"))),
    Bad("COCO, a polygon of two corners", _coco(lambda one: one["annotations"][0].update(segmentation=[[1, 1, 2, 2]]))),
    Bad(
        "COCO, a corner that is NaN",
        _coco(lambda one: one["annotations"][0].update(segmentation=[[1, 1, 2, 2, 3, float("nan")]])),
    ),
    Bad(
        "COCO, a corner of 400 digits",
        _coco(lambda one: one["annotations"][0].update(segmentation=[[1, 1, 2, 2, 3, 10**400]])),
    ),
    Bad("LabelMe, its image is not there", _after(seeds.write_labelme, lambda folder: (folder / "1.png").unlink())),
    Bad(
        "LabelMe, a shape without corners",
        _after(seeds.write_labelme, _rewrite("1.json", b'{"imagePath": "1.png", "shapes": [{"label": "x"}]}')),
    ),
)
"""Tables and JSON that are not what they should be."""

PLACES = (
    Bad("links in circles", _classes(_circle)),
    Bad("a link to nothing", _classes(lambda folder: (folder / "dark" / "9.png").symlink_to("nowhere.png"))),
    Bad("a pipe among the images", _classes(lambda folder: os.mkfifo(folder / "dark" / "9.png"))),
    Bad("a folder that may not be read", _unreadable("dark")),
    Bad("an image that may not be read", _unreadable("dark/1.png")),
)
"""Places of files that are not what they should be."""

DISKS = (
    Bad("a run folder that may not be made", _not_writable),
    Bad("a full disk, before the first file", _full(100)),
    Bad("a full disk, at the weights", _full(100_000)),
)
"""Disks that take no more, tried with `seamline train`; each is a process of its own."""
