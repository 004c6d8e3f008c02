"""Types of fields that several files of a run folder share: estimates, constrained numbers, and the task."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

LIMIT = 1e15
"""Numbers of this size and above are refused: none is a metric, and arithmetic with them overflows."""

Task = Literal["classification", "segmentation"]

Number = Annotated[float, Meta(gt=-LIMIT, lt=LIMIT)]
Positive = Annotated[float, Meta(gt=0, lt=LIMIT)]
Count = Annotated[int, Meta(ge=0, lt=10**15)]
Side = Annotated[int, Meta(ge=1, le=100_000)]
Byte = Annotated[int, Meta(ge=0, le=255)]
Color = tuple[Byte, Byte, Byte]
FileName = Annotated[str, Meta(pattern=r"^[^/]*[^/.][^/]*$")]
"""The name of a file beside the one that names it: no path, so that no other file is read."""

if TYPE_CHECKING:
    NanFloat = float
else:

    class _AnyFloat(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, float)

    class NanFloat(metaclass=_AnyFloat):
        """A float whose NaN is `null` in JSON; msgspec reads it by `decode_field`."""


class Estimate(Struct, frozen=True):
    """A number with its 95 % interval.

    All three are NaN where nothing was measured, `low` and `high` where no interval is known.
    """

    value: NanFloat  # the estimate
    low: NanFloat = math.nan  # lower end of the interval
    high: NanFloat = math.nan  # upper end of the interval

    @property
    def present(self) -> bool:
        """Whether anything was measured."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval are known."""
        return not (math.isnan(self.low) or math.isnan(self.high))


ABSENT = Estimate(math.nan)


def decode_field(type_: Any, value: Any) -> Any:
    """Read a field of a type that JSON does not have, for `msgspec.convert`.

    Raises:
        ValueError: the value does not fit the type.
    """
    if type_ is not NanFloat:
        raise NotImplementedError(f"no field has the type {type_}")
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Expected `float | null`")
    if abs(value) >= LIMIT:
        raise ValueError(f"Expected `float` < {LIMIT:g}")
    return float(value)


def to_json(value: Any) -> bytes:
    """Return a struct, or builtin types that hold structs, as JSON; NaN and infinities as null."""
    return msgspec.json.encode(value, enc_hook=_encode_numpy)


def _encode_numpy(value: Any) -> Any:
    """Return numpy's scalars and arrays as builtin types."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise NotImplementedError(f"a run folder cannot hold {type(value).__name__}")


def check_classes(task: Task, classes: Sequence[str], palette: Sequence[Color]) -> None:
    """Check that there are classes, all different, and a color for each where the task is segmentation.

    Raises:
        ValueError: says what is wrong.
    """
    if not classes or len(set(classes)) < len(classes):
        raise ValueError("classes is empty or names a class twice")
    wanted = len(classes) if task == "segmentation" else 0
    if len(palette) != wanted:
        raise ValueError(f"palette has {len(palette)} colors, not {wanted} ({task}, {len(classes)} classes)")
