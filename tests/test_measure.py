"""`seamline.measure` and `seamline measure` on painted photos, with a network that tells classes by their colors."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seamline
from drawn_views import bare_photo, color_model, grid
from helpers import refusal
from seamline.__main__ import main

CORNERS = "60,40 340,40 340,260 60,260"


class Command:
    """`seamline measure` in this process."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def __call__(self, *words: str) -> tuple[object, str, str]:
        """Return status, output and error output."""
        self.patch.setattr(sys, "argv", ["seamline", "measure", *words])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, out.getvalue(), err.getvalue()


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command in a folder with the photos of a house and of the sky."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("seamline.api.measuring.load_model", lambda *_, **__: color_model())
    house = bare_photo((60, 40, 340, 260), windows=grid((90, 170, 250), (70, 140), 40, 35))
    Image.fromarray(house).save("house.png")
    Image.fromarray(bare_photo()).save("sky.png")
    return Command(monkeypatch)


def test_a_house_is_measured(command: Command) -> None:
    status, out, err = command("house.png", "--azimuth", "180")
    assert status == 0
    (warning,) = err.splitlines()
    assert "unlike the training images is not available of colors" in warning
    front, summary, folder, page = out.splitlines()
    assert front.startswith("house.png: front 1: window-to-wall ratio 14%, 6 windows, 2 storeys, facing S")
    assert summary == "1 of 1 photos measured"
    assert folder == f"Results: {Path('measures', 'colors')}"
    assert page == f"Page:    {Path('measures', 'colors', 'report.html')}"
    assert Path("measures", "colors", "report.html").is_file()


def test_json_is_the_record(command: Command) -> None:
    status, out, _ = command("house.png", "--out", "here", "--json", "--height", "11")
    assert status == 0
    record = json.loads(out)
    assert record == json.loads(Path("here", "measures.json").read_text(encoding="utf-8"))
    assert record["photos"][0]["fronts"][0]["windows"] == 6
    assert record["settings"]["height_m"] == "11.0"


def test_a_photo_that_fails_sets_the_status(command: Command) -> None:
    status, out, err = command("house.png", "sky.png", "gone.jpg")
    assert status == 1
    assert "1 of 3 photos measured" in out
    assert "sky.png: shows no building: 0% of it is predicted as one; use another photo" in err.splitlines()
    assert any(line.startswith("gone.jpg: ") for line in err.splitlines())
    failed = Path("measures", "colors", "failed.csv").read_text(encoding="utf-8")
    assert "shows no building" in failed


def test_corners_of_the_command(command: Command) -> None:
    status, out, _ = command("house.png", "--corners", CORNERS, "--out", "corners")
    assert status == 0
    assert "6 windows" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--corners", "1,2 3,4 5,6"], "--corners '1,2 3,4 5,6': must be four points in pixels"),
        (["--corners", "a,b 3,4 5,6 7,8"], "must be four points in pixels"),
        (["--height", "0"], "--height 0: must be above 0"),
        (["--height", "nan"], "--height nan: must be above 0"),
        (["--pixel-size", "-1"], "--pixel-size -1: must be above 0"),
        (["--height", "9", "--storey-height", "3"], "--height and --storey-height: each gives a scale; use one"),
        (["--azimuth", "400"], "--azimuth 400: must be from 0"),
        (["--roles", "window"], "--roles window: must be ROLE=CLASS"),
        (["--roles", "window=glass"], "--roles window=glass: no such class"),
        (["--roles", "window=window,window=facade"], "names window twice; name one class for each role"),
        (["--roles", "window=facade,facade=facade"], "--roles: facade has two roles, window and facade; give it one"),
        (["--roles", "glass=window"], "--roles glass=window: no such role"),
        (["--max-side", "5"], "--max-side 5: too small"),
        (["sky.png", "--corners", CORNERS], "--corners: are those of one photo, and 2 photos are given"),
        (["--group", "no.csv:street"], "no.csv"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], expected: str, command: Command) -> None:
    status, out, err = command("house.png", *words)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("seamline: ")
    assert expected in line
    assert not Path("measures").exists()


@pytest.mark.parametrize(
    "corners", ["60,40 340,260 340,40 60,260", "60,40 9340,40 340,260 60,260", "nan,1 2,3 4,5 6,7"]
)
def test_corners_that_do_not_fit_are_the_reason_of_a_photo(corners: str, command: Command) -> None:
    status, out, err = command("house.png", "--corners", corners)
    assert status == 1
    assert "0 of 1 photos measured" in out
    (line,) = (line for line in err.splitlines() if not line.startswith("warning: "))
    assert line.startswith("house.png: --corners ")


def test_the_ready_network_measures_a_photo(tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(tmp_path / "gray.png")
    measures = seamline.measure(tmp_path / "gray.png", out=tmp_path / "out", backend="onnxruntime", threads=1)
    assert len(measures.record.photos) + len(measures.record.errors) == 1
    assert measures.record.roles["window"] == "window"
    assert measures.page.is_file()
    assert measures.folder == tmp_path / "out"


def test_a_model_of_garments_is_refused(tmp_path: Path) -> None:
    line = refusal(lambda: seamline.measure(tmp_path / "a.jpg", "garments", backend="onnxruntime"))
    assert line == "garments: is a classifier; name a segmenter with classes for facade and window"


def test_options_of_the_function(command: Command) -> None:
    options: dict[str, Any] = {"count_inferred": True, "height_m": 11.0}
    calls: list[tuple[float, int, str]] = []
    measures = seamline.measure(
        ["house.png"],
        color_model(),
        out="out",
        options=seamline.MeasureOptions(**options),
        progress=lambda *call: calls.append(call),
    )
    (photo,) = measures.record.photos
    assert photo.fronts[0].height_m == pytest.approx(11, rel=0.01)
    assert calls == [(0, 1, "house.png"), (1, 1, "house.png")]
