"""The measures of fronts in words: the verdict, the facts of a front, what limits them, and what each one means."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from seamline.evaluation.text import capitalize_first, count, join_and, pluralize
from seamline.report.formatting import rough_interval, rough_percent, significant
from seamline.run_folder import CountProbability, Front, Interval, MeasuresRecord

DIRECTIONS = {"N": "north", "E": "east", "S": "south", "W": "west"}

WWR = "Window-to-wall ratio"

_METHODS = {
    "vanishing points": "by two vanishing points",
    "corners": "by four given corners",
    "image plane": "no; measured as in the photo",
}
_COLORS = {"window": "windows blue", "door": "doors orange", "shop": "shops pink"}  # of `seamline.buildings.picture`
_SIDES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
_SEEN = 0.005
"""Fractions below this are left out of the text."""


class Fact(NamedTuple):
    """A measure as text."""

    name: str
    value: str
    note: str = ""  # how sure it is, or more about it


def verdict(record: MeasuresRecord) -> str:
    """Return the sentence at the head of the page: fronts, windows and the median window-to-wall ratio."""
    fronts = [front for photo in record.photos for front in photo.fronts]
    failed = f"; {pluralize(len(record.errors), 'photo has', 'photos have')} no measures" if record.errors else ""
    if not fronts:
        return f"No front is measured in {pluralize(len(record.photos) + len(record.errors), 'photo')}."
    shown = f"{pluralize(len(fronts), 'front')} in {pluralize(len(record.photos), 'photo')}"
    windows = pluralize(sum(front.windows for front in fronts), "window")
    ratios = sorted(front.wwr.value for front in fronts)
    if len(fronts) == 1:
        return f"{shown} has {windows} and a window-to-wall ratio of {wwr_text(fronts[0].wwr)}{failed}."
    return (
        f"{shown} have {windows} and a median window-to-wall ratio of {rough_percent(median(ratios))} "
        f"(lowest {rough_percent(ratios[0])}, highest {rough_percent(ratios[-1])}){failed}."
    )


def wwr_text(wwr: Interval) -> str:
    """`32 % (27 to 38)`, or the value alone."""
    interval = rough_interval(wwr)
    return f"{rough_percent(wwr.value)} ({interval})" if interval else rough_percent(wwr.value)


def facts_of(front: Front) -> list[Fact]:
    """Return what is measured of a front; what is not known is left out."""
    return [
        Fact("Windows", count(front.windows), _probability(front.windows_probability)),
        Fact("Storeys", count(len(front.storeys)), _probability(front.storeys_probability)),
        Fact(WWR, rough_percent(front.wwr.value), rough_interval(front.wwr)),
        *_counts(("Columns", front.columns), ("Doors", front.doors), ("Shops", front.shops)),
        *_fractions(
            ("Balconies", front.balcony_fraction, "of the front"),
            ("Hidden", front.hidden_fraction, "of the front, left out of the ratio"),
        ),
        *_sizes(front),
        *_direction(front),
        *_rectification(front),
    ]


def caption_of(front: Front) -> str:
    """Return what the picture of a front shows, with the meaning of its lines."""
    kinds = {opening.kind for opening in front.openings}
    lines = [text for kind, text in _COLORS.items() if kind in kinds]
    lines += ["inferred ones dashed"] * any(opening.inferred for opening in front.openings)
    lines += ["gray is not counted"] * bool(_uncounted(front))
    return ": ".join(
        filter(None, ["As in the photo" if front.plane.method == "image plane" else "Rectified", ", ".join(lines)])
    )


def limits_of(front: Front) -> list[str]:
    """Return what was cut off, inferred, assumed, left out or dropped, in sentences."""
    return [*filter(None, (_cut_off(front), _inferred(front))), *_left_out(front), *front.notes]


def _cut_off(front: Front) -> str:
    if not front.cut_off:
        return ""
    sides = join_and([_SIDES[side] for side in front.cut_off])
    return f"The photo ends before the front does {sides}; the measures are of the part that the photo shows."


def _inferred(front: Front) -> str:
    inferred = [opening for opening in front.openings if opening.inferred]
    if not inferred:
        return ""
    one = len(inferred) == 1
    counted = sum(opening.counted for opening in inferred)
    ending = "counted" if counted == len(inferred) else f"{count(counted)} counted" if counted else "not counted"
    return (
        f"{pluralize(len(inferred), 'window')} (dashed) {'is' if one else 'are'} hidden and expected there from rows "
        f"and columns: {ending}."
    )


def _uncounted(front: Front) -> int:
    """Return the number of windows that totals leave out, without inferred ones; doors and shops are no windows."""
    return sum(one.kind == "window" and not one.counted and not one.inferred for one in front.openings)


def _left_out(front: Front) -> list[str]:
    """Return sentences about openings of assumed kind, windows that totals leave out, and parts that are no opening."""
    assumed = [opening.kind for opening in front.openings if opening.assumed]
    uncounted = _uncounted(front)
    sentences = []
    if assumed:
        kinds = [pluralize(assumed.count(kind), kind) for kind in ("window", "door", "shop") if kind in assumed]
        sentences.append(f"By a rule and not by the model: {join_and(kinds)}.")
    if uncounted:
        sentences.append(f"{pluralize(uncounted, 'window')} (gray) not counted.")
    if front.dropped:
        fit, are = ("fits", "is") if front.dropped == 1 else ("fit", "are")
        sentences.append(
            f"{pluralize(front.dropped, 'part')} predicted as window {fit} neither the rows nor the sizes of the other "
            f"windows and {are} dropped."
        )
    return sentences


def _probability(probability: CountProbability | None) -> str:
    if probability is None:
        return ""
    exact, within_one = rough_percent(probability.exact), rough_percent(probability.within_one)
    return f"exact\u00a0{exact}, within\u00a0one\u00a0{within_one}"


def _counts(*counts: tuple[str, int]) -> list[Fact]:
    return [Fact(name, count(number)) for name, number in counts if number]


def _fractions(*fractions: tuple[str, float, str]) -> list[Fact]:
    return [Fact(name, rough_percent(fraction), note) for name, fraction, note in fractions if fraction >= _SEEN]


def _sizes(front: Front) -> list[Fact]:
    """Return the sizes that are known."""
    facts = []
    if front.window_aspect is not None:
        facts.append(Fact("Window shape", significant(front.window_aspect), "mean width over height"))
    sides = [
        f"{significant(side)}\u00a0m {word}"
        for side, word in ((front.width_m, "wide"), (front.height_m, "high"))
        if side is not None
    ]
    if sides:
        facts.append(Fact("Size", join_and(sides, ", "), "of the visible front"))
    if front.area_m2 is not None:
        window = front.window_area_m2
        note = "" if window is None else f"of which {significant(window)}\u00a0m² window"
        facts.append(Fact("Area", f"{significant(front.area_m2)}\u00a0m²", note))
    return facts


def _direction(front: Front) -> list[Fact]:
    if front.direction is None:
        return []
    azimuth = "" if front.azimuth is None else f"azimuth {front.azimuth:.0f}°"
    return [Fact("Faces", DIRECTIONS[front.direction], azimuth)]


def _rectification(front: Front) -> list[Fact]:
    """Return how a front was rectified, and how well."""
    plane = front.plane
    facts = [Fact("Rectified", _METHODS[plane.method])]
    if plane.residual_degrees is not None:
        segments = plane.segments and f"median of {pluralize(plane.segments, 'line segment')}"
        facts.append(Fact("Residual", f"{plane.residual_degrees:.1f}°", segments or ""))
    if plane.yaw is not None:
        source = plane.focal_source and f"focal length from {plane.focal_source}"
        facts.append(Fact("Camera angle", f"{abs(plane.yaw):.0f}°", source or ""))
    return facts


def meanings_of(record: MeasuresRecord) -> list[Fact]:
    """Return what the measures on the page mean, and how sure they are."""
    fronts = [front for photo in record.photos for front in photo.fronts]
    present: list[tuple[str, str, object]] = [
        ("Front", _FRONT, fronts),
        ("Windows", _WINDOWS, fronts),
        ("Storeys", _STOREYS, fronts),
        (WWR, _WWR, fronts),
        ("Interval", _interval(record.level), fronts),
        ("Exact, within one", _COUNTS, any(front.windows_probability for front in fronts)),
        ("Hidden", _HIDDEN, any(front.hidden_fraction >= _SEEN for front in fronts)),
        ("Inferred", _INFERRED, any(front.inferred_windows for front in fronts)),
        ("Residual", _RESIDUAL, any(front.plane.residual_degrees is not None for front in fronts)),
        ("Faces", _FACES, any(front.direction for front in fronts)),
        ("Assumed sides", _ASSUMED, any(total.assumed for total in record.totals)),
    ]
    return [Fact(name, text) for name, text, shown in present if shown]


def unknowns_of(record: MeasuresRecord) -> list[str]:
    """Return what is not known of some fronts, why, and what would make it known, in sentences."""
    fronts = [front for photo in record.photos for front in photo.fronts]
    reasons = (
        (
            "no size in meters",
            [front for front in fronts if front.height_m is None],
            "no scale is given; give --height, --storey-height or --pixel-size",
        ),
        (
            "no shape of windows",
            [front for front in fronts if not front.plane.true_aspect],
            "the focal length is not known, so widths and heights have no common scale",
        ),
        (
            "no direction",
            [front for front in fronts if front.direction is None],
            "the photo's EXIF data have no direction; give --azimuth",
        ),
    )
    return [
        f"{capitalize_first(_of(missing, fronts))} {'has' if len(missing) == 1 else 'have'} {what}: {why}."
        for what, missing, why in reasons
        if missing
    ]


def _of(some: Sequence[Front], fronts: Sequence[Front]) -> str:
    if len(some) == len(fronts):
        return "the front" if len(fronts) == 1 else f"all {count(len(fronts))} fronts"
    return f"{count(len(some))} of {pluralize(len(fronts), 'front')}"


def _interval(level: float | None) -> str:
    if level is None:
        return "Not known: the model is not calibrated for buildings, so its ratios have no intervals."
    percent = rough_percent(level)
    return (
        f"In small print beside a ratio: a conformal {percent} interval. It was fitted so that on photos like those of "
        f"its calibration {percent} of such intervals contain the true ratio; on streets, buildings or cameras of "
        "another kind that may be fewer."
    )


def column_names(fronts: Iterable[Front]) -> list[str]:
    """Return the columns of the table of all fronts that have a value for one of them."""
    fronts = list(fronts)
    optional = {
        "Hidden": any(front.hidden_fraction >= _SEEN for front in fronts),
        "Width": any(front.width_m is not None for front in fronts),
        "Height": any(front.height_m is not None for front in fronts),
        "Faces": any(front.direction for front in fronts),
        "Building": any(front.building for front in fronts),
    }
    return [name for name, present in optional.items() if present]


def column_values(front: Front) -> dict[str, str]:
    """Return the values of the optional columns of the table of all fronts."""
    return {
        "Hidden": rough_percent(front.hidden_fraction),
        "Width": "–" if front.width_m is None else f"{significant(front.width_m)}\u00a0m",
        "Height": "–" if front.height_m is None else f"{significant(front.height_m)}\u00a0m",
        "Faces": "–" if front.direction is None else DIRECTIONS[front.direction],
        "Building": front.building or "–",
    }


_FRONT = (
    "A wall of a building in one plane, as far as the photo shows it. It is rectified: verticals become vertical and "
    "horizontals horizontal, so that areas can be compared."
)
_WINDOWS = (
    "Windows of the front, balcony doors among them. Doors and shop windows are listed on their own; the picture shows "
    "each kind in its color."
)
_STOREYS = (
    "Rows of windows, numbered from 0 for the lowest that the photo shows. The picture has their numbers on the left, "
    "and those of the columns below."
)
_WWR = (
    "Area of the windows over the area of the visible front with all its openings, in the rectified plane. Doors and "
    "shop windows are no windows here."
)
_COUNTS = (
    "In small print beside a count: how often a count of this size was right, and off by at most one, on the photos of "
    "the calibration."
)
_HIDDEN = "Fraction of the front behind trees, vehicles and people. It is left out, not filled."
_INFERRED = "A window that the photo does not show and that rows and columns make likely; drawn dashed."
_RESIDUAL = (
    "Median angle between the lines of the front and the axes of its rectified picture: the smaller, the better the "
    "rectification."
)
_FACES = "The side of the compass that the front looks to, from the direction of the camera or as given."
_ASSUMED = "A side of a building that no photo shows has the measures that the stated rule gives; none was measured."
