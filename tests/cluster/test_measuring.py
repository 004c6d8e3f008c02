"""Measuring on a Ray cluster: a row for each front, as the ordinary command measures it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

import seamline
from measures_factories import garage_front, house_front, house_photo
from run_factories import red_network, write_run
from seamline.__main__ import main
from seamline.buildings.files.tables import FRONT_COLUMNS
from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.errors import SeamlineError
from seamline.run_folder import BuildingCalibration, CountTable, Front, MeasuredPhoto, RunFolder

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
pytest.importorskip("pyarrow", reason="the extra `cluster` is not installed")

import pyarrow as pa
import pyarrow.dataset as ds

from seamline.cluster import driver
from seamline.cluster.driver import Summary, measure_on_cluster, predict_on_cluster
from seamline.cluster.worker import Worker

SKY, WALL, GLASS = 10, 120, 250
WINDOWS = [(left, top) for top in (120, 220, 320) for left in (120, 240, 360, 480)]
MAIN_STREET: dict[Any, Any] = {
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLatitude: (52.0, 30.0, 36.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (13.0, 15.0, 18.0),
    GPS.GPSImgDirectionRef: "T",
    GPS.GPSImgDirection: 10.0,
}


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells sky, wall and glass by the red of a pixel: below 60, between, above 200."""
    network = red_network(3)
    with torch.no_grad():
        for number, (slope, offset) in enumerate(((0, 0), (1, -60), (2, -260))):  # the largest of three lines
            channels = slice(4 * number, 4 * number + 4)  # after the pixel shuffle four channels are one class
            network.head.weight[channels, 0] = slope
            network.head.bias[channels] = offset
    data = {"name": "town", "title": "Town", "classes": ["sky", "wall", "glass"], "colours": [[0, 0, 0]] * 3}
    folder = write_run(tmp_path_factory.mktemp("runs") / "town-fast", network, "unet-fast", (32, 32, 3), data)
    table = CountTable((4,), (0.5, 0.25), (0.75, 0.5))
    RunFolder(folder).building_calibration.write(
        BuildingCalibration(
            level=0.9, wwr_quantile=2.0, storey_wwr_quantile=3.0, windows=table, storeys=table, fronts=9, scenes=9
        )
    )
    return folder


def save_house(file: Path, exif: bytes = b"", windows: Sequence[tuple[int, int]] = WINDOWS) -> None:
    """A photo of a wall with windows of 60 x 60 pixels, which stands on ground as dark as the sky."""
    pixels = np.full((480, 640, 3), SKY, np.uint8)
    pixels[80 : windows[-1][1] + 100, 80:580] = WALL
    for left, top in windows:
        pixels[top : top + 60, left : left + 60] = GLASS
    Image.fromarray(pixels).save(file, exif=exif)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two houses, the first with the EXIF data of a phone; a photo of the sky, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("photos")
    exif = Image.Exif()
    exif.get_ifd(IFD.Exif).update({Base.FocalLengthIn35mmFilm: 26})
    exif.get_ifd(IFD.GPSInfo).update(MAIN_STREET)
    save_house(folder / "a.png", exif.tobytes())
    save_house(folder / "b.png", windows=WINDOWS[:8])
    Image.new("RGB", (64, 48), (SKY, SKY, SKY)).save(folder / "sky.png")
    (folder / "empty.jpg").write_bytes(b"")
    return folder


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the shards in this process, without Ray."""
    monkeypatch.setattr("ray.get", lambda job: job)

    def run(job: Any, shards: list[int], address: str) -> Any:
        worker = Worker([job])
        for index in shards:
            summary = worker({"shard": np.array([index])})
            yield {key: values[0] for key, values in summary.items()}

    monkeypatch.setattr(driver, "_run_workers", run)


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "seamline", "measure", *map(str, words)]
    return subprocess.run(program, capture_output=True, text=True, timeout=250, check=False)


def table(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(folder, format="parquet").to_table().to_pylist()
    return rows


def test_fronts_are_those_of_the_ordinary_command(streets: Path, photos: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", ("--model", streets, "--roles", "window=glass", "--height", "8")
    done = command(photos, "--ray-address", "local", "--out", out, *options)
    assert done.returncode == 0, done.stderr
    assert "2 of 4 photos measured, 1 shards in this call" in done.stdout
    assert f"2 photos could not be measured, see {out}/errors" in done.stdout
    measuring = MeasureOptions(roles={"window": "glass"}, height_m=8)
    alone = seamline.measure(photos, streets, out=tmp_path / "alone", options=measuring, threads=1)
    record = alone.record
    rows = table(out / "photos")
    fronts = [(photo, front) for photo in record.photos for front in photo.fronts]
    assert [Path(row["photo"]).name for row in rows] == ["a.png", "b.png"]
    for row, (photo, front) in zip(rows, fronts, strict=True):
        assert msgspec.json.decode(row["front_json"], type=Front) == front
        of_photo = msgspec.json.decode(row["photo_json"], type=MeasuredPhoto)
        assert of_photo == msgspec.structs.replace(photo, fronts=(), version="")
    assert [(row["windows"], row["storeys"], row["height_m"]) for row in rows] == [(12, 3, 8.0), (8, 2, 8.0)]
    assert [row["latitude"] for row in rows] == [pytest.approx(52.51), None]
    assert [row["direction"] for row in rows] == ["S", None]  # the camera looks north
    assert [row["windows_exact"] for row in rows] == [0.25, 0.25]  # by `buildings.json`, above 4 windows
    errors = {Path(row["file"]).name: row["reason"] for row in table(out / "errors")}
    assert errors == {Path(error.file).name: error.reason for error in record.errors}
    assert errors.keys() == {"empty.jpg", "sky.png"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["photos"], manifest["errors"], manifest["level"]) == (2, 2, 0.9)
    assert manifest["roles"] == {"sky": "other", "wall": "facade", "glass": "window"}


@pytest.mark.usefixtures("in_process")
def test_columns_are_those_of_the_csv_file(
    streets: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Measurer, "__call__", lambda measurer, pixels, origin: house_photo(file=origin.file))
    summary = measure(streets, photos, tmp_path / "out")
    assert (summary.photos, summary.errors) == (3, 1)
    rows = table(tmp_path / "out" / "photos")
    names = [column.name for column in FRONT_COLUMNS]
    assert [*rows[0]] == [*names, "front_json", "photo_json"]
    assert [row["front"] for row in rows] == [1, 2, 1, 2, 1, 2]
    house, garage = rows[0], rows[1]
    assert (house["windows"], house["wwr"], house["direction"], house["cut_off"]) == (8, 0.1325, "S", [])
    assert house["notes"] == ["The door is one by its position.", "One window is hidden by a tree."]
    assert (garage["method"], garage["cut_off"], garage["azimuth"]) == ("image plane", ["right", "bottom"], None)
    assert msgspec.json.decode(house["front_json"], type=Front) == house_front()
    assert msgspec.json.decode(garage["front_json"], type=Front) == garage_front()
    schema = ds.dataset(tmp_path / "out" / "photos", format="parquet").schema
    types = {name: schema.field(name).type for name in ("photo", "windows", "wwr", "notes", "usable")}
    expected = [pa.string(), pa.int32(), pa.float64(), pa.list_(pa.string()), pa.float64()]
    assert [*types.values()] == expected


def measure(model: Path, photos: Path, out: Path, **options: Any) -> Summary:
    measuring = MeasureOptions(roles={"window": "glass"}, **options)
    return measure_on_cluster(model, str(photos), out=str(out), shard_size=1, measuring=measuring)


@pytest.mark.usefixtures("in_process")
def test_results_resume_with_the_same_settings_and_no_others(streets: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (first := measure(streets, photos, out, azimuth=0.0)).shards == 4
    lost = next(iter((out / "photos").iterdir()))
    before = lost.stat().st_mtime_ns
    content = table(out / "photos")
    lost.unlink()
    again = measure(streets, photos, out, azimuth=0.0)
    assert (again.shards, again.photos, again.errors) == (1, first.photos, first.errors) == (1, 2, 2)
    assert lost.stat().st_mtime_ns > before
    assert table(out / "photos") == content
    for options, what in (
        ({}, r"azimuth \(0.0 there, None here\)"),
        ({"azimuth": 0.0, "height_m": 8.0}, r"height_m \(None there, 8.0 here\)"),
    ):
        with pytest.raises(SeamlineError, match=f"out: holds results of another {what}; name another folder"):
            measure(streets, photos, out, **options)
    with pytest.raises(SeamlineError, match=r"another command \(measure there, predict here\)"):
        predict_on_cluster(streets, str(photos), out=str(out))
    calibration = RunFolder(streets).building_calibration
    whole = calibration.read()
    try:
        calibration.write(msgspec.structs.replace(whole, wwr_quantile=3.0))
        with pytest.raises(SeamlineError, match="holds results of another model"):
            measure(streets, photos, out, azimuth=0.0)
    finally:
        calibration.write(whole)


@pytest.mark.usefixtures("in_process")
def test_predictions_of_an_older_version_resume(streets: Path, photos: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    predict_on_cluster(streets, str(photos), out=out)
    manifest = tmp_path / "out" / "manifest.json"
    content = json.loads(manifest.read_text())
    assert content["config"].pop("command") == "predict"
    manifest.write_text(json.dumps(content))
    assert predict_on_cluster(streets, str(photos), out=out).shards == 0
    with pytest.raises(SeamlineError, match=r"another command \(predict there, measure here\)"):
        measure(streets, photos, tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--corners", "1,1 9,1 9,9 1,9"), "--corners: are those of one photo; measure it without --ray-address"),
        (("--group", "folder"), "--group: gives no totals with --ray-address"),
        (("--keep-exif",), "--keep-exif: is about pictures, which --ray-address does not write"),
        (("--threads", "2"), "--threads 2: has no effect with --ray-address"),
        (("--max-side", "2000"), "--max-side 2000: photos are measured at 1280 pixels or less"),
        (("more",), "--ray-address: takes one folder or URI of photos, got 2"),
        (("--roles", "window=pane"), "--roles window=pane: no such class"),
    ],
)
def test_what_cannot_work_is_one_line(
    words: tuple[str, ...],
    error: str,
    streets: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = ["seamline", "measure", str(photos), *words, "--model", str(streets), "--ray-address", "local"]
    monkeypatch.setattr(sys, "argv", program)
    with pytest.raises(SystemExit) as ended:
        main()
    lines = capsys.readouterr().err.splitlines()
    assert (ended.value.code, len(lines)) == (2, 1)
    assert error in lines[0]
