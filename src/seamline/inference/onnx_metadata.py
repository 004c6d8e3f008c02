"""Reads and appends the metadata of an ONNX file without loading its graph.

An ONNX file is one protobuf message, `ModelProto`. Its metadata are pairs of key and value in field 14; all other
fields are skipped, so that a run folder tells at once whether its exported model belongs to its weights. Entries are
appended to the end of the file, the last one is the checksum of all bytes before it.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from seamline.errors import SeamlineError
from seamline.io import sha256_file
from seamline.run_folder import ExportMetadata

_METADATA_PROPS = 14
_KEY, _VALUE = 1, 2
_LOCATION = rb"\x0a\x08location\x12(.)"  # the entry of a weight with the name of its file; its length follows
_FIXED_SIZES = {1: 8, 5: 4}  # wire type -> bytes
_VARINT, _LENGTH_DELIMITED = 0, 2


def read_metadata(file: Path) -> ExportMetadata:
    """Read the metadata of a file that `seamline export` wrote; its checksum, if it has one, is verified.

    Raises:
        SeamlineError: the file cannot be read, was not written by `seamline export`, or is damaged.
    """
    try:
        content = memoryview(file.read_bytes())
        if not content:
            raise ValueError("it is empty")
        entries = [dict(_fields(value)) for number, value in _fields(content) if number == _METADATA_PROPS]
        metadata = {str(entry[_KEY], "utf-8"): str(entry[_VALUE], "utf-8") for entry in entries}
    except FileNotFoundError:
        raise SeamlineError(f"{file}: not found; `seamline export` writes such files") from None
    except (OSError, ValueError, LookupError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SeamlineError(f"{file}: cannot be read ({reason}); name a file that `seamline export` wrote") from None
    if "sha256" in metadata and not _is_sealed(content):
        raise SeamlineError(
            f"{file}: damaged or changed, because its content does not match its checksum; restore it from a copy or "
            "export the run again with `seamline export`"
        )
    return ExportMetadata.from_metadata(file, metadata)


def external_files(file: Path) -> tuple[str, ...]:
    """Return the names of the files beside an ONNX file that hold weights of it, as for pretrained models.

    Raises:
        SeamlineError: a file is not beside it.
    """
    lengths = re.finditer(_LOCATION, content := file.read_bytes(), re.DOTALL)
    names = {content[one.end() : one.end() + one[1][0]].decode(errors="replace") for one in lengths}
    for name in names:
        if Path(name).name != name or not (file.parent / name).is_file():
            raise SeamlineError(f"{file}: its weights are in {name}, which is not beside it; restore it from a copy")
    return tuple(sorted(names))


def append_metadata(file: Path, key: str, value: str) -> None:
    """Append an entry of key and JSON value to the metadata of a file."""
    with file.open("ab") as opened:
        opened.write(_entry(key, value))


def seal(file: Path) -> None:
    """Append the checksum of a file to its metadata: 64 hexadecimal digits of SHA-256 over the bytes before it."""
    append_metadata(file, "sha256", json.dumps(sha256_file(file)))


def _is_sealed(content: memoryview) -> bool:
    """Return whether an ONNX file ends with the checksum of the bytes before it."""
    length = len(_entry("sha256", json.dumps("0" * 64)))
    return content[-length:] == _entry("sha256", json.dumps(hashlib.sha256(content[:-length]).hexdigest()))


def _entry(key: str, value: str) -> bytes:
    """Return a pair of key and value as a field of a `ModelProto`."""
    pair = b"".join(_field(number, text.encode()) for number, text in ((_KEY, key), (_VALUE, value)))
    return _field(_METADATA_PROPS, pair)


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of a protobuf message."""
    length, size = bytearray(), len(content)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | _LENGTH_DELIMITED, *length, size]) + content


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each length-delimited field of a protobuf message."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire_type = tag & 7
        if wire_type == _VARINT:
            _, position = _varint(message, position)
        elif wire_type in _FIXED_SIZES:
            position += _FIXED_SIZES[wire_type]
        elif wire_type == _LENGTH_DELIMITED:
            length, position = _varint(message, position)
            yield tag >> 3, message[position : position + length]
            position += length
        else:
            raise ValueError("it is not an ONNX file")
    if position > len(message):
        raise ValueError("it is cut off")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return a variable-length integer and the position behind it."""
    value = shift = 0
    while message[position] & 128:
        if shift > 63:
            raise ValueError("it is not an ONNX file")
        value |= (message[position] & 127) << shift
        position, shift = position + 1, shift + 7
    return value | message[position] << shift, position + 1
