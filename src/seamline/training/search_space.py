"""Which settings a sweep trains: a grid of values, or settings drawn at random from ranges."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import numpy as np

from seamline.errors import SeamlineError
from seamline.training.config import field_types, format_value, parse_settings, unknown_field, whole

Distribution = Literal["float", "log", "int"]
MAX_SEEDS = 1_000
MAX_SETTINGS = 10_000

_SEARCH_STREAM = 6  # distinguishes this random stream from others with the same seed
_RANGE = re.compile(r"(float|log|int):(.*)")
_DRAWS = 1_000  # draws in a row that only repeat earlier settings, after which there are no others


@dataclass(frozen=True)
class Choices:
    """Values of a field to choose from."""

    field: str  # the field
    values: tuple[Any, ...]  # its values, all different

    @property
    def text(self) -> str:
        """The values as `--vary` takes them."""
        return ",".join(value_text(self.field, value) for value in self.values)

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw a value, each as probable as the others."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class Range:
    """A range of a field."""

    field: str  # the field
    distribution: Distribution  # `float` is uniform, `log` uniform in the logarithm, `int` uniform over whole numbers
    low: float  # lowest value
    high: float  # highest value, included

    @property
    def text(self) -> str:
        """The range as `--vary` takes it."""
        return f"{self.distribution}:{whole(self.low)}..{whole(self.high)}"

    @property
    def ends(self) -> tuple[Any, Any]:
        """The lowest and the highest value, as the field takes them."""
        return whole(self.low), whole(self.high)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a value; one that is no whole number has four significant digits, or is an end of the range."""
        if self.distribution == "int":
            return int(rng.integers(int(self.low), int(self.high) + 1))
        if self.distribution == "log":
            drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = rng.uniform(self.low, self.high)
        return min(max(float(f"{drawn:.4g}"), self.low), self.high)


Axis = Choices | Range
"""A varied field."""


def is_range(text: str) -> bool:
    """Return whether the text of a varied field is a range, and no list of values."""
    return _RANGE.fullmatch(text) is not None


def parse_vary(texts: Iterable[str]) -> tuple[Axis, ...]:
    """Parse texts `FIELD=VALUES`, as `--vary` takes them.

    Args:
        texts: values are separated by commas, the numbers of one value by `/`; a range is `float:LOW..HIGH`,
            `log:LOW..HIGH` or `int:LOW..HIGH`.

    Raises:
        SeamlineError: a text is not of this form, a field is unknown or varied twice, or a value does not fit, is empty
            or repeated.
    """
    axes: dict[str, Axis] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals:
            raise SeamlineError(f"--vary {text}: write it as FIELD=VALUES, for example --vary lr=0.001,0.01")
        if name not in field_types():
            raise SeamlineError(f"--vary {text}: {unknown_field(name, field_types())}")
        if name in axes:
            raise SeamlineError(f"--vary {text}: {name} is varied twice; list all its values in one --vary")
        axes[name] = _parse_axis(name, values)
    return tuple(axes.values())


def axes_of(vary: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Return the varied fields of a mapping: field -> a list of values, or a text as `--vary` takes it.

    Raises:
        SeamlineError: as `parse_vary`.
    """
    texts = []
    for name, values in vary.items():
        if isinstance(values, str):
            texts.append(f"{name}={values}")
        elif isinstance(values, Iterable):
            texts.append(f"{name}={','.join(value_text(name, value) for value in values)}")
        else:
            raise SeamlineError(f"vary: {name} takes a list of values or a text, got {values!r}")
    return parse_vary(texts)


def parse_setting(text: str, option: str = "--setting") -> dict[str, Any]:
    """Parse one setting, `FIELD=VALUE` words separated by spaces, as `--setting` takes it; `default` changes nothing.

    Args:
        text: the setting; the numbers of one value are separated by `/` or commas.
        option: the option that it comes from.

    Raises:
        SeamlineError: a word is not of this form, or a value does not fit its field.
    """
    words = text.split()
    if not words:
        raise SeamlineError(f'{option}: is empty; write {option} "lr=0.01 epochs=4", or {option} default')
    return {} if words == ["default"] else parse_settings(map(_with_commas, words), option)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse seeds: `0-4`, `0,3,7`, or both, `0-2,9`.

    Raises:
        SeamlineError: a part is neither, a range is backwards, or a seed is repeated.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})(?:\s*(?:-|\.\.)\s*(\d{1,18}))?\s*", part)
        if match is None:
            raise SeamlineError(f"--seeds {text}: {part.strip() or 'an empty part'} is no seed; write 0-4 or 0,3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise SeamlineError(f"--seeds {text}: {part.strip()} is backwards; write {last}-{first}")
        if last - first + len(seeds) >= MAX_SEEDS:
            raise SeamlineError(f"--seeds {text}: has more than {MAX_SEEDS:,} seeds; name fewer")
        seeds += range(first, last + 1)
    return check_seeds(seeds)


def check_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    """Return seeds that are whole numbers of 0 or more and all different.

    Raises:
        SeamlineError: they are not, or there is none.
    """
    seeds = tuple(seeds)
    if not seeds:
        raise SeamlineError("--seeds: there is none; name one or more, such as 0-4")
    for position, seed in enumerate(seeds):
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise SeamlineError(f"--seeds: {seed!r} is no seed; name whole numbers of 0 or more")
        if seed in seeds[:position]:
            raise SeamlineError(f"--seeds: {seed} is given twice; name different seeds")
    return seeds


def grid(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Return all combinations of the values, the last field varying fastest.

    Raises:
        SeamlineError: a field has a range, or there are more than `MAX_SETTINGS` combinations.
    """
    for axis in axes:
        if isinstance(axis, Range):
            raise SeamlineError(
                f"--vary {axis.field}={axis.text}: is a range; draw from it with --random N, or list values"
            )
    values = [axis.values for axis in axes if isinstance(axis, Choices)]
    if (count := math.prod(map(len, values))) > MAX_SETTINGS:
        raise SeamlineError(f"--vary: {count:,} combinations are too many; draw some of them with --random N")
    return [dict(zip((axis.field for axis in axes), one, strict=True)) for one in itertools.product(*values)]


def draw_settings(axes: Sequence[Axis], trials: int, seed: int) -> list[dict[str, Any]]:
    """Draw different settings at random; more trials of the same seed begin with the same settings.

    Args:
        axes: the varied fields.
        trials: number of settings.
        seed: seed of the settings.

    Raises:
        SeamlineError: nothing is varied, or there are fewer different settings.
    """
    if not 1 <= trials <= MAX_SETTINGS:
        raise SeamlineError(f"--random {trials}: must be 1 to {MAX_SETTINGS:,}")
    if not axes:
        raise SeamlineError(f"--random {trials}: nothing is varied; name a range, such as --vary lr=log:1e-4..1e-2")
    rng = np.random.default_rng([_SEARCH_STREAM, seed])
    settings: list[dict[str, Any]] = []
    repeats = 0
    while len(settings) < trials:
        one = {axis.field: axis.draw(rng) for axis in axes}
        repeats = repeats + 1 if one in settings else 0
        if repeats >= _DRAWS:
            raise SeamlineError(f"--random {trials}: there are only {len(settings)} different settings; draw fewer")
        if not repeats:
            settings.append(one)
    return settings


def setting_name(fields: Mapping[str, Any]) -> str:
    """Return a setting as `--setting` takes it, such as `lr=0.001 epochs=4`; `default` where it changes nothing."""
    return " ".join(f"{name}={value_text(name, value)}" for name, value in fields.items()) or "default"


def value_text(field: str, value: Any) -> str:
    """Return a value of a field as `--vary` takes it: the numbers of one value are separated by `/`."""
    return format_value(value, field).replace(",", "/")


def _parse_axis(name: str, text: str) -> Axis:
    """Parse the values or the range of a field."""
    shown = f"--vary {name}={text}"
    if match := _RANGE.fullmatch(text):
        return _parse_range(name, match[1], match[2], shown)
    if ".." in text:
        raise SeamlineError(f"{shown}: write a range as float:LOW..HIGH, log:LOW..HIGH or int:LOW..HIGH")
    if re.search(r"[,; ]\s*\w+=", text):
        raise SeamlineError(f"{shown}: names several fields; repeat --vary for each")
    values: list[Any] = []
    for part in text.split(","):
        if not part.strip():
            raise SeamlineError(f"{shown}: has an empty value; separate values by single commas")
        value = parse_settings([_with_commas(f"{name}={part}")], option="--vary")[name]
        if value in values:
            raise SeamlineError(f"{shown}: {part.strip()} is repeated; list different values")
        values.append(value)
    return Choices(name, tuple(values))


def _with_commas(setting: str) -> str:
    """Return a text `field=value` with commas between the numbers of a field that takes several."""
    name, equals, value = setting.partition("=")
    several = any(get_origin(one) is tuple for one in get_args(field_types().get(name)))
    return f"{name}{equals}{value.replace('/', ',')}" if several else setting


def _parse_range(name: str, distribution: Any, text: str, shown: str) -> Range:
    """Parse `LOW..HIGH`."""
    low, dots, high = text.partition("..")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = math.nan, math.nan
    if not dots or not all(map(math.isfinite, ends)):
        raise SeamlineError(f"{shown}: write the range as LOW..HIGH, for example {distribution}:1..8")
    type_ = _number_type(name)
    if type_ is None:
        raise SeamlineError(f"{shown}: {name} is no number; list its values, separated by commas")
    if type_ is int and distribution != "int":
        raise SeamlineError(f"{shown}: {name} takes whole numbers; write int:{low}..{high}")
    if ends[0] >= ends[1]:
        raise SeamlineError(f"{shown}: the range is empty; the lower end comes first")
    if distribution == "log" and ends[0] <= 0:
        raise SeamlineError(f"{shown}: a logarithmic range starts above 0")
    if distribution == "int" and not all(end.is_integer() for end in ends):
        raise SeamlineError(f"{shown}: the ends of an int range are whole numbers")
    for end in ends:  # in the terms of the field
        parse_settings([f"{name}={whole(end)}"], option="--vary")
    return Range(name, distribution, *ends)


def _number_type(name: str) -> type | None:
    """Return the type of a field of numbers, which may also be None; None for other fields."""
    type_ = field_types()[name]
    types = [one for one in get_args(type_) if one is not NoneType] or [type_]
    return types[0] if len(types) == 1 and types[0] in (int, float) else None
