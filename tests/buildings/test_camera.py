"""Cameras of photos, by EXIF data."""

import io
import math
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from seamline.buildings.camera import FOCAL_RANGE_35MM, Camera, read_camera
from seamline.run_folder import GpsPosition

BERLIN: dict[Any, Any] = {
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLatitude: (52.0, 30.0, 36.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (13.0, 15.0, 18.0),
}


def photo(
    camera: Mapping[Any, Any] | None = None,
    gps: Mapping[Any, Any] | None = None,
    size: tuple[int, int] = (400, 300),
    kind: str = "JPEG",
    **fields: Any,
) -> bytes:
    """A photo with a diagonal of 500 pixels by default."""
    exif = Image.Exif()
    exif.get_ifd(IFD.Exif).update(camera or {})
    exif.get_ifd(IFD.GPSInfo).update(gps or {})
    stream = io.BytesIO()
    Image.new("L", size).save(stream, kind, exif=exif.tobytes(), **fields)
    return stream.getvalue()


def raw_photo(tiff: bytes) -> bytes:
    """A JPEG of 400 x 300 pixels with EXIF data of any bytes."""
    content = photo()
    start = 2 + 2 + struct.unpack(">H", content[4:6])[0]  # after the JFIF header
    segment = b"Exif\0\0" + tiff
    return content[:start] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[start:]


def directory(start: int, entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """A directory of TIFF at an offset, from entries of tag, type, number of values, and their bytes."""
    head, tail = struct.pack("<H", len(entries)), b""
    position = start + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", position + len(tail))
        head += struct.pack("<HHI", tag, kind, count) + inline
        tail += value if len(value) > 4 else b""
    return head + bytes(4) + tail


def raw_exif(camera: list[tuple[int, int, int, bytes]], gps: list[tuple[int, int, int, bytes]]) -> bytes:
    first = 8 + 2 + 2 * 12 + 4
    camera_bytes = directory(first, camera)
    second = first + len(camera_bytes)
    root = directory(8, [(IFD.Exif, 4, 1, struct.pack("<I", first)), (IFD.GPSInfo, 4, 1, struct.pack("<I", second))])
    return b"II*\0" + struct.pack("<I", 8) + root + camera_bytes + directory(second, gps)


def rational(*values: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<II", *value) for value in values)


def test_position_accuracy_and_direction_are_read() -> None:
    camera = read_camera(
        photo(
            gps={
                **BERLIN,
                GPS.GPSHPositioningError: 4.75,
                GPS.GPSImgDirectionRef: "T",
                GPS.GPSImgDirection: IFDRational(38266, 593),
            }
        )
    )
    assert camera.warnings == ()
    assert camera.focal_length is None
    assert camera.gps is not None
    assert camera.gps.latitude == pytest.approx(52.51)
    assert camera.gps.longitude == pytest.approx(13.255)
    assert camera.gps.accuracy_m == pytest.approx(4.75)
    assert camera.gps.direction == pytest.approx(64.5295, abs=1e-3)
    assert not camera.gps.magnetic


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_format_has_exif_data(kind: str, tmp_path: Path) -> None:
    content = photo({Base.FocalLengthIn35mmFilm: 28}, BERLIN, kind=kind)
    file = tmp_path / "a"
    file.write_bytes(content)
    for camera in (read_camera(content), read_camera(file)):
        assert camera.focal_length == pytest.approx(28 * 500 / 43.27)
        assert camera.gps is not None


def test_south_and_west_are_negative() -> None:
    position = read_camera(photo(gps={**BERLIN, GPS.GPSLatitudeRef: "S", GPS.GPSLongitudeRef: "W"})).gps
    assert position is not None
    assert (position.latitude, position.longitude) == pytest.approx((-52.51, -13.255))
    assert (position.accuracy_m, position.direction, position.magnetic) == (None, None, False)


def test_magnetic_directions_say_so() -> None:
    position = read_camera(photo(gps={**BERLIN, GPS.GPSImgDirectionRef: "M", GPS.GPSImgDirection: 360.0})).gps
    assert position is not None
    assert (position.direction, position.magnetic) == (0, True)


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({GPS.GPSLatitude: (95.0, 0.0, 0.0)}, "latitude in the EXIF data is not valid"),
        ({GPS.GPSLatitude: (90.0, 0.0, 1.0)}, "latitude in the EXIF data is not valid"),
        ({GPS.GPSLongitude: (181.0, 0.0, 0.0)}, "longitude in the EXIF data is not valid"),
        ({GPS.GPSLongitude: (13.0, IFDRational(1, 0), 0.0)}, "longitude in the EXIF data is not valid"),
        ({GPS.GPSLatitudeRef: "X"}, "latitude in the EXIF data is not valid"),
        ({GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)}, "0° N, 0° E"),
    ],
)
def test_invalid_positions_are_not_used(change: dict[Any, Any], warning: str) -> None:
    camera = read_camera(photo(gps={**BERLIN, **change}))
    assert camera.gps is None
    assert len(camera.warnings) == 1
    assert warning in camera.warnings[0]


@pytest.mark.parametrize("direction", [361.0, IFDRational(1, 0)])
def test_an_invalid_direction_leaves_the_position(direction: Any) -> None:
    camera = read_camera(photo(gps={**BERLIN, GPS.GPSImgDirectionRef: "M", GPS.GPSImgDirection: direction}))
    assert camera.gps is not None
    assert (camera.gps.direction, camera.gps.magnetic) == (None, False)
    assert "direction of the camera in the EXIF data is not valid" in camera.warnings[0]


def test_a_direction_without_a_position_is_named() -> None:
    camera = read_camera(photo(gps={GPS.GPSImgDirection: 10.0}))
    assert camera.gps is None
    assert "have a direction but no valid position" in camera.warnings[0]


def test_an_implausible_accuracy_is_not_used() -> None:
    camera = read_camera(photo(gps={**BERLIN, GPS.GPSHPositioningError: 4e9}))
    assert camera.gps is not None
    assert camera.gps.accuracy_m is None
    assert "accuracy" in camera.warnings[0]


@pytest.mark.parametrize("turn", [1, 6])
def test_the_focal_length_is_that_of_equal_diagonals(turn: int) -> None:
    """A lens of 43.27 mm has the diagonal, here 500 pixels, as its focal length, however the photo is turned."""
    exif = Image.Exif()
    exif[Base.Orientation] = turn
    exif.get_ifd(IFD.Exif)[Base.FocalLengthIn35mmFilm] = 26
    stream = io.BytesIO()
    Image.new("L", (400, 300)).save(stream, "JPEG", exif=exif)
    camera = read_camera(stream.getvalue())
    assert camera.focal_length == pytest.approx(26 * 500 / 43.27)
    assert camera.warnings == ()
    angle = 2 * math.degrees(math.atan(250 / (camera.focal_length or 0)))
    film = 2 * math.degrees(math.atan(math.hypot(36, 24) / 2 / 26))
    assert angle == pytest.approx(film, abs=0.01)  # the diagonal angle of view of a 26 mm lens


def test_the_focal_length_follows_from_the_resolution_of_the_sensor() -> None:
    tags = {Base.FocalLength: 5.0, Base.FocalPlaneXResolution: 800.0, Base.FocalPlaneResolutionUnit: 3}
    assert read_camera(photo(tags)).focal_length == pytest.approx(5 * 80)  # 800 pixels per cm
    inches = tags | {Base.FocalPlaneXResolution: 2540.0, Base.FocalPlaneResolutionUnit: 2}
    assert read_camera(photo(inches)).focal_length == pytest.approx(5 * 100)
    del inches[Base.FocalPlaneResolutionUnit]  # inches by default
    assert read_camera(photo(inches)).focal_length == pytest.approx(5 * 100)
    stored = tags | {Base.ExifImageWidth: 600, Base.ExifImageHeight: 800}  # turned, and twice the size
    assert read_camera(photo(stored)).focal_length == pytest.approx(5 * 40)
    assert read_camera(photo(tags | {Base.DigitalZoomRatio: 2.0})).focal_length is None
    assert read_camera(photo(tags | {Base.FocalLengthIn35mmFilm: 50})).focal_length == pytest.approx(50 * 500 / 43.27)
    assert read_camera(photo(tags | {Base.FocalPlaneResolutionUnit: 9})) == Camera()


def test_the_focal_length_of_a_resized_photo_holds_and_that_of_a_cropped_one_does_not() -> None:
    tags = {Base.FocalLengthIn35mmFilm: 28, Base.ExifImageWidth: 4032, Base.ExifImageHeight: 3024}
    assert read_camera(photo(tags)).focal_length == pytest.approx(28 * 500 / 43.27)
    assert read_camera(photo(tags, size=(300, 400))).focal_length == pytest.approx(28 * 500 / 43.27)
    cropped = read_camera(photo(tags, size=(400, 250)))
    assert cropped.focal_length is None
    assert "cropped from 4032 x 3024 to 400 x 250 pixels" in cropped.warnings[0]


def test_panoramas_have_no_focal_length() -> None:
    tags = {Base.FocalLengthIn35mmFilm: 28}
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a GPano:ProjectionType="equirectangular"/></x:xmpmeta>'
    for content in (
        photo(tags, size=(1000, 300)),
        photo(tags | {Base.CustomRendered: 6}),
        photo(tags, xmp=xmp),
    ):
        camera = read_camera(content)
        assert camera.focal_length is None
        assert "panorama" in camera.warnings[0]
    assert read_camera(photo(tags, size=(840, 360))).focal_length  # 21:9


@pytest.mark.parametrize("value", [1, 9, 601, 65535])
def test_implausible_focal_lengths_are_not_used(value: int) -> None:
    camera = read_camera(photo({Base.FocalLengthIn35mmFilm: value}))
    assert camera.focal_length is None
    assert f"{value:.4g} mm as of 35 mm film" in camera.warnings[0]


def test_unknown_values_have_no_warning() -> None:
    zero = photo({Base.FocalLengthIn35mmFilm: 0, Base.FocalLength: 0.0}, {**BERLIN, GPS.GPSHPositioningError: 0.0})
    assert read_camera(zero).warnings == ()
    assert read_camera(photo()) == Camera()
    plain = io.BytesIO()
    Image.new("L", (8, 8)).save(plain, "PNG")
    assert read_camera(plain.getvalue()) == Camera()


def test_what_is_no_photo_is_left_to_the_decoder(tmp_path: Path) -> None:
    for source in (b"", b"text", tmp_path, tmp_path / "missing.jpg"):
        assert read_camera(source) == Camera()


def test_damaged_data_have_a_warning() -> None:
    whole = raw_exif([(Base.FocalLength, 5, 1, rational((5, 1)))], [(GPS.GPSImgDirection, 5, 1, rational((5, 1)))])
    for tiff in (b"damaged!", whole[:9], whole[:30], whole[:45], whole[:57]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            camera = read_camera(raw_photo(tiff))
        assert (camera.focal_length, camera.gps) == (None, None)
        assert "EXIF data are damaged" in camera.warnings[0]


def test_raw_values_are_read() -> None:
    """The bytes that this file writes itself are valid, so that the next test means something."""
    content = raw_photo(
        raw_exif(
            [(Base.FocalLengthIn35mmFilm, 3, 1, struct.pack("<H", 28))],
            [
                (GPS.GPSLatitudeRef, 2, 2, b"N\0"),
                (GPS.GPSLatitude, 5, 3, rational((52, 1), (3060, 100), (0, 1))),
                (GPS.GPSLongitudeRef, 2, 2, b"w\0"),
                (GPS.GPSLongitude, 5, 3, rational((13, 1), (15, 1), (0, 1))),
                (GPS.GPSImgDirection, 5, 1, rational((3599, 10))),
            ],
        )
    )
    camera = read_camera(content)
    assert camera.focal_length == pytest.approx(28 * 500 / 43.27)
    assert camera.gps == GpsPosition(latitude=52.51, longitude=-13.25, direction=359.9)


NUMBERS = st.one_of(st.integers(0, 400), st.integers(0, 2**32 - 1))
RATIONALS = st.lists(st.tuples(NUMBERS, st.one_of(st.sampled_from([0, 1, 10]), NUMBERS)), max_size=4)
VALUES = st.one_of(
    RATIONALS.map(lambda values: (5, len(values), rational(*values))),
    st.lists(st.integers(0, 65535), max_size=3).map(lambda v: (3, len(v), struct.pack(f"<{len(v)}H", *v))),
    st.lists(st.floats(), max_size=3).map(lambda v: (12, len(v), struct.pack(f"<{len(v)}d", *v))),
    st.sampled_from([b"N", b"S", b"E", b"W", b"T", b"M", b"\xff", b""]).map(lambda text: (2, len(text), text)),
    st.tuples(st.integers(0, 20), st.integers(0, 2**32 - 1), st.binary(max_size=24)),
)
CAMERA_TAGS = (
    *(Base.FocalLengthIn35mmFilm, Base.FocalLength, Base.FocalPlaneXResolution, Base.FocalPlaneResolutionUnit),
    *(Base.DigitalZoomRatio, Base.ExifImageWidth, Base.ExifImageHeight, Base.CustomRendered),
)
GPS_TAGS = (
    *(GPS.GPSLatitude, GPS.GPSLatitudeRef, GPS.GPSLongitude, GPS.GPSLongitudeRef),
    *(GPS.GPSHPositioningError, GPS.GPSImgDirection, GPS.GPSImgDirectionRef),
)


@given(st.dictionaries(st.sampled_from(CAMERA_TAGS), VALUES), st.dictionaries(st.sampled_from(GPS_TAGS), VALUES))
def test_any_values_give_a_plausible_camera(camera: dict[Any, Any], gps: dict[Any, Any]) -> None:
    entries = [[(tag, *value) for tag, value in sorted(tags.items())] for tags in (camera, gps)]
    check(read_camera(raw_photo(raw_exif(*entries))))


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_give_a_plausible_camera(noise: bytes, place: int) -> None:
    valid = raw_exif(
        [(Base.FocalLengthIn35mmFilm, 3, 1, struct.pack("<H", 28))],
        [(GPS.GPSLatitude, 5, 3, rational((52, 1), (3060, 100), (0, 1))), (GPS.GPSLatitudeRef, 2, 2, b"N\0")],
    )
    check(read_camera(raw_photo(valid[:place] + noise + valid[place + len(noise) :])))


def check(camera: Camera) -> None:
    """Values are in their ranges, and warnings are sentences."""
    if camera.focal_length is not None:
        low, high = (value * 500 / 43.27 for value in FOCAL_RANGE_35MM)
        assert low * 0.999 <= camera.focal_length <= high * 1.001
    if camera.gps is not None:
        assert -90 <= camera.gps.latitude <= 90
        assert -180 <= camera.gps.longitude <= 180
        assert camera.gps.accuracy_m is None or 0 < camera.gps.accuracy_m < np.inf
        assert camera.gps.direction is None or 0 <= camera.gps.direction < 360
    assert all(warning.endswith(".") and warning.isprintable() for warning in camera.warnings)
