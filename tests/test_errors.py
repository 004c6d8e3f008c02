import pytest

from seamline.errors import DatasetUnavailableError, SeamlineError


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
