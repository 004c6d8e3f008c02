"""Corrections are read by training as they were saved, whatever their names, and whatever interrupts a save."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_folder import corrections, detect_format, load_folder
from seamline.data.image_folder.corrections import CorrectedPhoto, CorrectionFolder
from seamline.errors import SeamlineError
from seamline.io import write_bytes
from seamline.run_folder import Task

COLORS = ((0, 0, 0), (0, 128, 255), (255, 128, 0))


def masks_in(folder: Path, classes: tuple[str, ...] = ("sky", "wall", "window")) -> CorrectionFolder:
    return opened(folder, "segmentation", classes)


def labels_in(folder: Path, classes: tuple[str, ...] = ("T-shirt/top", "..", "train")) -> CorrectionFolder:
    return opened(folder, "classification", classes)


def opened(folder: Path, task: Task, classes: tuple[str, ...]) -> CorrectionFolder:
    palette = COLORS[: len(classes)] if task == "segmentation" else ()
    made = CorrectionFolder(folder=folder, task=task, classes=classes, palette=palette, model="m", weights="0" * 32)
    made.prepare()
    return made


def photo(name: str = "street.png", seed: int = 0, label: str | NDArray[np.uint8] | None = None) -> CorrectedPhoto:
    """A photo of noise, 40 x 32, with its mask or label."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (32, 40, 3), np.uint8)
    mask = chance.integers(0, 3, (32, 40), np.uint8)
    return CorrectedPhoto(name=name, content=pixels.tobytes(), pixels=pixels, label=mask if label is None else label)


def files_in(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_masks_are_read_as_they_were_saved(tmp_path: Path) -> None:
    folder, photos = masks_in(tmp_path / "new" / "folder"), [photo(seed=seed) for seed in range(4)]
    saved = [folder.save(one) for one in photos]
    data = load_folder(folder.folder, size="40x32")
    assert (data.classes, data.palette) == (folder.classes, COLORS)
    for one, correction in zip(photos, saved, strict=True):
        place = data.train.names.index(correction.image)
        assert np.array_equal(data.train.images[place], one.pixels)
        assert np.array_equal(data.train.labels[place], one.label)
    (unused,) = data.unused
    assert unused.sentence == (
        "4 files about corrections (4 .json), such as " + min(one.image for one in saved).replace(".png", "")
        + ".correction.json: they say when and with which model an image was corrected"
    )  # fmt: skip
    assert sorted(folder.corrections(), key=lambda one: one.image) == sorted(saved, key=lambda one: one.image)


def test_labels_are_read_as_they_were_saved(tmp_path: Path) -> None:
    folder = labels_in(tmp_path)
    for count, label in enumerate(folder.classes, 1):  # also of one class alone
        folder.save(photo(label=label, seed=count))
        data = load_folder(tmp_path)
        assert data.classes == folder.classes
        assert sorted(data.train.labels.tolist()) == list(range(count))
        assert not data.warnings


def test_jpeg_remains_jpeg_and_gray_remains_gray(tmp_path: Path) -> None:
    folder = labels_in(tmp_path)
    gray = np.full((9, 9, 3), 7, np.uint8)
    saved = folder.save(CorrectedPhoto(name="a", content=b"\xff\xd8\xff\xe0", pixels=gray, label="train"))
    with Image.open(tmp_path / saved.image) as image:
        assert (image.format, image.mode, image.getpixel((3, 3))) == ("JPEG", "L", 7)


@settings(max_examples=25)
@given(name=st.one_of(
    st.text(max_size=400),
    st.sampled_from(("../../etc/passwd", "/etc/passwd", "C:\\x\\a.jpg", "CON", "nul.png", "a\0.png", "\ud800.jpg")),
    st.builds("{}{}".format, st.sampled_from(("mask", "image_", "label-", "gt.", ".")), st.text("_-1a.", max_size=9)),
    st.builds("{}{}.png".format, st.text("a1-", max_size=5), st.sampled_from(("_mask", "-mask", "_gt", "_seg"))),
))  # fmt: skip
def test_no_name_leaves_the_folder_or_confuses_training(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("outer")
    folder = masks_in(outer / "inner")
    folder.save(photo("street.png"))
    saved = folder.save(photo(name))
    assert saved.mask is not None
    assert len(Path(saved.image).name) < 70
    assert [path.name for path in outer.iterdir()] == ["inner"]
    samples = detect_format(folder.folder).samples
    assert {sample.name: sample.mask for sample in samples}[saved.image] == folder.folder / saved.mask
    assert len(samples) == 2
    assert len([*folder.corrections()]) == 2


def test_people_who_save_one_photo_at_once_all_keep_theirs(tmp_path: Path) -> None:
    folder = masks_in(tmp_path)
    with ThreadPoolExecutor(8) as people:
        saved = [*people.map(folder.save, [photo()] * 16)]
    assert len({one.image for one in saved}) == 16
    assert len(detect_format(tmp_path).samples) == 16


def test_removing_takes_the_earlier_correction_of_the_same_photo_alone(tmp_path: Path) -> None:
    folder = masks_in(tmp_path / "a")
    saved, other = folder.save(photo()), folder.save(photo(seed=1))
    (tmp_path / "outside.png").write_bytes(b"")
    before = files_in(tmp_path)
    for image in (
        saved.image,
        "../outside.png",
        "images/../images/x.png",
        "",
        "images/\0.png",
        "masks/" + saved.image[7:],
    ):
        assert not folder.remove(image, other.sha256)
    assert files_in(tmp_path) == before
    assert folder.remove(saved.image, saved.sha256)
    assert [*folder.corrections()] == [other]
    assert len(files_in(tmp_path / "a")) == 4


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_full_disk_leaves_nothing_behind(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = masks_in(tmp_path)
    folder.save(photo())
    before = files_in(tmp_path)
    calls: list[Path] = []

    def write(file: Path, content: bytes) -> None:
        if len(calls) == step:
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        calls.append(file)
        write_bytes(file, content)

    monkeypatch.setattr(corrections, "write_bytes", write)
    with pytest.raises(OSError, match="No space left"):
        folder.save(photo())
    assert files_in(tmp_path) == before


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(
    ("task", "step"), [*(("segmentation", step) for step in range(3)), *(("classification", step) for step in range(2))]
)
def test_a_crash_leaves_nothing_that_training_reads(
    task: Task, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends after some of the files; also the next start takes the folder."""
    masks = task == "segmentation"
    folder = masks_in(tmp_path) if masks else labels_in(tmp_path)
    first = folder.save(photo(label=None if masks else "train"))
    calls: list[Path] = []

    def write(file: Path, content: bytes) -> None:
        if len(calls) == step:
            raise Killed
        calls.append(file)
        write_bytes(file, content)

    monkeypatch.setattr(corrections, "write_bytes", write)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # a process that ends cleans nothing up
    with pytest.raises(Killed):
        folder.save(photo(seed=1, label=None if masks else "train"))
    monkeypatch.undo()
    folder.prepare()
    contents = detect_format(tmp_path)
    assert [sample.name for sample in contents.samples] == [first.image]
    assert [*folder.corrections()] == [first]
    counted = {item.what.partition(" (")[0]: item.count for item in contents.unused}
    assert counted.pop("file of interrupted saves", 0) == (masks and step == 2)
    assert sum(counted.values()) == 1 + (step > 0)


def make_folder(kind: str, folder: Path) -> None:
    """Write a folder that cannot take corrections of `sky`, `wall` and `window`."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 40, 3), np.uint8))
    names = {
        "class folders": ("cat/a.png", "dog/b.png"),
        "masks without class names": ("images/a.png", "masks/a.png"),
        "splits": ("train/images/a.png", "train/masks/a.png"),
        "pictures": ("a.png",),
    }.get(kind, ())
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (Image.new("L", (40, 32), 1) if "masks" in name else image).save(folder / name)
    if kind == "other classes":
        masks_in(folder, ("sky", "wall"))
    if kind == "labels":
        labels_in(folder)
    if kind == "splits":
        (folder / "classes.txt").write_text("sky\nwall\nwindow\n")
    if kind == "a file":
        folder.write_text("")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("other classes", "has the classes sky, wall, and m predicts sky, wall, window"),
        ("labels", "has the classes T-shirt/top, .., train"),
        ("class folders", "has the layout class folders"),
        ("masks without class names", "has masks and no classes.json"),
        ("splits", "has folders of splits"),
        ("pictures", "has no supported layout"),
        ("a file", "cannot be written to (File exists)"),
    ],
)
def test_other_folders_are_refused(kind: str, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    make_folder(kind, folder)
    before = files_in(tmp_path)
    with pytest.raises(SeamlineError) as error:
        masks_in(folder)
    assert words in str(error.value)
    assert str(folder) in str(error.value)
    assert files_in(tmp_path) == before


def test_class_folders_of_ones_own_take_corrections(tmp_path: Path) -> None:
    make_folder("class folders", tmp_path)
    folder = labels_in(tmp_path, ("cat", "dog", "bird"))
    folder.save(photo(label="bird"))
    assert load_folder(tmp_path).classes == ("cat", "dog", "bird")


def test_a_folder_that_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(corrections, "TemporaryFile", refuse)
    with pytest.raises(SeamlineError, match=r"cannot be written to \(Permission denied\); name a folder"):
        masks_in(tmp_path)
    assert files_in(tmp_path) == []
