"""Class maps that the user names: parsing of files and options, and refusals in one line."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import refusal
from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.class_map.files import check_maps, find_map, parse_class_map, parse_maps, read_class_map
from seamline.run_folder import ClassMap, to_json

STREETS_FILE = """
order = ["facade", "window"]
ignore = ["person"]

[classes]
car = "vehicle"
"two words" = "phrase"

[merged]
pillar = "facade"

[palette]
vehicle = "#ffff00"
facade = [0, 128, 255]
"""


def write(folder: Path, content: str, name: str = "map.toml") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    expected = ClassMap(
        classes={"car": "vehicle", "two words": "phrase"},
        ignore=("person",),
        order=("facade", "window"),
        merged={"pillar": "facade"},
        palette={"vehicle": (255, 255, 0), "facade": (0, 128, 255)},
    )
    assert read_class_map(write(tmp_path, STREETS_FILE)) == expected
    as_json = {
        "classes": {"car": "vehicle", "two words": "phrase"},
        "ignore": ["person"],
        "order": ["facade", "window"],
        "merged": {"pillar": "facade"},
        "palette": {"vehicle": [255, 255, 0], "facade": "#0080ff"},
    }
    assert read_class_map(write(tmp_path, json.dumps(as_json), "map.json")) == expected
    assert [*expected.palette] == ["vehicle", "facade"]  # the order of the classes


@pytest.mark.parametrize("name", sorted(CLASS_MAPS))
def test_a_builtin_map_has_the_form_of_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_bytes(to_json(CLASS_MAPS[name]))
    assert read_class_map(file) == CLASS_MAPS[name]


def test_decomposed_letters_name_the_same_class(tmp_path: Path) -> None:
    file = write(tmp_path, '[classes]\n"Tu\u0308r" = " door "\n')
    assert read_class_map(file) == ClassMap(classes={"T\u00fcr": "door"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("clases = 1", "unknown key 'clases'; did you mean 'classes'? There are classes, ignore, order, merged"),
        ("[classes]\ncar = 3", "Expected `str`, got `int` - at `$.classes[...]`"),
        ("ignore = 'car'", "Expected `array`, got `str` - at `$.ignore`"),
        ("ignore = ['car', 'car ']", "ignore names a class twice"),
        ("[palette]\ncar = '#12'", "'#12' is not a color"),
        ("[palette]\ncar = [0, 0, 256]", "(0, 0, 256) is not a color"),
        ("[classes]\ncar = ''", "'' is no name of a class"),
        ("[classes]\n'car ' = 'a'\ncar = 'b'", "it has 'car' twice"),
        ("boxes = 1", "Expected `bool`, got `int`"),
        ("car vehicle", "line 1"),
    ],
)
def test_an_invalid_file_is_refused_in_one_line(content: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, content)
    line = refusal(lambda: read_class_map(file))
    assert line.startswith(f"{file}: is no class map (")
    assert message in line


def test_json_keys_that_occur_twice_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, '{"classes": {"car": "a", "car": "b"}}', "map.json")
    assert "it has 'car' twice" in refusal(lambda: read_class_map(file))


def test_other_files_are_refused(tmp_path: Path) -> None:
    assert "neither TOML nor JSON" in refusal(lambda: read_class_map(write(tmp_path, "", "map.yaml")))
    assert "cannot be read" in refusal(lambda: read_class_map(tmp_path / "none.toml"))
    assert "it is a list" in refusal(lambda: read_class_map(write(tmp_path, "[]", "map.json")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*ClassMap.__struct_fields__, "class", ""])


@given(st.dictionaries(KEYS, JSON, max_size=4) | JSON)
def test_any_content_is_a_map_or_refused(content: Any) -> None:
    try:
        class_map = parse_class_map(content)
    except (ValueError, msgspec.ValidationError):
        return
    assert isinstance(content, dict)
    assert {*content} <= {*ClassMap.__struct_fields__}
    assert parse_class_map(msgspec.to_builtins(class_map)) == class_map


# ---- options ----


def test_options_name_data_and_file() -> None:
    assert parse_maps(["streets=a.toml", "photos/2=b=c.json"]) == {
        "streets": Path("a.toml"),
        "photos/2": Path("b=c.json"),
    }
    for option in ("streets", "=a.toml", "streets="):
        assert refusal(lambda option=option: parse_maps([option])) == (  # type: ignore[misc]
            f"--map {option}: write it as DATA=FILE, for example --map photos=map.toml"
        )
    assert "--map a=x.toml is given too" in refusal(lambda: parse_maps(["a=x.toml", "a=y.toml"]))


def test_a_map_is_found_by_what_the_user_calls_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    class_map = ClassMap(classes={"a": "b"})
    for key in ("photos", str(folder), "./photos", "photos/"):
        for source in ("photos", "./photos", str(folder), folder):
            assert find_map(source, {key: class_map}).class_map == class_map, (key, source)
            check_maps({key: class_map}, ["facades", source])
    assert find_map("streets", {"photos": class_map}).class_map == ClassMap()
    assert find_map((np.zeros(1), [0]), {"arrays": class_map}).class_map == class_map


def test_a_map_of_no_data_or_of_several_is_refused(tmp_path: Path) -> None:
    line = refusal(lambda: check_maps({"street": Path("a.toml")}, ["facades", "streets"]))
    assert line.startswith("--map street=a.toml: there is no 'street' among the data; did you mean 'streets'? ")
    for number in (1, 2):
        (tmp_path / str(number) / "photos").mkdir(parents=True)
    sources = [str(tmp_path / str(number) / "photos") for number in (1, 2)]
    assert "fits several of the data" in refusal(lambda: check_maps({"photos": ClassMap()}, sources))
    assert re.match("--map photos: ", refusal(lambda: check_maps({"photos": ClassMap()}, sources)))
