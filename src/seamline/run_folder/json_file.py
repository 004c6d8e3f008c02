"""Typed JSON files: written whole or not at all, and checked when they are read."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from seamline.errors import SeamlineError
from seamline.io import write_bytes
from seamline.run_folder.fields import decode_field, to_json

T = TypeVar("T")

_SHOWN = 40
"""Characters of a wrong value that an error shows."""

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `(?P<types>[^`]+)`(?P<constraint>.*?)(?:, got .*)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>.+)`")
_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|\[(?P<key>\.\.\.)\]")


@dataclass(frozen=True)
class JsonFile(Generic[T]):
    """A JSON file of one type."""

    path: Path  # the file
    type: Any  # the struct it holds
    remedy: str  # what a user can do about a damaged file
    missing: str  # what a missing file means and what to do about it
    old_keys: frozenset[str] = frozenset()  # keys that only older versions of Seamline wrote

    def exists(self) -> bool:
        """Return whether there is such a file."""
        return self.path.is_file()

    def read(self) -> T:
        """Read the file.

        Raises:
            SeamlineError: the file is missing, damaged, or written by an older version of Seamline.
        """
        value = self.read_optional()
        if value is None:
            raise SeamlineError(f"{self.path}: not found; {self.missing}")
        return value

    def read_optional(self) -> T | None:
        """Read the file; return None if there is none.

        Raises:
            SeamlineError: the file is damaged, or written by an older version of Seamline.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self.error(f"cannot be read ({getattr(error, 'strerror', None) or error})") from None
        return self._decode(text)

    def write(self, value: T) -> None:
        """Write the file, whole or not at all."""
        write_bytes(self.path, self._encode(value))

    def error(self, problem: str) -> SeamlineError:
        """Return the error for a file with a problem."""
        return SeamlineError(f"{self.path}: {problem}; {self.remedy}")

    def _decode(self, text: str) -> T:
        value: T = self._convert(self._parse(text), self.type)
        return value

    def _encode(self, value: T) -> bytes:
        return msgspec.json.format(to_json(value), indent=1) + b"\n"

    def _parse(self, text: str, line: int = 0) -> Any:
        """Parse JSON that follows `line` lines of the file."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise self.error(f"line {line + error.lineno} is not JSON ({error.msg})") from None
        except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists thousands deep
            raise self.error(f"not valid JSON ({error})") from None

    def _convert(self, content: Any, type_: Any, location: str = "") -> Any:
        """Return parsed JSON as a value of a type; `location` is where in the file it stands."""
        if isinstance(content, dict) and self.old_keys & content.keys():
            raise self.error("written by an older version of Seamline")
        try:
            return convert(content, type_)
        except ValueError as error:
            raise self.error(f"{location}{error}") from None


class JsonLinesFile(JsonFile[tuple[T, ...]]):
    """A file with a JSON object of one type on each line."""

    def _decode(self, text: str) -> tuple[T, ...]:
        lines = [(number, line) for number, line in enumerate(text.splitlines()) if line.strip()]
        return tuple(
            self._convert(self._parse(line, number), self.type, f"line {number + 1}: ") for number, line in lines
        )

    def _encode(self, value: tuple[T, ...]) -> bytes:
        return b"".join(to_json(one) + b"\n" for one in value)


def convert(content: Any, type_: Any) -> Any:
    """Return parsed JSON as a value of a type.

    Args:
        content: what `json.loads` returned; it may be changed.
        type_: a struct, or a tuple of them.

    Raises:
        ValueError: names the path of what does not fit, and what is wanted.
    """
    try:
        return msgspec.convert(content, type_, dec_hook=decode_field)
    except msgspec.ValidationError as error:
        raise ValueError(_explain(content, type_, str(error))) from None
    except RecursionError as error:
        raise ValueError(str(error)) from None


def _explain(content: Any, type_: Any, message: str) -> str:
    """Say in plain words what msgspec says of content that does not fit a type."""
    problem, _, steps = message.partition(" - at `$")
    path, value = "$", content
    for step in _STEP.finditer(steps):
        if step["key"]:
            key = _failing_key(content, type_, message, value)
            path, value = f"{path}.{key}", value[key]
        else:
            path += step[0]
            value = value[int(step["index"])] if step["index"] else value[step["field"]]
    if missing := _MISSING.fullmatch(problem):
        return f"{path}.{missing['field']} is missing"
    if expected := _EXPECTED.fullmatch(problem):
        wanted = " or ".join(_WORDS.get(name, name) for name in expected["types"].split(" | ")) + expected["constraint"]
        return f"{path} is {_shown(value)}, not {'a file name' if ' matching regex ' in wanted else wanted}"
    if problem.startswith(("Invalid enum value", "Integer value out of range")):
        return f"{path} is {_shown(value)}, which is not allowed"
    return f"{path}: {problem}"


def _failing_key(content: Any, type_: Any, message: str, mapping: dict[str, Any]) -> str:
    """Return the key of a mapping inside `content` whose value does not fit: msgspec's paths do not name it.

    The mapping is reduced to one entry after another until the same message comes.
    """
    entries = dict(mapping)
    for key, value in entries.items():
        mapping.clear()
        mapping[key] = value
        try:
            msgspec.convert(content, type_, dec_hook=decode_field)
        except msgspec.ValidationError as error:
            if str(error) == message:
                break
    return key


def _shown(value: Any) -> str:
    """Return a wrong value in few characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
