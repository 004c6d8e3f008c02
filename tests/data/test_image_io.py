"""Images and masks of every format, and invalid files."""

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_io import NotAnImageError, TooManyPixelsError, read_image
from seamline.data.masks import encode_mask, ignored_color, read_mask
from seamline.data.sources.facades import PALETTE
from seamline.errors import SeamlineError

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture() -> Image.Image:
    """A smooth picture, 40 wide and 24 high, red to the right and green to the bottom."""
    rows, columns = np.mgrid[0:24, 0:40]
    channels = np.stack([columns * 6, rows * 10, np.full_like(rows, 90)], axis=2)
    return Image.fromarray(channels.astype(np.uint8))


def png(width: int, height: int, depth: int, color: int, *chunks: bytes, rows: bytes | None = None) -> bytes:
    """A PNG made by hand, with a header that may lie; `rows` are its pixels with a filter byte before each row."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows or b""))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def refusal(action: Callable[[], object]) -> str:
    """The one line with which an action refuses."""
    with pytest.raises(SeamlineError) as error:
        action()
    assert error.type in (SeamlineError, NotAnImageError, TooManyPixelsError)
    text = str(error.value)
    assert "\n" not in text
    return text


# ---- photos that are read ----


@pytest.mark.parametrize(
    ("kind", "options", "off"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 30),
        ("JPEG", {"quality": 95}, 20),
        ("JPEG", {"quality": 95, "progressive": True}, 20),
    ],
)
def test_formats(tmp_path: Path, kind: str, options: dict[str, object], off: int) -> None:
    path = tmp_path / "photo"  # the content tells the format, not the name
    path.write_bytes(encoded(picture(), kind, **options))
    photo = read_image(path)
    assert photo.shape == (24, 40, 3)
    assert photo.dtype == np.uint8
    assert photo.flags.writeable
    assert np.abs(photo.astype(int) - np.asarray(picture()).astype(int)).max() <= off
    np.testing.assert_array_equal(read_image(path.read_bytes()), photo)


def test_first_frame_of_gif_and_tiff() -> None:
    frames = [Image.new("RGB", (5, 4), color) for color in (RED, (0, 255, 0))]
    for kind in ("GIF", "TIFF"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read_image(content), np.full((4, 5, 3), RED))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    """What a camera stores turned comes out upright; the turned pictures are made with NumPy, by the EXIF table."""
    upright = np.asarray(picture())
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, object] = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **lossless)
    photo = read_image(content)
    assert photo.shape == upright.shape
    assert np.abs(photo.astype(int) - upright.astype(int)).mean() < 3


@pytest.mark.parametrize("exif", [b"Exif\x00\x00", b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", b"Exif\x00\x00" + bytes(30)])
def test_damaged_exif_data_is_ignored(exif: bytes) -> None:
    assert read_image(encoded(picture(), "JPEG", exif=exif)).shape == (24, 40, 3)


def test_gray_becomes_three_equal_channels() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = np.repeat(ramp[:, :, np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(ramp), "PNG")), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled(kind: str) -> None:
    ramp = np.array([[0, 128, 129, 257], [32767, 32896, 65406, 65535]], dtype=np.uint16)
    photo = read_image(encoded(Image.fromarray(ramp), kind))
    np.testing.assert_array_equal(photo[:, :, 1], [[0, 0, 1, 1], [127, 128, 254, 255]])


def test_one_bit() -> None:
    bits = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(bits), "PNG"))[:, :, 2], bits * 255)


def test_cmyk() -> None:
    photo = read_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(photo.astype(int) - RED).max() <= 3


def test_alpha_is_composited_on_white() -> None:
    image = Image.new("RGBA", (12, 1))
    image.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 51), *[(255, 0, 0, 255)] * 9])
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        photo = read_image(encoded(image, kind, **options))
        assert photo[0, :2].tolist() == [list(RED), list(WHITE)]
        assert np.abs(photo[0, 2].astype(int) - 204).max() <= 1
    gray = Image.new("LA", (2, 1))
    gray.putdata([(10, 255), (10, 0)])
    assert read_image(encoded(gray, "PNG"))[0, :, 0].tolist() == [10, 255]


def test_palette_with_transparency() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, *RED, 0, 255, 0])
    image.putdata([0, 1, 2])
    one = read_image(encoded(image, "PNG", transparency=1))
    assert one[0].tolist() == [[0, 0, 0], list(WHITE), [0, 255, 0]]
    each = read_image(encoded(image, "PNG", transparency=bytes([255, 0, 255])))
    np.testing.assert_array_equal(one, each)
    np.testing.assert_array_equal(one, read_image(encoded(image, "GIF", transparency=1)))


def test_png_with_transparent_gray_or_color() -> None:
    assert read_image(encoded(Image.new("L", (1, 1), 7), "PNG", transparency=7)).tolist() == [[list(WHITE)]]
    assert read_image(encoded(Image.new("RGB", (1, 1), RED), "PNG", transparency=RED)).tolist() == [[list(WHITE)]]


# ---- photos that are refused ----


def test_limit_applies_before_decoding() -> None:
    assert read_image(encoded(picture(), "PNG"), limit=960).shape == (24, 40, 3)
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"):
        text = refusal(lambda kind=kind: read_image(encoded(picture(), kind), name="big.png", limit=959))  # type: ignore[misc]
        assert text.startswith("big.png: ")
        assert "959 allowed" in text
    bomb = png(60_000, 60_000, 1, 0)
    text = refusal(lambda: read_image(bomb))
    assert "200,000,000" in text


def test_images_that_pillow_warns_of_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow warns above MAX_IMAGE_PIXELS and refuses above twice as many; here `limit` alone decides."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_image(encoded(picture(), "PNG"), limit=1000).shape == (24, 40, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pillow_and_warnings_settings_are_restored() -> None:
    before, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    content = encoded(picture(), "TIFF")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: read_image(content), range(200)))
        list(threads.map(lambda _: refusal(lambda: read_image(content, limit=1)), range(50)))
    assert before == Image.MAX_IMAGE_PIXELS
    assert list(warnings.filters) == filters


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.8])
def test_files_cut_off_are_refused(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    path = tmp_path / "cut.bin"
    path.write_bytes(content[: max(12, int(share * len(content)))])
    text = refusal(lambda: read_image(path))
    assert text.startswith(f"{path}: ")
    assert "cut off or damaged" in text or "not JPEG, PNG" in text


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert refusal(lambda: read_image(tmp_path / "empty.jpg")).startswith(f"{tmp_path / 'empty.jpg'}: is empty; ")


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    path.write_bytes(b"<html>Not found</html>")
    text = refusal(lambda: read_image(path))
    assert text.startswith(f"{path}: has an unknown format (0x3c68746d), not JPEG, PNG")
    assert "HEIC" in refusal(lambda: read_image(b"\x00\x00\x00\x18ftypheic" + bytes(40), name="IMG_1.heic"))
    assert "the image: " in refusal(lambda: read_image(b"%PDF-1.4"))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "No such file" in refusal(lambda: read_image(tmp_path / "nothing.jpg"))
    assert f"{tmp_path}: is not a file" in refusal(lambda: read_image(tmp_path))
    refusal(lambda: read_image(Path("a\0b")))


@pytest.mark.parametrize("values", [np.zeros((2, 2), dtype=np.float32), np.zeros((2, 2), dtype=np.int32)])
def test_32_bit_values_are_refused(values: NDArray[np.generic]) -> None:
    assert "32 bits" in refusal(lambda: read_image(encoded(Image.fromarray(values), "TIFF")))


# ---- masks that are read ----

NUMBERS = np.array([[0, 1, 2], [3, 4, 4]], dtype=np.uint8)


def palette_image(mask: NDArray[np.uint8], colors: list[tuple[int, int, int]]) -> Image.Image:
    """A palette image whose indices are the mask's numbers."""
    image = Image.frombytes("P", (mask.shape[1], mask.shape[0]), mask.tobytes())
    image.putpalette([value for color in colors for value in color])
    return image


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("declared", [True, False])
def test_palette_masks(tmp_path: Path, kind: str, declared: bool) -> None:
    path = tmp_path / "mask"
    path.write_bytes(encoded(palette_image(NUMBERS, [*PALETTE]), kind))
    mask = read_mask(path, 5, palette=PALETTE if declared else None)
    np.testing.assert_array_equal(mask, NUMBERS, strict=True)
    assert mask.flags.writeable


def test_gray_masks_of_every_bit_depth() -> None:
    np.testing.assert_array_equal(read_mask(encoded(Image.fromarray(NUMBERS), "PNG"), 5), NUMBERS, strict=True)
    wide = encoded(Image.fromarray(NUMBERS.astype(np.uint16)), "PNG")
    np.testing.assert_array_equal(read_mask(wide, 5), NUMBERS, strict=True)
    bits = NUMBERS > 1
    np.testing.assert_array_equal(read_mask(encoded(Image.fromarray(bits), "PNG"), 2), bits.astype(np.uint8))
    # Two and four bits, which Pillow reads as stretched gray and never writes.
    two = png(4, 1, 2, 0, rows=b"\x00" + bytes([0b00_01_10_11]))
    assert read_mask(two, 4).tolist() == [[0, 1, 2, 3]]
    four = png(4, 1, 4, 0, rows=b"\x00" + bytes([0x01, 0x4F]))
    assert read_mask(four, 5, ignore=(15,)).tolist() == [[0, 1, 4, IGNORE_INDEX]]


def test_color_masks() -> None:
    colors = np.array(PALETTE, dtype=np.uint8)[NUMBERS]
    np.testing.assert_array_equal(
        read_mask(encoded(Image.fromarray(colors), "PNG"), 5, palette=PALETTE), NUMBERS, strict=True
    )
    colors[0, 0] = WHITE
    mask = read_mask(encoded(Image.fromarray(colors), "PNG"), 5, palette=PALETTE, ignore=(WHITE,))
    assert mask[0].tolist() == [IGNORE_INDEX, 1, 2]


def test_opaque_alpha_is_ignored_and_transparent_pixels_are_refused() -> None:
    colors = Image.fromarray(np.array(PALETTE, dtype=np.uint8)[NUMBERS])
    colors.putalpha(255)
    np.testing.assert_array_equal(read_mask(encoded(colors, "PNG"), 5, palette=PALETTE), NUMBERS)
    gray = Image.fromarray(NUMBERS)
    gray.putalpha(255)
    np.testing.assert_array_equal(read_mask(encoded(gray, "PNG"), 5), NUMBERS)
    gray.putalpha(254)
    assert "transparent" in refusal(lambda: read_mask(encoded(gray, "PNG"), 5))


def test_ignored_values() -> None:
    numbers = NUMBERS.copy()
    numbers[0, 0] = 255
    content = encoded(Image.fromarray(numbers), "PNG")
    assert read_mask(content, 5, ignore=(255,))[0, 0] == IGNORE_INDEX
    assert read_mask(content, 5, ignore=(255,))[1].tolist() == [3, 4, 4]
    assert "declare 255 as the value to ignore" in refusal(lambda: read_mask(content, 5))
    assert read_mask(encoded(Image.fromarray(NUMBERS), "PNG"), 5, ignore=(0,))[0].tolist() == [IGNORE_INDEX, 1, 2]
    wide = np.array([[0, 65535]], dtype=np.uint16)
    assert read_mask(encoded(Image.fromarray(wide), "PNG"), 1, ignore=(65535,)).tolist() == [[0, IGNORE_INDEX]]


def test_colors_count_in_a_reordered_palette() -> None:
    """A program that makes PNGs smaller sorts the palette anew; the picture is the same, the indices are not."""
    order = np.array([4, 2, 0, 1, 3])
    place = np.argsort(order).astype(np.uint8)
    repacked = encoded(palette_image(place[NUMBERS], [PALETTE[i] for i in order]), "PNG")
    np.testing.assert_array_equal(read_mask(repacked, 5, palette=PALETTE), NUMBERS, strict=True)
    np.testing.assert_array_equal(read_mask(repacked, 5), place[NUMBERS], strict=True)


def test_indices_count_in_a_palette_of_other_colors() -> None:
    own = [(10, 20, 30), (1, 2, 3), (4, 5, 6), (7, 8, 9), (60, 70, 80)]
    content = encoded(palette_image(NUMBERS, own), "PNG")
    np.testing.assert_array_equal(read_mask(content, 5, palette=PALETTE), NUMBERS)
    assert read_mask(content, 5, ignore=[(1, 2, 3)])[0].tolist() == [0, 1, 2]  # a class, by its number
    assert read_mask(content, 1, ignore=own[1:])[0].tolist() == [0, IGNORE_INDEX, IGNORE_INDEX]


def test_palette_with_declared_and_unknown_colors_is_refused() -> None:
    content = encoded(palette_image(NUMBERS, [PALETTE[1], PALETTE[0], *PALETTE[2:4], (9, 99, 199)]), "PNG")
    assert "(9, 99, 199) (2 pixels" in refusal(lambda: read_mask(content, 5, palette=PALETTE))


def test_exif_orientation_of_masks_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(palette_image(np.ascontiguousarray(np.rot90(NUMBERS)), [*PALETTE]), "PNG", exif=exif)
    np.testing.assert_array_equal(read_mask(content, 5), NUMBERS)


# ---- masks that are refused ----


def test_values_outside_the_classes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(encoded(Image.fromarray(np.array([[0, 7, 7], [9, 1, 7]], dtype=np.uint8)), "PNG"))
    text = refusal(lambda: read_mask(path, 5))
    assert text.startswith(f"{path}: contains values outside the classes 0..4: 7 (3 pixels), 9 (1 pixel); ")
    many = encoded(Image.fromarray(np.arange(20, dtype=np.uint16)[np.newaxis]), "PNG")
    assert "9 (1 pixel) and 10 more" in refusal(lambda: read_mask(many, 5))
    negative = encoded(Image.fromarray(np.array([[-1, 0]], dtype=np.int32)), "TIFF")
    assert "-1 (1 pixel)" in refusal(lambda: read_mask(negative, 5))
    half = encoded(Image.fromarray(np.array([[0.5, np.nan]], dtype=np.float32)), "TIFF")
    assert "0.5 (1 pixel), nan (1 pixel)" in refusal(lambda: read_mask(half, 5))


def test_colors_without_a_palette_are_refused() -> None:
    content = encoded(Image.fromarray(np.array(PALETTE, dtype=np.uint8)[NUMBERS]), "PNG")
    text = refusal(lambda: read_mask(content, 5, name="a.png"))
    assert text.startswith("a.png: contains 5 colors instead of class numbers; ")


def test_unknown_colors_are_counted_and_compared() -> None:
    colors = np.array(PALETTE, dtype=np.uint8)[NUMBERS]
    colors[0, 0] = (12, 5, 3)
    colors[1, 1:] = (90, 90, 200)
    text = refusal(lambda: read_mask(encoded(Image.fromarray(colors), "PNG"), 5, palette=PALETTE, name="a.png"))
    assert text.startswith("a.png: contains 2 colors that are not declared: (90, 90, 200) (2 pixels), ")
    assert "(12, 5, 3) (1 pixel, close to (0, 0, 0) of class 0)" in text
    assert "JPEG" in text
    colors[0, 0] = 0
    text = refusal(lambda: read_mask(encoded(Image.fromarray(colors), "PNG"), 5, palette=PALETTE))
    assert "contains a color" in text
    assert "JPEG" not in text


def test_jpeg_masks_are_refused() -> None:
    gray = encoded(Image.fromarray(np.repeat(NUMBERS, 8, axis=1)), "JPEG")
    assert "is a JPEG" in refusal(lambda: read_mask(gray, 5))
    sharp = np.kron(np.array(PALETTE, dtype=np.uint8)[NUMBERS], np.ones((16, 16, 1), dtype=np.uint8))
    text = refusal(lambda: read_mask(encoded(Image.fromarray(sharp), "JPEG", quality=98), 5, palette=PALETTE))
    assert "JPEG" in text
    assert "close to" in text


def test_unreadable_masks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for content in (b"", b"\x89PNG\r\n\x1a\n", encoded(palette_image(NUMBERS, [*PALETTE]), "PNG")[:45], b"GIF89a"):
        path.write_bytes(content)
        assert refusal(lambda: read_mask(path, 5)).startswith(f"{path}: ")
    assert "No such file" in refusal(lambda: read_mask(tmp_path / "nothing.png", 5))


def test_wrong_arguments() -> None:
    content = encoded(Image.fromarray(NUMBERS), "PNG")
    for classes in (0, 256):
        with pytest.raises(ValueError, match="classes"):
            read_mask(content, classes)
    with pytest.raises(ValueError, match="a color for each of 5 classes, got 1"):
        read_mask(content, 5, palette=[RED])


# ---- masks that are written ----


def test_ignored_pixels_are_shown_white() -> None:
    mask = np.array([[0, 1], [4, IGNORE_INDEX]], dtype=np.uint8)
    content = encode_mask(mask, PALETTE)
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert shown.tolist() == [[list(PALETTE[0]), list(PALETTE[1])], [list(PALETTE[4]), list(WHITE)]]
    assert content == encode_mask(mask, PALETTE)


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((0, 3), dtype=np.uint8),
        np.zeros((2, 2, 1), dtype=np.uint8),
        np.zeros((2, 2), dtype=np.int64),
        np.full((1, 1), 5, dtype=np.uint8),
    ],
)
def test_invalid_masks_are_not_written(mask: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="mask"):
        encode_mask(mask, PALETTE)


# ---- properties ----

quick = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
color = st.tuples(*[st.integers(0, 255)] * 3)
tables = st.lists(color, min_size=1, max_size=255)


@quick
@given(data=st.data(), table=tables, shape=array_shapes(min_dims=2, max_dims=2, max_side=20))
def test_writing_and_reading_agree(
    data: st.DataObject, table: list[tuple[int, int, int]], shape: tuple[int, int]
) -> None:
    values = st.integers(0, len(table) - 1) | st.just(IGNORE_INDEX)
    mask = data.draw(arrays(np.uint8, shape, elements=values))
    content = encode_mask(mask, table)
    np.testing.assert_array_equal(read_mask(content, len(table), ignore=(IGNORE_INDEX,)), mask, strict=True)
    np.testing.assert_array_equal(
        read_mask(content, len(table), palette=table, ignore=(IGNORE_INDEX,)), mask, strict=True
    )


@quick
@given(data=st.data(), table=st.lists(color | st.just(WHITE), min_size=1, max_size=255, unique=True))
def test_shown_colors_give_the_classes(data: st.DataObject, table: list[tuple[int, int, int]]) -> None:
    mask = data.draw(arrays(np.uint8, (3, 4), elements=st.integers(0, len(table) - 1) | st.just(IGNORE_INDEX)))
    shown = encoded(Image.open(io.BytesIO(encode_mask(mask, table))).convert("RGB"), "PNG")
    ignore = [ignored_color(table)]
    np.testing.assert_array_equal(read_mask(shown, len(table), palette=table, ignore=ignore), mask, strict=True)


SAMPLES = [
    encoded(picture(), kind, **options)
    for kind, options in (
        ("JPEG", {}),
        (
            "JPEG",
            {"exif": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"},
        ),
        ("PNG", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("GIF", {}),
    )
] + [encoded(palette_image(NUMBERS, [*PALETTE]), "PNG", transparency=b"\x00\x80")]
STARTS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    b"II*\x00",
    b"MM\x00*",
    b"BM",
    b"GIF89a",
]


def read_or_refuse(content: bytes) -> None:
    """Read the bytes as a photo and as a mask; a `SeamlineError` of one line is the only error allowed."""
    readers: tuple[Callable[[], NDArray[np.uint8]], ...] = (
        lambda: read_image(content, name="x", limit=1_000_000),
        lambda: read_mask(content, 5, name="x", limit=1_000_000),
        lambda: read_mask(content, 5, palette=PALETTE, ignore=(255,), name="x", limit=1_000_000),
    )
    for reader in readers:
        try:
            array = reader()
        except SeamlineError as error:
            assert str(error).startswith("x: ")  # noqa: PT017 - either outcome is right, and each has its own check
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert array.dtype == np.uint8
            assert array.size


@quick
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(start: bytes, rest: bytes) -> None:
    read_or_refuse(start + rest)


@settings(parent=quick, max_examples=300)
@given(
    content=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    received=st.floats(0, 1),
)
def test_damaged_files_are_read_or_refused(content: bytes, changes: list[tuple[float, int]], received: float) -> None:
    damaged = bytearray(content)
    for place, value in changes:
        damaged[int(place**3 * len(damaged))] = value  # more often near the start, where headers are
    read_or_refuse(bytes(damaged[: max(1, int((1 - received**4) * len(damaged)))]))
