"""Damages files as chance, bad copies, other programs and ill will do: bytes, and what formats hold.

Everything is drawn from the generator that is given, so that the same seed damages the same way again.
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

SIZES = (0, 1, 2, 255, 256, 32_767, 32_768, 60_000, 65_535, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
"""What is written where a header may hold a size."""

DEEP = 20_000
"""How deep JSON is nested."""


def mutate(name: str, content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a damaged form of a file.

    Args:
        name: its name, which tells its format.
        content: its bytes.
        others: the bytes of files that parts may come from.
        chance: the generator.
    """
    how = _FORMATS.get(PurePath(name).suffix.lower())
    if how is not None and chance.random() < 0.8:
        return how(content, chance)
    damaged = content
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        damaged = chance.choice(_WAYS)(damaged, others, chance)
    if damaged[:4] == b"\x89PNG" and chance.random() < 0.6:
        return with_sums(damaged)
    return damaged


def with_sums(png: bytes) -> bytes:
    """Return a PNG with checksums that fit again, so that what was damaged is looked at."""
    parts, place = [png[:8]], 8
    while place + 12 <= len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        body = png[place + 4 : place + 8 + size]
        if len(body) < 4 + size:
            break
        parts.append(png[place : place + 4] + body + struct.pack(">I", zlib.crc32(body)))
        place += 12 + size
    return b"".join([*parts, png[place:]])


def _flipped(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(min(chance.randint(1, 8), len(changed))):
        changed[_place(len(changed), chance)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _set(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(min(chance.randint(1, 8), len(changed))):
        changed[_place(len(changed), chance)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    return bytes(changed)


def _truncated(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))] if content else content


def _cut(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.randint(1, 64) :]


def _repeated(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start : start + chance.randint(1, 256)] * chance.randint(2, 20) + content[start:]


def _spliced(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others) if others else content[::-1]
    return content[: chance.randrange(len(content) + 1)] + other[chance.randrange(len(other) + 1) :]


def _sized(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Write a size where a header may have one."""
    form = chance.choice((">H", "<H", ">I", "<I"))
    width = struct.calcsize(form)
    if len(content) < width:
        return content
    place = _place(len(content) - width + 1, chance)
    value = chance.choice(SIZES) & ((1 << 8 * width) - 1)
    return content[:place] + struct.pack(form, value) + content[place + width :]


def _place(size: int, chance: random.Random) -> int:
    """Draw a place, half of the time in the head, where formats keep what matters."""
    return chance.randrange(min(size, 64) if chance.random() < 0.5 else size)


_WAYS = (_flipped, _set, _truncated, _cut, _repeated, _spliced, _sized, _sized)


def _odd(chance: random.Random) -> Any:
    """Return a value that is seldom what is wanted."""
    values: tuple[Any, ...] = (
        None, True, False, 0, -1, 1, 2, 255, 1e6, 0.5, 1e-300, 1e308, -1e308, 1 << 40, 1 << 63, 10**400, float("nan"),
        float("inf"), -float("inf"), "", "x", "0", "1e5", "../x", "a\nb", "\x00", "\u2028", "\ud800", "x" * 5_000, [],
        {}, [[]], [None], [0, 1], [1, "x", None], {"x": 1}, {"value": "x"}, {"value": None, "low": 1, "high": []},
        [[0, 0], [1, 1]], ["a", "b"], [1.5] * 300,
    )  # fmt: skip
    return chance.choice(values)


def mutate_value(value: Any, chance: random.Random) -> Any:
    """Return what JSON holds with one to three of its places changed."""
    changed = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        node, key = _somewhere(changed, chance)
        if node is None:
            return _odd(chance)
        way = chance.randrange(6)
        if way <= 2:
            node[key] = _odd(chance)
        elif way == 3:
            del node[key]
        elif way == 4 and isinstance(node, list):
            node.insert(key, copy.deepcopy(node[chance.randrange(len(node))]))
        elif way == 4:
            node[chance.choice((f"{key}x", "", "name", "value"))] = node.pop(key)
        else:
            other, place = _somewhere(changed, chance)
            node[key] = copy.deepcopy(other[place])
    return changed


def _somewhere(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """Draw a place in nested lists and dicts: what holds it, and its key; None where there is none."""
    node, key, inside = None, None, value
    while isinstance(inside, list | dict) and inside:
        if node is not None and chance.random() < 0.2:
            break
        node = inside
        key = chance.choice(list(inside)) if isinstance(inside, dict) else chance.randrange(len(inside))
        inside = node[key]
    return node, key


def _json(content: bytes, chance: random.Random) -> bytes:
    """Change what JSON holds, or its text."""
    if chance.random() < 0.06:
        opened = chance.choice((b"[", b'{"a":'))
        return content[: chance.randrange(len(content))] + opened * DEEP
    if chance.random() < 0.06:
        return chance.choice((b"", b"null", b"[]", b"{}", b"3", b'"x"', b"9" * 5_000, b"\xff\xfe{}", b"[1," * 50))
    return json.dumps(mutate_value(json.loads(content), chance)).encode()


def _json_lines(content: bytes, chance: random.Random) -> bytes:
    """Change one line of JSON."""
    lines = content.splitlines()
    place = chance.randrange(len(lines))
    lines[place] = _json(lines[place], chance)
    return b"\n".join(lines)


def _text(content: bytes, chance: random.Random) -> bytes:
    """Change a table or a list of names: fields, separators, quotes, lines."""
    lines = content.decode().split("\n")
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(lines))
        way = chance.randrange(8)
        if way == 0:
            odd = ('"', "\x00", "\r", ",", ";", "\t", '""', "a\u2028b", "é" * 3_000, "9" * 5_000, "../..", '"a\nb"')
            at = chance.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:at] + chance.choice(odd) + lines[place][at:]
        elif way == 1:
            lines[place] = lines[chance.randrange(len(lines))]
        elif way == 2:
            lines.insert(place, chance.choice(("", ",", ",,,,", lines[place], "x" * 200_000)))
        elif way == 3 and len(lines) > 1:
            del lines[place]
        elif way == 4:
            lines[place] = lines[place].replace(",", chance.choice((";", "\t", ",,", "")))
        elif way == 5:
            fields = lines[place].split(",")
            fields[chance.randrange(len(fields))] = str(_odd(chance))[:2_000]
            lines[place] = ",".join(fields)
        elif way == 6:
            return "\n".join(lines).encode(chance.choice(("utf-16", "utf-8-sig", "utf-32")), "replace")
        else:
            lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _tensors(content: bytes, chance: random.Random) -> bytes:
    """Change the head of a safetensors file, whose length then fits again."""
    (size,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + size])
    nest = head.get("__metadata__", {}).get("nest")
    if nest is not None and chance.random() < 0.6:
        head["__metadata__"]["nest"] = _json(nest.encode(), chance).decode("utf-8", "replace")
        changed = json.dumps(head).encode()
    else:
        changed = _json(content[8 : 8 + size], chance)
    return struct.pack("<Q", len(changed)) + changed + content[8 + size :]


def _arrays(content: bytes, chance: random.Random) -> bytes:
    """Change one array of a NumPy archive."""
    with np.load(io.BytesIO(content)) as held:
        arrays: dict[str, Any] = {name: held[name] for name in held.files}
    name = chance.choice(list(arrays))
    array = arrays[name]
    ways: tuple[Any, ...] = (
        None, array[:1], array[..., :1], array[:0], array.ravel(), np.zeros(()), np.full(array.shape, np.nan),
        np.full(array.shape, -1), np.full(array.shape, 10**9), np.full(array.shape, "x"), array[np.newaxis],
        np.zeros(array.shape, bool), array.astype("S8"), np.concatenate([array, array]),
    )  # fmt: skip
    arrays[name] = chance.choice(ways)
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
