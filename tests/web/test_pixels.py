"""Photos are read, resized and segmented in a browser as in Python: the same bytes, except where a browser decodes."""

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import PIL
import pytest
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_io import read_image
from seamline.data.preprocess import center_crop_resize, fit_inside, resize_max_side
from seamline.inference.tiled import predict_mask, predict_strips
from web_pages import Visit, encode

pytestmark = pytest.mark.browser

ROUNDING = 0 if int(PIL.__version__.split(".")[0]) >= 13 else 2
"""Gray levels by which resized pixels may differ: Pillow before 13 resizes some tall images in the other order."""

READ = """async ([content, depth]) => {
  const { readPhoto } = await import(new URL("pixels.js", document.baseURI).href);
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  try {
    const { width, height, data } = await readPhoto(new File([bytes], "photo"), depth);
    return [width, height, await toBase64(data)];
  } catch (error) {
    return error.message;
  }
}"""
TO_BASE64 = """window.toBase64 = (data) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.replace(/^.*,/, ""));
  reader.readAsDataURL(new Blob([data]));
});"""
RESIZE = """async (cases) => {
  const resample = await import(new URL("resample.js", document.baseURI).href);
  return Promise.all(cases.map(async ([name, content, height, width, shape, size]) => {
    const data = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const image = { width, height, channels: 3, data };
    const details = name === "resizeMaxSide" ? [shape[2], size] : [shape];
    const result = resample[name](image, ...details);
    return [result.height, result.width, result.channels, await toBase64(result.data)];
  }));
}"""
SEGMENT = """async ([content, height, width, maxSide]) => {
  const { segment } = await import(new URL("predict.js", document.baseURI).href);
  const data = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const run = async (planes, rows, columns) => { // as `forward` below
    const logits = new Float32Array(3 * rows * columns);
    for (let i = 0; i < logits.length; i++) {
      logits[i] = planes[i] / 64 + (i % columns) / 300 - (Math.floor(i / columns) % rows) / 400;
    }
    return { logits };
  };
  const intervals = { level: 0.9, quantiles: { a: 1, b: 2 } };
  const model = { classes: ["a", "b", "c"], input_size: [64, 64, 3], temperature: 1.5, fraction_intervals: intervals };
  const image = { width, height, channels: 3, data };
  const result = await segment(run, model, image, maxSide);
  return [await toBase64(result.mask), result.class_fractions, result.class_intervals];
}"""


@pytest.fixture(scope="module")
def page(visit: Visit) -> Any:
    page = visit("garments")
    page.evaluate(TO_BASE64)
    return page


def read_in_browser(page: Any, content: bytes, depth: int = 0) -> NDArray[np.uint8]:
    result = page.evaluate(READ, [encode(content), depth])
    assert isinstance(result, list), result
    width, height, data = result
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 3)


def noise(*shape: int, high: int = 256, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, high, shape, np.uint16 if high > 256 else np.uint8)


def saved_png(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def smooth_alpha(channels: int) -> NDArray[np.uint8]:
    """Pixels whose last channel varies like a band."""
    return noise(23, 31, channels, seed=4)


def hard_alpha(channels: int) -> NDArray[np.uint8]:
    """Pixels whose last channel is transparency: mostly all or nothing, with soft edges."""
    pixels = noise(23, 31, channels, seed=5)
    pixels[..., -1] = np.repeat(np.array([0, 90, 255, 255, 0], np.uint8), 7)[:31]
    return pixels


def png_by_hand(
    samples: NDArray[Any], color_type: int, depth: int, *, interlaced: bool = False, extra: bytes = b""
) -> bytes:
    """Write (H, W, C) samples as PNG, rows without a filter; for what Pillow does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    def packed(part: NDArray[Any]) -> bytes:
        if part.size == 0:
            return b""
        if depth == 16:
            rows = [row.astype(">u2").tobytes() for row in part]
        else:
            bits = np.unpackbits(part.astype(np.uint8)[..., np.newaxis], axis=-1)[..., -depth:]
            rows = [np.packbits(row.reshape(-1)).tobytes() for row in bits]
        return b"".join(b"\0" + row for row in rows)

    steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in steps] if interlaced else [samples]
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, interlaced)
    data = zlib.compress(b"".join(map(packed, passes)))
    end = chunk(b"IEND", b"")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", data[:9])
        + chunk(b"IDAT", data[9:])
        + end
    )


def png_files() -> Iterator[tuple[str, bytes]]:
    """Every kind of PNG, by name."""
    gray, color = noise(23, 31), noise(23, 31, 3)
    yield "gray", saved_png(Image.fromarray(gray))
    yield "color", saved_png(Image.fromarray(color))
    yield (
        "smooth color",
        saved_png(
            Image.fromarray(np.add.outer(np.arange(60), np.arange(50))[..., np.newaxis].repeat(3, 2).astype(np.uint8))
        ),
    )
    yield "black and white", saved_png(Image.fromarray(gray).convert("1"))
    yield "palette", saved_png(Image.fromarray(color).quantize(200))
    yield "palette of 4 bits", saved_png(Image.fromarray(color).quantize(13))
    yield (
        "transparent palette",
        saved_png(Image.fromarray(color).quantize(9), transparency=bytes([0, 255, 60, 255, 0, 255])),
    )
    for channels, mode in ((2, "LA"), (4, "RGBA")):
        yield f"{mode} transparency", saved_png(Image.fromarray(hard_alpha(channels), mode))
        yield f"{mode} band", saved_png(Image.fromarray(smooth_alpha(channels), mode))
        yield f"{mode} without an opaque pixel", saved_png(Image.fromarray(hard_alpha(channels) // 3, mode))
    yield "transparent gray", saved_png(Image.fromarray(gray), transparency=int(gray[3, 4]))
    yield "transparent color", saved_png(Image.fromarray(color), transparency=tuple(map(int, color[3, 4])))
    for bits in (8, 10, 12, 16):
        yield f"gray of {bits} bits in 16", saved_png(Image.fromarray(noise(23, 31, high=1 << bits).astype(np.uint16)))
        _, content = cv2.imencode(".png", noise(23, 31, 3, high=1 << bits).astype(np.uint16))
        yield f"color of {bits} bits in 16", content.tobytes()
    wide = noise(23, 31, 4, high=1 << 12).astype(np.uint16)
    wide[..., 3] = hard_alpha(4)[..., 3].astype(np.uint16) * 257
    yield "color and transparency of 16 bits", cv2.imencode(".png", wide)[1].tobytes()
    yield "gray and transparency of 16 bits", png_by_hand(wide[..., [0, 3]], 4, 16)
    for depth in (1, 2, 4, 8, 16):
        yield (
            f"interlaced gray of {depth} bits",
            png_by_hand(noise(23, 31, 1, high=1 << depth), 0, depth, interlaced=True),
        )
    yield "interlaced color", png_by_hand(color, 2, 8, interlaced=True)
    yield "interlaced color of 3 x 2", png_by_hand(color[:2, :3], 2, 8, interlaced=True)
    yield "gray of 2 bits", png_by_hand(noise(23, 31, 1, high=4), 0, 2)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"orientation {orientation}", saved_png(Image.fromarray(color), exif=exif)


@pytest.mark.parametrize(
    ("name", "content"), list(png_files()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_png_has_the_same_pixels(page: Any, name: str, content: bytes) -> None:
    np.testing.assert_array_equal(read_in_browser(page, content), read_image(content))


def test_the_bit_depth_of_the_training_images_counts(page: Any) -> None:
    content = saved_png(Image.fromarray(noise(23, 31, high=1 << 9).astype(np.uint16)))
    np.testing.assert_array_equal(read_in_browser(page, content, 12), read_image(content, depth=12))
    assert read_in_browser(page, content, 12).max() < read_in_browser(page, content).max()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_jpegs_are_upright_and_nearly_the_same(page: Any, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(cv2.GaussianBlur(noise(90, 120, 3), (0, 0), 4)).resize((240, 180))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, exif=exif)
    pixels, expected = read_in_browser(page, stream.getvalue()), read_image(stream.getvalue())
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 3


def test_other_formats(page: Any) -> None:
    picture = Image.fromarray(noise(20, 30, 3))
    for kind, options in (("BMP", {}), ("WEBP", {"lossless": True}), ("GIF", {})):
        stream = io.BytesIO()
        picture.quantize(50).save(stream, kind) if kind == "GIF" else picture.save(stream, kind, **options)
        np.testing.assert_array_equal(read_in_browser(page, stream.getvalue()), read_image(stream.getvalue()))


def test_what_is_no_photo_is_refused_in_words(page: Any) -> None:
    stream = io.BytesIO()
    Image.fromarray(noise(9, 9)).save(stream, "TIFF")
    content = saved_png(Image.fromarray(noise(23, 31, 3)))
    huge = png_by_hand(noise(1, 1, 1), 0, 8).replace(struct.pack(">II", 1, 1), struct.pack(">II", 20_000, 20_000))
    for case, words in (
        (b"", "is empty"),
        (b"no image at all", "has an unknown format (0x6e6f2069), not JPEG, PNG, WebP, BMP or GIF"),
        (stream.getvalue(), "is a TIFF, not JPEG"),
        (content[:900], "is cut off or damaged (its end is missing)"),
        (content.replace(content[60:80], bytes(20)), "is cut off or damaged (its compressed data is damaged)"),
        (huge, "is 20000 x 20000 pixels, more than the 200,000,000 allowed"),
        (b"\xff\xd8\xff\xe0 no JPEG", "is cut off or damaged"),
    ):
        result = page.evaluate(READ, [encode(case), 0])
        assert isinstance(result, str), words
        assert result.startswith(words)


def test_images_are_resized_byte_for_byte(page: Any) -> None:
    functions = {"centerCropResize": center_crop_resize, "fitInside": fit_inside}
    sizes = [(28, 28), (200, 31), (31, 200), (57, 57), (1, 1), (2, 255), (300, 401)]
    cases: list[tuple[Any, ...]] = []
    expected = []
    for number, (height, width) in enumerate(sizes):
        image = noise(height, width, 3, seed=number)
        for shape in ((28, 28, 1), (20, 33, 3)):
            for name, function in functions.items():
                cases.append((name, encode(image.tobytes()), height, width, shape, 0))
                expected.append(function(image, shape))
            for size in (0, 100, 37):
                cases.append(("resizeMaxSide", encode(image.tobytes()), height, width, shape, size))
                expected.append(resize_max_side(image, shape[2], size))
    for (height, width, channels, data), answer in zip(page.evaluate(RESIZE, cases), expected, strict=True):
        result = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, channels)
        assert np.abs(result.astype(int) - answer).max(initial=0) <= ROUNDING


@pytest.mark.parametrize(
    ("shape", "max_side"), [((90, 70), 64), ((1000, 900), 0), ((620, 1300), 0), ((1300, 900), 1000), ((1, 900), 700)]
)
def test_tiles_are_blended_and_resized_as_in_python(page: Any, shape: tuple[int, int], max_side: int) -> None:
    """The logits depend on the position in a tile, so that its bounds and weights matter."""
    image = cv2.GaussianBlur(noise(*shape, 3), (0, 0), 9).astype(np.uint8)

    def forward(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows, columns = images.shape[1:3]
        ramp = np.arange(columns) / 300 - np.arange(rows)[:, np.newaxis] / 400
        return (images.transpose(0, 3, 1, 2) / 64 + ramp).astype(np.float32)

    strips = predict_strips(forward, resize_max_side(image, 3, max_side), shape=shape)
    expected = predict_mask(strips, shape, 1.5)
    mask, fractions, intervals = page.evaluate(SEGMENT, [encode(image.tobytes()), *shape, max_side])
    assert (np.frombuffer(base64.b64decode(mask), np.uint8).reshape(shape) == expected.mask).mean() > 0.9999
    counts = np.bincount(expected.mask.ravel(), minlength=3) / expected.mask.size
    assert list(fractions.values()) == pytest.approx(counts, abs=1e-4)
    errors = expected.expected_errors / expected.mask.size
    assert list(intervals) == ["a", "b"]
    for index, (low, high) in enumerate(intervals.values()):
        margin = (index + 1) * (errors[index] + 0.005)
        assert (low, high) == pytest.approx((max(0, counts[index] - margin), min(1, counts[index] + margin)), abs=1e-4)
