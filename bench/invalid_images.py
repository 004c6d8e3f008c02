"""Bad and odd images, given to `read_image`."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fuzz_corpus import pixels, write_photos
from invalid_inputs import Bad
from seamline.data.image_io import read_image


def _read(make: Callable[[Path], Path]) -> Callable[[Path], str]:
    def attempt(folder: Path) -> str:
        image = read_image(make(folder))
        return f"works: {image.shape[0]} x {image.shape[1]} pixels (height x width), RGB of 8 bits"

    return attempt


def _one_of(name: str) -> Callable[[Path], Path]:
    """Return a maker of one of the photos in all formats."""

    def make(folder: Path) -> Path:
        write_photos(folder)
        return folder / name

    return make


def _half_of(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file = _one_of(name)(folder)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        return file

    return make


def _bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _sized(name: str, height: int, width: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        Image.fromarray(pixels(0, height, max(width, 2))[:, :width]).save(folder / name)
        return folder / name

    return make


def _bomb() -> bytes:
    """Return a PNG of a few hundred bytes that says it has 2.5 thousand million pixels."""
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
    Bad("JPEG cut off in the middle", _read(_half_of("plain.jpg"))),
    Bad("PNG cut off in the middle", _read(_half_of("plain.png"))),
    Bad("file of zero bytes", _read(_bytes("empty.jpg", b""))),
    Bad("text named .jpg", _read(_bytes("notes.jpg", b"Dear diary"))),
    Bad("HEIC photo of a phone", _read(_bytes("phone.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"))),
    Bad("decompression bomb: 50,000 x 50,000 pixels in a few hundred bytes", _read(_bytes("bomb.png", _bomb()))),
    Bad("1 x 1 pixel", _read(_sized("dot.png", 1, 1))),
    Bad("60,000 pixels wide", _read(_sized("strip.png", 20, 60_000))),
    Bad("PNG of 16 bits", _read(_one_of("deep.png"))),
    Bad("TIFF of 32-bit floating point", _read(_floats)),
    Bad("animated GIF", _read(_one_of("moving.gif"))),
    Bad("animated WebP", _read(_one_of("moving.webp"))),
    Bad("CMYK JPEG", _read(_one_of("print.jpg"))),
    Bad("palette PNG with transparency", _read(_one_of("palette.png"))),
    Bad("photo that EXIF turns by a quarter", _read(_one_of("sideways.jpg"))),
    Bad("no such file", _read(lambda folder: folder / "missing.jpg")),
    Bad("a folder in place of a photo", _read(lambda folder: folder)),
    Bad("a pipe in place of a photo", _read(_pipe)),
)
"""What `read_image` gets."""
