from importlib import import_module
from pathlib import Path

import pytest

from helpers import refusal
from seamline.errors import DatasetUnavailableError, SeamlineError, list_first, refuse_unreadable, require_extra


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\n\u2028c", "a b   c"),
        ("bell \x07, escape \x1b[31m, NUL \x00", r"bell \x07, escape \x1b[31m, NUL \x00"),
        ("half a letter \ud800", r"half a letter \ud800"),
        ("Größe 衣 \u00a0.", "Größe 衣  ."),
        ("my  photos/a.png: is empty", "my  photos/a.png: is empty"),
    ],
)
def test_a_line_stays_a_line_whatever_a_file_brings_into_it(text: str, line: str) -> None:
    for kind in (SeamlineError, DatasetUnavailableError):
        assert str(kind(text)) == line


def test_a_long_line_keeps_its_ends() -> None:
    line = str(SeamlineError("file.csv: " + "x" * 5_000 + "; correct it"))
    assert line.startswith("file.csv: xxx")
    assert line.endswith("xxx; correct it")
    assert len(line) < 1_000


def test_a_list_names_the_first_items_and_counts_the_others() -> None:
    assert list_first(["a", "b"]) == "a, b"
    assert list_first(list("abcde")) == "a, b, c, d, e"
    assert list_first(["x"] * 1_003, 2) == "x, x and 1,001 more"


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "No such file or directory"), ("a\0b", "null byte")])
def test_a_file_that_the_system_refuses_is_named(tmp_path: Path, name: str, reason: str) -> None:
    message = rf"/photo\.png: cannot be read \(.*{reason}\); check the path"
    with pytest.raises(SeamlineError, match=message), refuse_unreadable(tmp_path / "photo.png"):
        (tmp_path / name).read_bytes()


def import_in_extra(name: str) -> None:
    with require_extra("juggle", "circus"):
        import_module(name)


def test_a_package_that_is_not_installed_is_named_with_its_extra() -> None:
    line = "juggle: needs no_such_package, which is not installed; pip install 'seamline[circus]'"
    assert refusal(lambda: import_in_extra("no_such_package")) == line


def test_a_package_that_does_not_work_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "too_old.py").write_text("from json import no_such_name")
    monkeypatch.syspath_prepend(tmp_path)
    line = refusal(lambda: import_in_extra("too_old"))
    assert line.startswith("juggle: needs json, which fails (cannot import name 'no_such_name'")
    (tmp_path / "too_new.py").write_text("raise ImportError('needs a newer system')")
    line = refusal(lambda: import_in_extra("too_new"))
    assert line == "juggle: needs a package, which fails (needs a newer system); pip install 'seamline[circus]'"


def test_a_missing_module_of_the_package_is_a_defect() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_in_extra("seamline.no_such_module")
