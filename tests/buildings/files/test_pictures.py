import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from helpers import refusal
from seamline.buildings.files.pictures import PictureFormat, encode_picture, upright_exif

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo that is turned, with camera and position."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "camera 7"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 8.0, 13.75)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    file = tmp_path / "photo.jpg"
    Image.fromarray(PIXELS).save(file, exif=exif)
    return file


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_no_position_or_camera_remains(file_format: PictureFormat, photo: Path) -> None:
    assert b"camera 7" in photo.read_bytes()
    content = encode_picture(PIXELS, file_format)
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == file_format
        assert not image.getexif()
        assert not image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert not {"exif", "xmp", "photoshop"} & set(image.info)
    assert b"Exif" not in content
    assert b"eXIf" not in content


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_all_but_the_orientation_remains_where_it_is_wanted(file_format: PictureFormat, photo: Path) -> None:
    content = encode_picture(PIXELS, file_format, upright_exif(photo))
    with Image.open(io.BytesIO(content)) as image:
        exif = image.getexif()
    assert ExifTags.Base.Orientation not in exif
    assert exif[ExifTags.Base.Model] == "camera 7"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (48.0, 8.0, 13.75)
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] == 28


def test_a_png_keeps_its_pixels() -> None:
    with Image.open(io.BytesIO(encode_picture(PIXELS, "PNG"))) as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS)


def test_a_photo_without_exif_has_nothing_to_keep(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "plain.png")
    assert upright_exif(tmp_path / "plain.png") == b""


def test_exif_that_no_jpeg_can_hold_is_refused(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a" * 70_000
    file = tmp_path / "long.png"
    Image.fromarray(PIXELS).save(file, exif=exif)
    assert "leave out --keep-exif" in refusal(lambda: upright_exif(file))
