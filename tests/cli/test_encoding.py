"""Names beyond the encoding of a terminal, in processes of their own: an encoding is set when Python starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NAMES = ("猫", "كلب", "ours 🐻", "été")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of class folders whose names no single code page has."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        (tmp_path / "données" / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "données" / name / f"{number}.png")
    return tmp_path / "données"


def inspect(folder: Path, encoding: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "seamline", "inspect", str(folder), "--no-page", *words]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_letters_that_the_terminal_lacks_are_escaped(folder: Path, encoding: str) -> None:
    done = inspect(folder, encoding)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert r"\u732b" in text
    assert ("été" if encoding == "cp1252" else r"\xe9t\xe9") in text
    assert b"Traceback" not in done.stderr


def test_json_stays_json(folder: Path) -> None:
    done = inspect(folder, "ascii", "--json")
    assert {row["name"] for row in json.loads(done.stdout.decode("ascii"))["classes"]} == set(NAMES)


def test_an_error_names_a_path_that_the_terminal_cannot_print(folder: Path) -> None:
    (folder / "猫" / "0.png").write_bytes(b"broken")
    done = inspect(folder, "ascii")
    assert done.returncode == 2
    assert rb"\u732b/0.png" in done.stdout
