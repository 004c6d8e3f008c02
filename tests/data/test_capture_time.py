"""Capture times of photos."""

from pathlib import Path

from PIL import ExifTags, Image

from seamline.data.capture_time import capture_times


def save(file: Path, taken: str, fraction: str = "") -> Path:
    exif = Image.Exif()
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    tags[ExifTags.Base.DateTimeOriginal] = taken
    tags[ExifTags.Base.SubsecTimeOriginal] = fraction
    Image.new("L", (8, 8)).save(file, exif=exif)
    return file


def test_photos_are_ordered_by_time_and_fraction(tmp_path: Path) -> None:
    files = [
        save(tmp_path / "a.jpg", "2024:05:01 10:00:01", "20"),
        save(tmp_path / "b.jpg", "2024:05:01 10:00:01", "15"),
        save(tmp_path / "c.jpg", "2023:12:31 23:59:59"),
    ]
    times = capture_times(files)
    assert times is not None
    assert [file.stem for _, file in sorted(zip(times, files, strict=True))] == ["c", "b", "a"]


def test_invalid_missing_or_equal_times_are_none(tmp_path: Path) -> None:
    good = save(tmp_path / "a.jpg", "2024:05:01 10:00:01")
    Image.new("L", (8, 8)).save(tmp_path / "none.png")
    assert capture_times([good, save(tmp_path / "b.jpg", "0000:00:00 00:00:00")]) is None
    assert capture_times([good, tmp_path / "none.png"]) is None
    assert capture_times([good, good]) is None
    assert capture_times([good, tmp_path / "missing.jpg"]) is None
