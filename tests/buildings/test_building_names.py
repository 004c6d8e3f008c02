"""Buildings of photos: by folder, table and regular expression."""

import unicodedata
from pathlib import Path

import pytest

from seamline.buildings.building_names import name_buildings
from seamline.errors import SeamlineError


def table(folder: Path, *lines: str) -> str:
    file = folder / "houses.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def names(files: list[Path], group: str | None) -> list[str | None]:
    result = name_buildings(files, group)
    assert result.warnings == ()
    return [*result.names]


def test_photos_have_no_building_by_default(tmp_path: Path) -> None:
    assert names([tmp_path / "a.jpg", tmp_path / "b.jpg"], None) == [None, None]


def test_a_folder_is_a_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / "12" / "a.jpg", tmp_path / "14" / "a.jpg", tmp_path / "12" / "b.jpg"]
    assert names(files, "folder") == names(files, "Folder") == ["12", "14", "12"]
    monkeypatch.chdir(tmp_path)
    assert names([Path("a.jpg")], "folder") == [tmp_path.name]


def test_folders_of_one_name_are_different_buildings(tmp_path: Path) -> None:
    files = [tmp_path / "mill" / "12" / "a.jpg", tmp_path / "lake" / "12" / "a.jpg", tmp_path / "lake" / "7" / "a.jpg"]
    assert names(files, "folder") == ["mill/12", "lake/12", "lake/7"]


def test_a_table_names_photos_by_any_end_of_their_paths(tmp_path: Path) -> None:
    files = [tmp_path / "x" / "a.jpg", tmp_path / "y" / "a.jpg", tmp_path / "b.v2.jpg", tmp_path / "c.jpg"]
    group = table(
        tmp_path,
        "House;Year;Photo",
        "Mill;1900;x/a.jpg",
        "Lake;1901;./y/a.jpg",
        "Mill;1902;b.v2",
        f"Lake;1903;{tmp_path / 'c.jpg'}",
        "Elsewhere;1904;d.jpg",
    )
    assert names(files, f"{group}:house") == ["Mill", "Lake", "Mill", "Lake"]
    assert names(files, f"{group}:Year") == ["1900", "1901", "1902", "1903"]


def test_letters_may_be_decomposed(tmp_path: Path) -> None:
    file = tmp_path / unicodedata.normalize("NFD", "Mühle.jpg")
    group = table(tmp_path, "photo,house", f"{unicodedata.normalize('NFC', 'Mühle.jpg')},12")
    assert names([file], f"{group}:house") == ["12"]


def test_a_name_with_suffix_comes_before_one_without(tmp_path: Path) -> None:
    group = table(tmp_path, "photo,house", "a.jpg,12", "a.jpg.png,14")
    assert names([tmp_path / "a.jpg", tmp_path / "a.jpg.png"], f"{group}:house") == ["12", "14"]


def test_photos_without_a_row_are_counted_and_named(tmp_path: Path) -> None:
    group = table(tmp_path, "photo,house", "a.jpg,12", "b.jpg,")
    result = name_buildings([tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.jpg"], f"{group}:house")
    assert result.names == ("12", None, None)
    (warning,) = result.warnings
    assert "2 of 3 photos no building" in warning
    assert "b.jpg" in warning
    assert "c.jpg" in warning


@pytest.mark.parametrize(
    ("lines", "column", "problem"),
    [
        (["photo,house", "a.jpg,12"], ":street", "no column is named 'street'; give .*, the columns are photo, house"),
        (
            ["photo,house", "a.jpg,12"],
            "",
            "the column of buildings is not named; give .*, the columns are photo, house",
        ),
        (["photo,house", "a.jpg,12"], ":photo", "no column names the photos"),
        (["photo,house", "d.jpg,12"], ":house", "no column names the photos"),
        ([""], ":house", "the table is empty"),
        (["photo,house", "a.jpg,"], ":house", "gives no photo a building"),
        (["photo,house", "a.jpg,12", "x/a.jpg,14"], ":house", "line 2 names a.jpg, which may be .*x/a.jpg.*y/a.jpg"),
        (["photo,house", "x/a.jpg,12", "x/a.jpg,14"], ":house", "line 3 gives .*a.jpg a second building, 14 after 12"),
    ],
)
def test_mistakes_in_tables_are_one_line(tmp_path: Path, lines: list[str], column: str, problem: str) -> None:
    files = [tmp_path / "x" / "a.jpg"]
    if "may be" in problem:
        files.append(tmp_path / "y" / "a.jpg")
    with pytest.raises(SeamlineError, match=problem) as error:
        name_buildings(files, table(tmp_path, *lines) + column)
    assert "houses.csv" in str(error.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match=r"none\.csv: cannot be read"):
        name_buildings([tmp_path / "a.jpg"], f"{tmp_path / 'none.csv'}:house")


def test_a_regular_expression_captures_the_building(tmp_path: Path) -> None:
    files = [tmp_path / "h12_south.jpg", tmp_path / "h12_east.jpg", tmp_path / "h7_south.jpg"]
    assert names(files, r"(h\d+)_") == ["h12", "h12", "h7"]
    result = name_buildings([*files, tmp_path / "other.jpg"], r"(h\d+)_")
    assert result.names[-1] is None
    assert "1 of 4 photos no building" in result.warnings[0]


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        (r"(h\d+", "is not a regular expression"),
        ("house", r"is no column; name a column of a table as TABLE\.csv:COLUMN, `folder`, or a regular expression"),
        (r"(h)(\d+)", "has 2 captures"),
        (r"(x\d+)", r"gives no photo a building; correct it, photos are such as .*h1\.jpg"),
    ],
)
def test_mistakes_in_regular_expressions_are_one_line(tmp_path: Path, group: str, problem: str) -> None:
    with pytest.raises(SeamlineError, match=problem):
        name_buildings([tmp_path / "h1.jpg"], group)
