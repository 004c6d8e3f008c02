"""Values that mean something else than eight bits of red, green and blue: they are converted by rule and told."""

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers import refusal
from seamline.data.checks import dataset_warnings
from seamline.data.image_folder import load_folder
from seamline.data.image_io import read_photo
from seamline.data.pixel_meaning import Trait, turn_upright


def tiff(pixels: NDArray[Any], photometric: int, extra: list[int] | None = None) -> bytes:
    """An uncompressed TIFF of pixels (H, W, C), as programs for remote sensing write them; `extra` is ExtraSamples."""
    height, width, channels = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    data += b"\0" * (len(data) % 2)
    tags: list[tuple[int, str, list[int]]] = [
        (256, "I", [width]), (257, "I", [height]), (258, "H", [8 * pixels.dtype.itemsize] * channels), (259, "H", [1]),
        (262, "H", [photometric]), (273, "I", [8]), (277, "H", [channels]), (278, "I", [height]),
        (279, "I", [pixels.nbytes]), (284, "H", [1]),
    ]  # fmt: skip
    tags += [(338, "H", extra)] if extra else []
    tags.append((339, "H", [{"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]] * channels))
    place = 8 + len(data) + 2 + 12 * len(tags) + 4
    entries, rest = b"", b""
    for number, kind, values in tags:
        raw = struct.pack(f"<{len(values)}{kind}", *values)
        content = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", place + len(rest))
        rest += raw.ljust(len(raw) + len(raw) % 2, b"\0") if len(raw) > 4 else b""
        entries += struct.pack("<HHI", number, 3 if kind == "H" else 4, len(values)) + content
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + rest


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def channels(count: int, kind: type[np.generic] = np.uint8) -> NDArray[Any]:
    """Channels (6, 8, count) of values 20..200."""
    return np.random.default_rng(count).integers(20, 200, (6, 8, count)).astype(kind)


# ---- bit depth ----


@pytest.mark.parametrize(("largest", "white"), [(200, 255), (1000, 1023), (3168, 4095), (9000, 16383), (40000, 65535)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_values_are_scaled_by_their_bit_depth(largest: int, white: int, kind: str) -> None:
    values = np.array([[0, largest // 2, largest]], np.uint16)
    photo = read_photo(encoded(Image.fromarray(values), kind))
    np.testing.assert_allclose(photo.pixels[0, :, 1], values[0] * (255 / white), atol=0.5)
    assert photo.traits == (Trait(0) if white == 65535 else Trait.BIT_DEPTH)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("count", [3, 4])
def test_colors_of_12_bits(suffix: str, count: int) -> None:
    values = channels(count, np.uint16) * 16
    values[..., 3:] = 65535
    ok, content = cv2.imencode(suffix, values[..., [2, 1, 0, *range(3, count)]])
    assert ok
    photo = read_photo(content.tobytes())
    np.testing.assert_allclose(photo.pixels, values[..., :3] * (255 / 4095), atol=0.5)
    assert photo.traits == Trait.BIT_DEPTH


def test_a_folder_has_one_bit_depth(tmp_path: Path) -> None:
    for name, largest in (("a/dark", 500), ("a/bright", 3000), ("b/dark", 700), ("b/eight", 255)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        values = np.full((32, 32), largest, np.uint8 if name == "b/eight" else np.uint16)
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    data = load_folder(tmp_path)
    assert data.bit_depth == 12
    assert data.train.images[:, 0, 0, 0].tolist() == [187, 31, 44, 255]  # times 255 / 4095; eight bits as they are
    (warning, *_) = dataset_warnings(data)
    assert warning.startswith("3 of 4 images, such as a/bright.png, have values of 8 to 14 bits stored in 16")


# ---- alpha ----


@pytest.mark.parametrize("alpha", [120, 0, "noise"])
def test_an_alpha_channel_that_is_a_band_is_not_used(alpha: int | str) -> None:
    values = channels(4)
    if isinstance(alpha, int):
        values[..., 3] = alpha
    for kind in ("TIFF", "PNG"):
        photo = read_photo(encoded(Image.fromarray(values), kind))
        np.testing.assert_array_equal(photo.pixels, values[..., :3])
        assert photo.traits == Trait.BANDS


def test_transparency_is_composited_and_told() -> None:
    values = channels(4)
    values[..., 3] = 255
    assert read_photo(encoded(Image.fromarray(values), "PNG")).traits == Trait(0)
    values[:3, :, 3] = 0
    values[3, :4, 3] = 100  # a soft edge
    photo = read_photo(encoded(Image.fromarray(values), "PNG"))
    assert photo.traits == Trait.TRANSPARENT
    assert (photo.pixels[:3] == 255).all()
    np.testing.assert_array_equal(photo.pixels[4:], values[4:, :, :3])


@pytest.mark.parametrize(("count", "photometric", "extra"), [(4, 2, [0]), (5, 2, [0, 0])])
def test_further_bands_are_not_used(count: int, photometric: int, extra: list[int]) -> None:
    values = channels(count)
    photo = read_photo(tiff(values, photometric, extra))
    np.testing.assert_array_equal(photo.pixels, values[..., :3])
    assert photo.traits == Trait.BANDS


def test_a_second_band_of_a_gray_tiff_is_not_used() -> None:
    """Before Pillow 13, which reads it, the file is refused."""
    values = channels(2)
    content = tiff(values, 1, [0])
    if int(PIL.__version__.split(".")[0]) < 13:
        assert "is a TIFF with 2 bands of 8-bit values; save three" in refusal(lambda: read_photo(content))
        return
    photo = read_photo(content)
    np.testing.assert_array_equal(photo.pixels, np.repeat(values[..., :1], 3, axis=2))
    assert photo.traits == Trait.BANDS


@pytest.mark.parametrize(
    ("count", "kind", "words"),
    [(5, np.uint16, "5 bands of 16-bit values"), (8, np.uint8, "8 bands of 8-bit values"),
     (3, np.float32, "3 bands of 32-bit floating-point values"), (6, np.int16, "6 bands of 16-bit signed values")],
)  # fmt: skip
def test_other_bands_are_refused(count: int, kind: type[np.generic], words: str) -> None:
    text = refusal(lambda: read_photo(tiff(channels(count, kind), 1), name="x.tif"))
    assert text == f"x.tif: is a TIFF with {words}; save three bands as RGB, of 8 or 16 bits"


# ---- frames ----


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_several_frames_are_told(kind: str) -> None:
    frames = [Image.new("RGB", (5, 4), color) for color in ("red", "lime", "blue")]
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    photo = read_photo(content)
    assert photo.traits == Trait.FRAMES
    assert (photo.pixels == (255, 0, 0)).all()
    assert read_photo(encoded(frames[0], kind, **options)).traits == Trait(0)


def test_a_folder_counts_unusual_images(tmp_path: Path) -> None:
    frames = [Image.fromarray(channels(3)).resize((32, 32)), Image.new("RGB", (32, 32), "red")]
    for name in ("a/0.gif", "a/1.gif", "b/0.png", "b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if name.startswith("a"):
            frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        else:
            Image.new("L", (32, 32), 9).save(tmp_path / name)
    data = load_folder(tmp_path)
    (entry,) = data.unused
    assert (entry.kind, entry.count, entry.fraction, entry.example) == ("images", 2, 0.5, "a/0.gif")
    assert "only the first is read" in entry.sentence
    (warning,) = data.warnings
    assert warning.startswith("2 of 4 images, such as b/0.png, are gray and the others in color")


# ---- turning ----


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_pillow_turns_them(orientation: int) -> None:
    values = channels(3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = read_photo(encoded(Image.fromarray(values), "PNG", exif=exif)).pixels
    np.testing.assert_array_equal(turn_upright(values, orientation), expected)
