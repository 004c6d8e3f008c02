"""Names in tables and JSON files match the files that they mean, on every system."""

import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_files import write_photos
from seamline.data.image_folder import detect_format
from seamline.data.image_folder.file_tree import find_file, list_tree, natural_key
from seamline.errors import SeamlineError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two images of one name in two subfolders, and one whose name is decomposed."""
    for name in ("set/img/a.png", "set/other/a.png", "set/img/" + unicodedata.normalize("NFD", "Größe é") + ".png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("img/a.png", "img/a.png"),
        ("./img/a.png", "img/a.png"),
        ("img\\a.png", "img/a.png"),
        (".\\other\\a.png", "other/a.png"),
        ("C:\\Users\\me\\set\\other\\a.png", "other/a.png"),
        ("D:/data/other/a.png", "other/a.png"),
        ("\\\\server\\share\\img\\a.png", "img/a.png"),
        ("/home/me/data/img/a.png", "img/a.png"),
        ("file:///home/me/other/a.png", "other/a.png"),
        ("../elsewhere/img/a.png", "img/a.png"),
        ("..\\img\\a.png", "img/a.png"),
        ("set/other/a.png", "other/a.png"),
        ("other/b.png", None),
        ("wrong/a.png", None),
        ("C:\\b.png", None),
        ("", None),
        ("img", None),
        ("a\0b", None),
    ],
)
def test_paths_of_other_systems(folder: Path, name: str, expected: str | None) -> None:
    assert find_file(name, [folder]) == (None if expected is None else folder / expected)


def test_an_existing_absolute_path_counts(folder: Path) -> None:
    assert find_file(str(folder / "other" / "a.png"), [folder / "img"]) == folder / "other" / "a.png"
    assert find_file("../other/a.png", [folder / "img"]) == folder / "other" / "a.png"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_match_under_unicode_normalization(folder: Path, form: str) -> None:
    name = unicodedata.normalize(form, "img/Größe é")  # type: ignore[arg-type]
    found = find_file(name, [folder], ("", ".png"))
    assert found is not None
    assert found.is_file()
    assert found.parent.name == "img"


@settings(max_examples=60)
@given(name=st.text(max_size=20))
def test_any_name_is_found_or_not(name: str) -> None:
    assert find_file(name, [Path(__file__).parent / "nothing"]) is None or Path(name).exists()


ORDERED = ["", "10", "a", "a1", "a02", "a2", "a2b3", "a2b20", "a10", "a10b", "b", "b" + 9_999 * "9"]


@given(st.permutations(ORDERED))
def test_names_are_in_the_order_of_their_numbers(names: list[str]) -> None:
    assert sorted(names, key=natural_key) == ORDERED


@given(st.lists(st.integers(0, 10**40)), st.text(alphabet="ab-"))
def test_numbered_names_are_in_the_order_of_integers(numbers: list[int], head: str) -> None:
    names = sorted((f"{head}{number}.jpg" for number in numbers), key=natural_key)
    assert names == [f"{head}{number}.jpg" for number in sorted(numbers)]


@given(st.lists(st.text()), st.randoms())
def test_any_names_have_one_order(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)


def test_system_folders_and_files_are_ignored(folder: Path) -> None:
    for name in (
        "@eaDir/a.png/SYNOFILE_THUMB_M.jpg", "img/@eaDir/a.png/SYNOFILE_THUMB_M.jpg", "__MACOSX/img/._a.png",
        ".ipynb_checkpoints/a-checkpoint.png", "img/Thumbs.db", "Desktop.ini", "#recycle/b.png", "$RECYCLE.BIN/c.png",
        "lost+found/d.png", "System Volume Information/e.png", "img/SYNOPHOTO_THUMB_XL.jpg",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert len(list_tree(folder).files) == 3


def test_json_lines_beside_class_folders_are_no_labels(tmp_path: Path) -> None:
    write_photos(tmp_path, "cat/1.png", "dog/2.png")
    (tmp_path / "meta.json").write_text('{"photo": 1}\n{"photo": 2}\n', encoding="utf-8")
    contents = detect_format(tmp_path)
    assert contents.layout == "class folders"
    assert [entry.what for entry in contents.unused] == ["other file (1 .json)"]
    (tmp_path / "meta.json").write_text('{"photo": 1}\n}', encoding="utf-8")
    with pytest.raises(SeamlineError, match=r"meta\.json: is not valid JSON"):
        detect_format(tmp_path)
