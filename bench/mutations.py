"""Mutations of files: of their bytes, and of the contents of their formats.

All randomness comes from the generator passed in, so a seed reproduces the mutations.
"""

import copy
import io
import json
import random
import struct
import zlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

HEADER_SIZES = (0, 1, 2, 255, 256, 32_767, 32_768, 60_000, 65_535, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
"""Values written over sizes in headers."""

DEPTH = 20_000
"""Nesting depth of JSON."""


def mutate(name: str, content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a mutated file.

    Args:
        name: file name; the suffix tells the format.
        content: bytes of the file.
        others: bytes of other files, to splice with.
        rng: random generator.
    """
    mutate_format = _FORMATS.get(PurePath(name).suffix.lower())
    if mutate_format is not None and rng.random() < 0.8:
        return mutate_format(content, rng)
    mutated = content
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        mutated = rng.choice(_BYTE_MUTATIONS)(mutated, others, rng)
    if mutated[:4] == b"\x89PNG" and rng.random() < 0.6:
        return with_checksums(mutated)
    return mutated


def with_checksums(png: bytes) -> bytes:
    """Return a PNG with corrected checksums, so that decoders read the mutated data."""
    parts, position = [png[:8]], 8
    while position + 12 <= len(png):
        (size,) = struct.unpack(">I", png[position : position + 4])
        body = png[position + 4 : position + 8 + size]
        if len(body) < 4 + size:
            break
        parts.append(png[position : position + 4] + body + struct.pack(">I", zlib.crc32(body)))
        position += 12 + size
    return b"".join([*parts, png[position:]])


def _flip_bits(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(min(rng.randint(1, 8), len(changed))):
        changed[_position(len(changed), rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set_bytes(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(min(rng.randint(1, 8), len(changed))):
        changed[_position(len(changed), rng)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed)


def _truncate(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))] if content else content


def _remove(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randint(1, 64) :]


def _repeat(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start : start + rng.randint(1, 256)] * rng.randint(2, 20) + content[start:]


def _splice(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others) if others else content[::-1]
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


def _overwrite_size(content: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Overwrite bytes with a size."""
    form = rng.choice((">H", "<H", ">I", "<I"))
    width = struct.calcsize(form)
    if len(content) < width:
        return content
    position = _position(len(content) - width + 1, rng)
    value = rng.choice(HEADER_SIZES) & ((1 << 8 * width) - 1)
    return content[:position] + struct.pack(form, value) + content[position + width :]


def _position(size: int, rng: random.Random) -> int:
    """Draw an offset, half of the time in the header."""
    return rng.randrange(min(size, 64) if rng.random() < 0.5 else size)


_BYTE_MUTATIONS = (_flip_bits, _set_bytes, _truncate, _remove, _repeat, _splice, _overwrite_size, _overwrite_size)


def _unusual_value(rng: random.Random) -> Any:
    """Return a value that is rarely valid."""
    values: tuple[Any, ...] = (
        None, True, False, 0, -1, 1, 2, 255, 1e6, 0.5, 1e-300, 1e308, -1e308, 1 << 40, 1 << 63, 10**400, float("nan"),
        float("inf"), -float("inf"), "", "x", "0", "1e5", "../x", "a\nb", "\x00", "\u2028", "\ud800", "x" * 5_000, [],
        {}, [[]], [None], [0, 1], [1, "x", None], {"x": 1}, {"value": "x"}, {"value": None, "low": 1, "high": []},
        [[0, 0], [1, 1]], ["a", "b"], [1.5] * 300,
    )  # fmt: skip
    return rng.choice(values)


def mutate_value(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with one to three changes."""
    changed = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        node, key = _random_position(changed, rng)
        if node is None:
            return _unusual_value(rng)
        kind = rng.randrange(6)
        if kind <= 2:
            node[key] = _unusual_value(rng)
        elif kind == 3:
            del node[key]
        elif kind == 4 and isinstance(node, list):
            node.insert(key, copy.deepcopy(node[rng.randrange(len(node))]))
        elif kind == 4:
            node[rng.choice((f"{key}x", "", "name", "value"))] = node.pop(key)
        else:
            other, position = _random_position(changed, rng)
            node[key] = copy.deepcopy(other[position])
    return changed


def _random_position(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """Draw a position in nested lists and dicts: its container and key; None if there is none."""
    node, key, child = None, None, value
    while isinstance(child, list | dict) and child:
        if node is not None and rng.random() < 0.2:
            break
        node = child
        key = rng.choice(list(child)) if isinstance(child, dict) else rng.randrange(len(child))
        child = node[key]
    return node, key


def _json(content: bytes, rng: random.Random) -> bytes:
    """Change the value of JSON, or its text."""
    if rng.random() < 0.06:
        opened = rng.choice((b"[", b'{"a":'))
        return content[: rng.randrange(len(content))] + opened * DEPTH
    if rng.random() < 0.06:
        return rng.choice((b"", b"null", b"[]", b"{}", b"3", b'"x"', b"9" * 5_000, b"\xff\xfe{}", b"[1," * 50))
    return json.dumps(mutate_value(json.loads(content), rng)).encode()


def _json_lines(content: bytes, rng: random.Random) -> bytes:
    """Change one line of JSON lines."""
    lines = content.splitlines()
    position = rng.randrange(len(lines))
    lines[position] = _json(lines[position], rng)
    return b"\n".join(lines)


def _text(content: bytes, rng: random.Random) -> bytes:
    """Change a table or a list of names: fields, separators, quotes, lines."""
    lines = content.decode().split("\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        position = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            odd = ('"', "\x00", "\r", ",", ";", "\t", '""', "a\u2028b", "é" * 3_000, "9" * 5_000, "../..", '"a\nb"')
            split_at = rng.randrange(len(lines[position]) + 1)
            lines[position] = lines[position][:split_at] + rng.choice(odd) + lines[position][split_at:]
        elif kind == 1:
            lines[position] = lines[rng.randrange(len(lines))]
        elif kind == 2:
            lines.insert(position, rng.choice(("", ",", ",,,,", lines[position], "x" * 200_000)))
        elif kind == 3 and len(lines) > 1:
            del lines[position]
        elif kind == 4:
            lines[position] = lines[position].replace(",", rng.choice((";", "\t", ",,", "")))
        elif kind == 5:
            fields = lines[position].split(",")
            fields[rng.randrange(len(fields))] = str(_unusual_value(rng))[:2_000]
            lines[position] = ",".join(fields)
        elif kind == 6:
            return "\n".join(lines).encode(rng.choice(("utf-16", "utf-8-sig", "utf-32")), "replace")
        else:
            lines[position] = lines[position][: rng.randrange(len(lines[position]) + 1)]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _tensors(content: bytes, rng: random.Random) -> bytes:
    """Change the header of a safetensors file, with a matching length."""
    (size,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + size])
    nest = head.get("__metadata__", {}).get("nest")
    if nest is not None and rng.random() < 0.6:
        head["__metadata__"]["nest"] = _json(nest.encode(), rng).decode("utf-8", "replace")
        changed = json.dumps(head).encode()
    else:
        changed = _json(content[8 : 8 + size], rng)
    return struct.pack("<Q", len(changed)) + changed + content[8 + size :]


def _arrays(content: bytes, rng: random.Random) -> bytes:
    """Change one array of a NumPy archive."""
    with np.load(io.BytesIO(content)) as archive:
        arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
    name = rng.choice(list(arrays))
    array = arrays[name]
    ways: tuple[Any, ...] = (
        None, array[:1], array[..., :1], array[:0], array.ravel(), np.zeros(()), np.full(array.shape, np.nan),
        np.full(array.shape, -1), np.full(array.shape, 10**9), np.full(array.shape, "x"), array[np.newaxis],
        np.zeros(array.shape, bool), array.astype("S8"), np.concatenate([array, array]),
    )  # fmt: skip
    arrays[name] = rng.choice(ways)
    if arrays[name] is None:
        del arrays[name]
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


_FORMATS = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".csv": _text,
    ".txt": _text,
    ".safetensors": _tensors,
    ".npz": _arrays,
}
