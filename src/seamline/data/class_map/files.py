"""Class maps that the user names: files in TOML or JSON, whose keys are the fields of `ClassMap`."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from seamline.data.class_map.apply import ClassMapError, list_choices
from seamline.data.dataset import Dataset
from seamline.data.image_folder.file_tree import normalize, read_text
from seamline.data.masks import Color, parse_color
from seamline.errors import SeamlineError
from seamline.io import safe_is_file
from seamline.run_folder import ClassMap


class NamedMap(NamedTuple):
    """A user's class map of a dataset."""

    class_map: ClassMap
    name: str  # what messages call it, such as `--map photos=map.toml`


@contextmanager
def refuse_map(name: str) -> Iterator[None]:
    """Convert a `ClassMapError` inside the block into a `SeamlineError` about the map of this name."""
    try:
        yield
    except ClassMapError as error:
        raise SeamlineError(f"{name}: {error}") from None


def parse_maps(options: Iterable[str]) -> dict[str, Path]:
    """Parse texts `DATA=FILE`, as `--map` takes them.

    Raises:
        SeamlineError: a text has another form, or two name one dataset.
    """
    maps: dict[str, Path] = {}
    for option in options:
        name, _, file = option.partition("=")
        if not name or not file:
            raise SeamlineError(f"--map {option}: write it as DATA=FILE, for example --map photos=map.toml")
        if name in maps:
            raise SeamlineError(f"--map {option}: --map {name}={maps[name]} is given too; keep one of them")
        maps[name] = Path(file)
    return maps


def check_maps(maps: Mapping[str, object] | None, sources: Sequence[object]) -> None:
    """Check that each map is of one of the data that are used.

    Args:
        maps: what the user calls a dataset -> its map, see `find_map`.
        sources: the data, as `load_dataset` takes them.

    Raises:
        SeamlineError: a map is of no dataset, or of several.
    """
    for key, value in (maps or {}).items():
        number = sum(_is_named(source, key) for source in sources)
        if number == 0:
            advice = list_choices(key, [_names(source)[0] for source in sources])
            raise SeamlineError(f"{_map_name(key, value)}: there is no {key!r} among the data; {advice}")
        if number > 1:
            raise SeamlineError(f"{_map_name(key, value)}: {key!r} fits several of the data; write the whole path")


def find_map(source: object, maps: Mapping[str, Any] | None) -> NamedMap:
    """Return the user's map of data, which is empty where there is none.

    Args:
        source: a dataset, a name, a path, or arrays.
        maps: what the user calls a dataset -> its `ClassMap`, or a file of one. A path fits if it is the same, or is
            the last name of the source's.

    Raises:
        SeamlineError: the file cannot be read, or is no class map.
    """
    for key, value in (maps or {}).items():
        if _is_named(source, key):
            class_map = value if isinstance(value, ClassMap) else read_class_map(Path(value).expanduser())
            return NamedMap(class_map, _map_name(key, value))
    return NamedMap(ClassMap(), "")


def _map_name(key: str, value: object) -> str:
    """Return what messages call a map."""
    return f"--map {key}" if isinstance(value, ClassMap) else f"--map {key}={value}"


def _names(source: object) -> tuple[str, ...]:
    """Return what the user may call data: as they are written, and in short."""
    if isinstance(source, Dataset):
        return (source.name,)
    if isinstance(source, tuple):
        return ("arrays",)
    path = Path(str(source)).expanduser()
    return tuple(dict.fromkeys((str(source), str(path), path.name, path.stem if safe_is_file(path) else path.name)))


def _is_named(source: object, key: str) -> bool:
    """Return whether a user means these data by a name or path."""
    if key in _names(source):
        return True
    if isinstance(source, Dataset | tuple):
        return False
    paths = [Path(str(one)).expanduser() for one in (source, key)]
    return all(path.exists() for path in paths) and paths[0].samefile(paths[1])


def read_class_map(file: Path) -> ClassMap:
    """Read a class map from a TOML or JSON file, whose keys are the fields of `ClassMap`.

    Raises:
        SeamlineError: the file cannot be read, or is no class map; the line says which part is wrong.
    """
    suffix = file.suffix.lower()
    if suffix not in (".toml", ".json"):
        raise SeamlineError(f"{file}: is neither TOML nor JSON; name a file that ends with .toml or .json")
    text = read_text(file)
    try:
        content = tomllib.loads(text) if suffix == ".toml" else json.loads(text, object_pairs_hook=_unique_keys)
        return parse_class_map(content)
    except (ValueError, msgspec.ValidationError, RecursionError) as error:
        raise SeamlineError(f"{file}: is no class map ({error}); correct it") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the content of a JSON object, without keys that occur twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"it has {next(key for key in keys if keys.count(key) > 1)!r} twice")
    return content


def parse_class_map(content: object) -> ClassMap:
    """Return the class map of the content of a file.

    Raises:
        ValueError: a key is unknown, or a value is of another type; a `msgspec.ValidationError` is one too.
    """
    if not isinstance(content, dict):
        raise ValueError("it is a list or a single value, not keys and values")
    for key in content:
        if key not in ClassMap.__struct_fields__:
            raise ValueError(f"unknown key {key!r}; {list_choices(str(key), ClassMap.__struct_fields__)}")
    colors = msgspec.convert(content.get("palette", {}), dict[str, Color | str])
    content = {**content, "palette": {name: parse_color(color) for name, color in colors.items()}}
    return _normalized(msgspec.convert(content, ClassMap))


def _normalized(class_map: ClassMap) -> ClassMap:
    """Return a map whose names are normalized as those of files are; a `ValueError` for names that are none."""
    fields = msgspec.structs.asdict(class_map)
    for field, value in fields.items():
        if isinstance(value, dict):
            pairs = [
                (_class_name(key), _class_name(one) if isinstance(one, str) else one) for key, one in value.items()
            ]
            fields[field] = _unique_keys(pairs)
        elif isinstance(value, tuple):
            fields[field] = tuple(map(_class_name, value))
            if len({*fields[field]}) < len(value):
                raise ValueError(f"{field} names a class twice")
    return ClassMap(**fields)


def _class_name(text: str) -> str:
    """Return a class name in the form in which names are compared."""
    name = normalize(text).strip()
    name.encode()  # half a surrogate pair, which JSON can hold, is a ValueError
    if not name or not name.isprintable():
        raise ValueError(f"{text!r} is no name of a class")
    return name
