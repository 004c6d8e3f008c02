"""Invalid and unusual images, passed to `read_image`."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fuzz_corpus import pixels, write_photos
from invalid_inputs import InvalidInput
from seamline.data.image_io import read_image


def _read(write: Callable[[Path], Path]) -> Callable[[Path], str]:
    def attempt(folder: Path) -> str:
        image = read_image(write(folder))
        return f"works: {image.shape[1]} x {image.shape[0]} pixels, RGB of 8 bits"

    return attempt


def _photo(name: str) -> Callable[[Path], Path]:
    """Return a function that writes one of the photos in all formats."""

    def write(folder: Path) -> Path:
        write_photos(folder)
        return folder / name

    return write


def _truncated(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        file = _photo(name)(folder)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        return file

    return write


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _image(name: str, height: int, width: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        Image.fromarray(pixels(0, height, max(width, 2))[:, :width]).save(folder / name)
        return folder / name

    return write


def _bomb() -> bytes:
    """Return a PNG of a few hundred bytes whose header claims 2.5 billion pixels."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    for kind, content in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(parts)


def _floats(folder: Path) -> Path:
    Image.fromarray(np.ones((8, 8), np.float32)).save(folder / "floats.tif")
    return folder / "floats.tif"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


IMAGES = (
    InvalidInput("JPEG cut off in the middle", _read(_truncated("plain.jpg"))),
    InvalidInput("PNG cut off in the middle", _read(_truncated("plain.png"))),
    InvalidInput("file of zero bytes", _read(_file("empty.jpg", b""))),
    InvalidInput("text named .jpg", _read(_file("notes.jpg", b"Dear diary"))),
    InvalidInput("HEIC photo of a phone", _read(_file("phone.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"))),
    InvalidInput(
        "decompression bomb: 50,000 x 50,000 pixels in a few hundred bytes", _read(_file("bomb.png", _bomb()))
    ),
    InvalidInput("1 x 1 pixel", _read(_image("dot.png", 1, 1))),
    InvalidInput("60,000 pixels wide", _read(_image("strip.png", 20, 60_000))),
    InvalidInput("PNG of 16 bits", _read(_photo("deep.png"))),
    InvalidInput("TIFF of 32-bit floating point", _read(_floats)),
    InvalidInput("animated GIF", _read(_photo("moving.gif"))),
    InvalidInput("animated WebP", _read(_photo("moving.webp"))),
    InvalidInput("CMYK JPEG", _read(_photo("print.jpg"))),
    InvalidInput("palette PNG with transparency", _read(_photo("palette.png"))),
    InvalidInput("photo that EXIF turns by a quarter", _read(_photo("sideways.jpg"))),
    InvalidInput("no such file", _read(lambda folder: folder / "missing.jpg")),
    InvalidInput("a folder in place of a photo", _read(lambda folder: folder)),
    InvalidInput("a pipe in place of a photo", _read(_pipe)),
)
"""Images for `read_image`."""
