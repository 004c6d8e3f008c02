"""Tables: columns are recognized by their contents; the header is a hint."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import refusal
from image_files import write_mask, write_photos
from seamline.data.image_folder import detect_format, load_folder
from seamline.errors import SeamlineError

NAMES = [f"a{number}.png" for number in range(6)]


def write_table(folder: Path, *lines: str, name: str = "labels.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def rows(form: str, names: list[str] = NAMES) -> list[str]:
    """A row per image; the class is cat or dog in turns, `number` counts from 0."""
    return [
        form.format(name=name, stem=Path(name).stem, label=("cat", "dog")[number % 2], number=number, bit=number % 2)
        for number, name in enumerate(names)
    ]


def labels(path: Path) -> dict[str, str | None]:
    return {sample.file.name: sample.label for sample in detect_format(path).samples}


TRUTH = {name: ("cat", "dog")[number % 2] for number, name in enumerate(NAMES)}


@pytest.mark.parametrize(
    "lines",
    [
        rows("{name},{label}"),
        rows("{label};{name}"),
        rows("{number},{name},{label}"),
        [",x,y", *rows("{number},{name},{label}")],
        ["id,breed", *rows("{stem},{label}")],
        ["image_name,score,label", *rows("{name},0.{number}1,{label}")],
        ["name,label,score", *rows("{name},{label},0.{number}5")],
        ["label,animal,file", *rows("0.{number}3,{label},{name}")],
        ["file,class_id,class_name", *rows("{name},{bit},{label}")],
        ["file,age,kind", *rows("{name},3{bit},{label}")],
        ["file,camera,label", *rows("{name},left,{label}")],
        ["file,side,label", *[f"{row},{label}" for row, label in zip(rows("{name},{bit}"), "aabbab", strict=True)]],
        ["file,cat,dog", *[f"{name},{1 - number % 2},{number % 2}" for number, name in enumerate(NAMES)]],
        ["file,cat,dog,mm", *[f"{name},{1 - number % 2},{number % 2},{number}.5" for number, name in enumerate(NAMES)]],
        ["age,file,cat,dog", *[f"3,{name},{1 - number % 2},{number % 2}" for number, name in enumerate(NAMES)]],
        ["image, cat, dog", *[f"{name}, {1 - number % 2}.0, {number % 2}.0" for number, name in enumerate(NAMES)]],
    ],
)
def test_columns_are_recognized(tmp_path: Path, lines: list[str]) -> None:
    write_photos(tmp_path, *NAMES)
    write_table(tmp_path, *lines)
    expected = dict(zip(NAMES, "aabbab", strict=True)) if "side" in lines[0] else TRUTH
    assert labels(tmp_path) == expected
    assert labels(tmp_path / "labels.csv") == expected


@pytest.mark.parametrize(
    "form",
    [
        "img\\{name}",
        ".\\img\\{name}",
        "C:\\data\\img\\{name}",
        "/home/me/img/{name}",
        "{name}",
        "{stem}",
        "./img/{name}",
    ],
)
def test_names_of_files_in_many_forms(tmp_path: Path, form: str) -> None:
    write_photos(tmp_path, *(f"img/{name}" for name in NAMES))
    write_table(tmp_path, "file,label", *rows(form + ",{label}"))
    assert labels(tmp_path) == TRUTH


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["file,sex,site", *rows("{name},{label},{bit}"), "a0.png,cat,1"],
            "the columns 'sex', 'site' could be the labels",
        ),
        (
            ["file,class,category", *rows("{name},{label},{bit}"), "a0.png,cat,1"],
            "the columns 'class', 'category' could be",
        ),
        (
            [*rows("{name},{label},{bit}"), "a0.png,cat,1"],
            "number 3 could be the labels; name one of them 'label' in the he",
        ),
        (
            ["file,label", *rows("{name},0.{number}5")],
            "the column 'label' contains numbers with fractions, not classes",
        ),
        (
            ["file,male,female,kind", *[f"a{i}.png,{i % 2},{1 - i % 2},{kind}" for i, kind in enumerate("aabbab")]],
            "could be the labels",
        ),
        (["file,cat,dog", *rows("{name},1,{bit}")], "line 3 marks 2 classes (cat, dog); mark one class per image"),
        (["file,cat,dog", *rows("{name},0,{bit}")], "line 2 marks no class; mark one class per image"),
        (["file,label", *rows("{name},{label}"), "b.png,cat"], "line 8 names b.png, which is not in"),
    ],
)
def test_ambiguous_tables_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    write_photos(tmp_path, *NAMES)
    write_table(tmp_path, *lines)
    assert message in refusal(lambda: detect_format(tmp_path))


def test_a_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    write_photos(tmp_path, *NAMES, "x/b.png", "y/b.png")
    write_table(tmp_path, "file,label", *rows("{name},{label}"), "b.png,cat")
    assert "line 8 names b.png, which may be x/b.png, y/b.png; name files with their folder" in refusal(
        lambda: detect_format(tmp_path)
    )


def test_a_table_beside_class_folders_or_masks(tmp_path: Path) -> None:
    names = [f"{('oak', 'pine')[number % 3 > 0]}/{number}.png" for number in range(6)]
    write_photos(tmp_path / "classes", *names)
    write_table(tmp_path / "classes", "file,camera", *rows("{name},{bit}", names))
    assert "'camera' or the folders (oak, pine) could be the labels" in refusal(
        lambda: detect_format(tmp_path / "classes")
    )
    write_photos(tmp_path / "masked", *(f"images/{name}" for name in NAMES))
    for name in NAMES:
        write_mask(tmp_path / "masked" / "masks" / name, 0, 1)
    write_table(tmp_path / "masked", "file,camera", *rows("images/{name},{bit}"))
    contents = detect_format(tmp_path / "masked")
    assert (contents.task, [entry.example for entry in contents.unused]) == ("segmentation", ["labels.csv"])


def splits(folder: Path) -> dict[str, int]:
    return Counter(f"{sample.split}:{sample.label}" for sample in detect_format(folder).samples)


def test_a_table_beside_folders_of_splits(tmp_path: Path) -> None:
    write_photos(tmp_path, *(f"train_images/{name}" for name in NAMES), "test_images/0.png", "test_images/a0.png")
    write_table(tmp_path, "image_id,label", *rows("{name},{label}"), name="train.csv")
    write_table(tmp_path, "image_id,label", "0.png,0", "a0.png,0", name="sample_submission.csv")
    write_table(tmp_path, "image_id", "0.png", "a0.png", name="test.csv")
    assert splits(tmp_path) == {"train:cat": 3, "train:dog": 3}
    images, others = detect_format(tmp_path).unused
    assert (images.count, others.count) == (2, 2)
    write_table(tmp_path, "image_id,label", "0.png,cat", "a0.png,dog", name="test.csv")
    assert splits(tmp_path) == {"train:cat": 3, "train:dog": 3, "test:cat": 1, "test:dog": 1}
    assert load_folder(tmp_path).classes == ("cat", "dog")


def test_a_table_in_each_folder_of_a_split(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        write_photos(tmp_path / split, *NAMES)
        bits = (f"{name}, {1 - number % 2}, {number % 2}" for number, name in enumerate(NAMES))
        write_table(tmp_path / split, "filename, cat, dog", *bits, name="_classes.csv")
    expected = {f"{split}:{label}": 3 for split in ("train", "val", "test") for label in ("cat", "dog")}
    assert splits(tmp_path) == expected
    assert detect_format(tmp_path).unused == ()


@pytest.mark.parametrize("names", [("Training", "PublicTest"), ("train", "test_set"), ("TRAIN", "testing")])
@pytest.mark.parametrize("header", [["file,label,x"], ["file,label,Usage"], []])
def test_a_column_of_splits(tmp_path: Path, names: tuple[str, str], header: list[str]) -> None:
    write_photos(tmp_path, *NAMES)
    write_table(tmp_path, *header, *(f"{row},{names[number > 3]}" for number, row in enumerate(rows("{name},{label}"))))
    assert splits(tmp_path) == {"train:cat": 2, "train:dog": 2, "test:cat": 1, "test:dog": 1}


@given(
    st.lists(st.lists(st.sampled_from(["a0.png", "a1", "cat", "1", "0.5", "", "train", '"', "\0", "é"]), max_size=4))
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_is_read_or_refused(tmp_path: Path, cells: list[list[str]]) -> None:
    write_photos(tmp_path, *NAMES[:2])
    write_table(tmp_path, *map(",".join, cells))
    with suppress(SeamlineError):
        assert {sample.file.name for sample in detect_format(tmp_path).samples} <= {*NAMES}
