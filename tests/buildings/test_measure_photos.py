"""Folders of painted photos, measured with a network that tells classes by their colors and counts its calls."""

import csv
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from drawn_views import ColorNetwork, bare_photo, color_model, grid
from helpers import refusal
from seamline.buildings.measure_photos import MeasureFolder, measure_photos
from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.run_folder import BuildingCalibration, CountTable, MeasuresRecord

HOUSE = bare_photo((60, 40, 340, 260), windows=grid((90, 170, 250), (70, 140), 40, 35))
TWO_HOUSES = bare_photo(
    (10, 40, 170, 260), (230, 40, 390, 260), windows=grid((30, 100, 250, 320), (70, 150), 40, 40), shape=(300, 400)
)


def save(file: Path, pixels: NDArray[np.uint8] = HOUSE, **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)
    return file


class Measuring:
    """Calls of `measure_photos` into one folder with one network."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.network = folder, ColorNetwork()
        self.model = color_model(self.network)

    def __call__(
        self, *photos: Path, group: str | None = None, keep_exif: bool = False, **options: Any
    ) -> MeasuresRecord:
        self.network.shapes.clear()
        measurer = Measurer.of(self.model, MeasureOptions(**options))
        return measure_photos(MeasureFolder(measurer, self.folder, group, keep_exif), photos)

    @property
    def calls(self) -> int:
        """Photos that the network saw in the last call."""
        return len(self.network.shapes)

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def measuring(tmp_path: Path) -> Measuring:
    return Measuring(tmp_path / "out")


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def test_the_files_of_a_photo(measuring: Measuring, tmp_path: Path) -> None:
    pytest.importorskip("ezdxf")
    record = measuring(save(tmp_path / "house.png"))
    assert measuring.files == [
        "buildings.csv",
        "failed.csv",
        "fronts.geojson",
        "house.front-1.dxf",
        "house.front-1.jpg",
        "house.front-1.svg",
        "house.photo.jpg",
        "measures.csv",
        "measures.json",
        "storeys.csv",
        "windows.json",
    ]
    (row,) = rows(measuring.folder / "measures.csv")
    assert (row["photo"], row["front"], row["windows"]) == (str(tmp_path / "house.png"), "1", "6")
    assert record.model == "colors"
    assert record.roles == {"other": "other", "facade": "facade", "window": "window", "vegetation": "hidden"}
    assert record.level is None
    assert record.errors == ()
    with Image.open(measuring.folder / "house.photo.jpg") as picture:
        assert picture.size == (400, 300)
        assert not picture.getexif()


def test_a_second_call_measures_only_what_is_new(measuring: Measuring, tmp_path: Path) -> None:
    first, second = save(tmp_path / "a.png"), save(tmp_path / "b.png", TWO_HOUSES)
    once = measuring(first)
    assert measuring.calls == 1
    both = measuring(first, second)
    assert measuring.calls == 1
    assert both.photos[0] == once.photos[0]
    assert [len(photo.fronts) for photo in both.photos] == [1, 2]
    assert measuring(first, second) == both
    assert measuring.calls == 0


def test_a_photo_that_changed_is_measured_again(measuring: Measuring, tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png")
    measuring(photo)
    save(photo, TWO_HOUSES)
    assert len(measuring(photo).photos[0].fronts) == 2
    measuring(photo)
    assert measuring.calls == 0
    os.utime(photo, (1, 1))
    measuring(photo)
    assert measuring.calls == 1


@pytest.mark.parametrize(
    "options", [{"azimuth": 0.0}, {"max_side": 0}, {"height_m": 9.0}, {"count_inferred": True}, {"keep_exif": True}]
)
def test_other_settings_measure_again(options: dict[str, Any], measuring: Measuring, tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png")
    measuring(photo)
    measuring(photo, **options)
    assert measuring.calls == 1
    measuring(photo, **options)
    assert measuring.calls == 0


def test_another_model_or_calibration_measures_again(
    measuring: Measuring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = save(tmp_path / "a.png")
    measuring(photo)
    model = measuring.model
    for changes in ({"fingerprint": "1" * 32}, {"temperature": 1.5}):
        measuring.model = replace(model, metadata=msgspec.structs.replace(model.metadata, **changes))
        measuring(photo)
        assert measuring.calls == 1
    table = CountTable((4,), (0.9, 0.6), (1.0, 0.8))
    building = BuildingCalibration(
        level=0.9, wwr_quantile=2.0, storey_wwr_quantile=3.0, windows=table, storeys=table, fronts=40, scenes=20
    )
    monkeypatch.setattr("seamline.buildings.measurer.find_calibration", lambda predictor: building)
    record = measuring(photo)
    assert measuring.calls == 1
    assert record.level == 0.9


def test_a_picture_that_is_gone_is_drawn_again(measuring: Measuring, tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png")
    measuring(photo)
    (measuring.folder / "a.front-1.jpg").unlink()
    measuring(photo)
    assert (measuring.folder / "a.front-1.jpg").is_file()


def test_files_of_fronts_that_are_no_more_are_removed(measuring: Measuring, tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", TWO_HOUSES)
    measuring(photo)
    assert "a.front-2.svg" in measuring.files
    measuring(photo, corners=((10, 40), (170, 40), (170, 260), (10, 260)))
    assert not [name for name in measuring.files if "front-2" in name]
    assert "a.front-1.svg" in measuring.files


def test_an_interruption_loses_no_photo_of_an_earlier_call(
    measuring: Measuring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [save(tmp_path / f"{name}.png") for name in "bcd"]
    measuring(*photos)
    new = save(tmp_path / "a.png", TWO_HOUSES)

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Measurer, "__call__", interrupt)
        with pytest.raises(KeyboardInterrupt):
            measuring(new, *photos)
    record = measuring(new, *photos)
    assert measuring.calls == 1
    assert [Path(photo.file).name for photo in record.photos] == ["a.png", "b.png", "c.png", "d.png"]


def test_a_damaged_record_is_measured_anew(measuring: Measuring, tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png")
    measuring(photo)
    (measuring.folder / "measures.json").write_text("{")
    assert len(measuring(photo).photos) == 1
    assert measuring.calls == 1


def test_a_bad_photo_does_not_stop_the_others(measuring: Measuring, tmp_path: Path) -> None:
    good, sky = save(tmp_path / "good.png"), save(tmp_path / "sky.png", bare_photo())
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    tiny = save(tmp_path / "tiny.png", np.full((1, 1, 3), (255, 255, 0), np.uint8))
    record = measuring(tmp_path / "bad.jpg", sky, tmp_path / "gone.jpg", tiny, good)
    assert [photo.file for photo in record.photos] == [str(good)]
    reasons = {row["photo"]: row["reason"] for row in rows(measuring.folder / "failed.csv")}
    assert {*reasons} == {str(tmp_path / name) for name in ("bad.jpg", "gone.jpg")} | {str(sky), str(tiny)}
    assert reasons[str(sky)] == "shows no building: 0% of it is predicted as one; use another photo"
    assert reasons[str(tiny)] == reasons[str(sky)]
    assert not any("\n" in reason or reason.startswith(str(tmp_path)) for reason in reasons.values())


def test_a_photo_for_which_memory_is_short_is_one_error(
    measuring: Measuring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Measurer, "__call__", fail)
    (error,) = measuring(save(tmp_path / "a.png")).errors
    assert error.reason == "not enough memory; use a smaller --max-side"


def test_a_turned_photo_is_measured_upright(measuring: Measuring, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # stored turned by a quarter to the left
    turned = save(tmp_path / "turned.png", np.ascontiguousarray(np.rot90(HOUSE)), exif=exif)
    (there,), (here,) = measuring(turned).photos, measuring(save(tmp_path / "upright.png")).photos
    assert (there.width, there.height) == (400, 300)
    assert there.fronts[0].outline == here.fronts[0].outline
    assert there.fronts[0].windows == 6


def test_unusual_photos_are_stated_by_a_resumed_call_too(measuring: Measuring, tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels) for pixels in (HOUSE, TWO_HOUSES)]
    tiff = tmp_path / "a.tif"
    frames[0].save(tiff, save_all=True, append_images=frames[1:])
    opaque = np.full((*HOUSE.shape[:2], 1), 255, np.uint8)
    opaque[0] = 0
    clear = save(tmp_path / "b.png", np.concatenate([HOUSE, opaque], 2))
    record = measuring(tiff, clear)
    assert [(one.count, one.fraction, one.example) for one in record.unused] == [(1, 0.5, str(tiff))]
    assert f"1 of 2 images, such as {clear}, have transparent pixels, which are read as white" in record.warnings
    assert any("unlike the training images is not available" in warning for warning in record.warnings)
    again = measuring(tiff, clear)
    assert measuring.calls == 0
    assert again == record


def test_a_long_panorama(measuring: Measuring, tmp_path: Path) -> None:
    pixels = np.full((200, 30_000, 3), (255, 255, 0), np.uint8)
    pixels[20:200, 4_000:26_000] = 255
    (photo,) = measuring(save(tmp_path / "panorama.png", pixels)).photos
    assert (photo.width, photo.height) == (30_000, 200)
    assert len(photo.fronts) == 1


def test_two_photos_of_one_name(measuring: Measuring, tmp_path: Path) -> None:
    record = measuring(save(tmp_path / "x" / "a.png"), save(tmp_path / "y" / "a.png", TWO_HOUSES))
    first, second = record.photos
    assert first.stem != second.stem
    for photo in record.photos:
        for front in photo.fronts:
            assert (measuring.folder / f"{photo.stem}.{front.id}.jpg").is_file()
            assert (measuring.folder / f"{photo.stem}.{front.id}.svg").is_file()


@pytest.mark.parametrize("keep_exif", [False, True])
def test_pictures_keep_exif_data_only_if_asked(keep_exif: bool, measuring: Measuring, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "camera 7"
    measuring(save(tmp_path / "a.jpg", exif=exif, quality=100), keep_exif=keep_exif)
    for name in ("a.photo.jpg", "a.front-1.jpg"):
        with Image.open(measuring.folder / name) as picture:
            assert dict(picture.getexif()) == ({ExifTags.Base.Model: "camera 7"} if keep_exif else {})


def test_photos_of_a_building(measuring: Measuring, tmp_path: Path) -> None:
    photos = [save(tmp_path / "north" / "a.png"), save(tmp_path / "south" / "b.png")]
    assert measuring(*photos).totals == ()
    record = measuring(*photos, group="folder")
    assert measuring.calls == 0  # the building decides no measure
    assert [photo.fronts[0].building for photo in record.photos] == ["north", "south"]
    assert [total.building for total in record.totals if total.direction is None] == ["north", "south"]


def test_a_missing_package_is_said_and_its_files_follow_later(
    measuring: Measuring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ezdxf")
    photo = save(tmp_path / "a.png")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ezdxf", None)
        record = measuring(photo)
    assert any(
        "needs ezdxf, which is not installed; pip install 'seamline[buildings]'" in one for one in record.warnings
    )
    assert "a.front-1.dxf" not in measuring.files
    assert "a.front-1.svg" in measuring.files
    measuring(photo)
    assert "a.front-1.dxf" in measuring.files


def test_corners_are_those_of_one_photo(measuring: Measuring, tmp_path: Path) -> None:
    photos = [save(tmp_path / "a.png"), save(tmp_path / "b.png")]
    corners = ((60, 40), (340, 40), (340, 260), (60, 260))
    line = refusal(lambda: measuring(*photos, corners=corners))
    assert line == "--corners: are those of one photo, and 2 photos are given; give one"
    assert measuring(photos[0], corners=corners).photos[0].fronts[0].plane.method == "corners"


def test_a_folder_that_cannot_be_written_to(measuring: Measuring, tmp_path: Path) -> None:
    measuring.folder.write_text("in the way")
    line = refusal(lambda: measuring(save(tmp_path / "a.png")))
    assert line.startswith(f"{measuring.folder}: cannot be written to (")
    assert line.endswith("); name another with --out")
    assert measuring.calls == 0


def test_a_result_overwrites_no_photo(measuring: Measuring) -> None:
    photos = [save(measuring.folder / "a.png"), save(measuring.folder / "a.photo.jpg")]
    line = refusal(lambda: measuring(*photos))
    assert line == f"{photos[1]}: a result would overwrite this photo; name another folder with --out"


def test_the_folder_of_an_earlier_call_can_be_measured(measuring: Measuring) -> None:
    save(measuring.folder / "a.png")
    assert len(measuring(measuring.folder).photos) == 1
    assert [Path(photo.file).name for photo in measuring(measuring.folder).photos] == ["a.png"]


def test_numbers_of_the_record_are_finite(measuring: Measuring, tmp_path: Path) -> None:
    measuring(save(tmp_path / "a.png", TWO_HOUSES), height_m=9)
    text = (measuring.folder / "measures.json").read_text(encoding="utf-8")

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    assert json.loads(text, parse_constant=refuse)["photos"]
