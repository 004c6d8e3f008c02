"""Two runs on the same test images: what differs, and how sure that is."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.shapes import NUMBER, TEXT, Maybe, Shape, read_shaped
from seamline.errors import SeamlineError
from seamline.measure.evaluation import log_losses
from seamline.measure.intervals import ABSENT, Interval, mean, wilson
from seamline.measure.masks.metrics import iou
from seamline.measure.masks.resampling import Resamples, unlike


@dataclass(frozen=True)
class Compared:
    """A figure of two runs.

    Attributes:
        name: its name, such as `accuracy` or `IoU`.
        of: the class it is of, nothing where it is of all.
        first: the first run's.
        second: the second run's.
        change: second minus first, with its paired 95 % interval.
        share: whether it is a share, 0..1; else a number such as the loss, the lower the better.
    """

    name: str
    of: str
    first: float
    second: float
    change: Interval
    share: bool = True

    @property
    def sure(self) -> int:
        """1 where the second is better, -1 where it is worse, 0 where the interval does not tell."""
        sign = 1 if self.share else -1
        if math.isnan(self.change.low) or self.change.low <= 0 <= self.change.high:
            return 0
        return sign if self.change.low > 0 else -sign


@dataclass(frozen=True)
class Changed:
    """A test image that the runs answer differently.

    Attributes:
        name: its name.
        true: its class; nothing where it has a mask.
        first: what the first run answered, or its share of right pixels.
        second: the same of the second.
    """

    name: str
    true: str
    first: str
    second: str


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        images: how many test images they share.
        figures: those of all images first, then class by class.
        gained: images that only the second run has right, or most better; those of masks by how much.
        lost: images that only the first run has right, or most worse.
        counts: how many were gained and lost in all.
    """

    images: int
    figures: tuple[Compared, ...]
    gained: tuple[Changed, ...]
    lost: tuple[Changed, ...]
    counts: tuple[int, int]


def paired(both: int, first: int, second: int, neither: int) -> Interval:
    """Return the difference of two shares of the same images, second minus first, and its score interval.

    Newcombe's method 10 for paired data (R. G. Newcombe, Statistics in Medicine 17, 1998, 2635-2650).

    Args:
        both: images right in both runs.
        first: right in the first alone.
        second: right in the second alone.
        neither: wrong in both.
    """
    count = both + first + second + neither
    if count == 0:
        return ABSENT
    one, other = wilson(both + second, count), wilson(both + first, count)
    product = math.sqrt(float(both + second) * (first + neither) * (both + first) * (second + neither))
    cross = float(both) * neither - float(first) * second
    corrected = max(cross - count / 2, 0.0) if cross > 0 else cross
    link = corrected / product if product else 0.0
    value = one.value - other.value
    below = _hybrid(one.value - one.low, other.high - other.value, link)
    above = _hybrid(one.high - one.value, other.value - other.low, link)
    return Interval(value, value - below, value + above)


def _hybrid(one: float, other: float, link: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * link * one * other + other**2))


def compare_runs(first: Path, second: Path) -> Comparison:
    """Compare two measured runs on their test images.

    Raises:
        SeamlineError: one is not measured, or they were not tested on the same images.
    """
    runs = [_Tested.read(folder) for folder in (first, second)]
    if runs[0].classes != runs[1].classes or runs[0].names != runs[1].names or runs[0].truth != runs[1].truth:
        raise SeamlineError(
            f"{second}: was not tested on the images, labels and classes that {first} was tested on; runs are compared "
            "where they are the same"
        )
    return _of_masks(*runs) if "confusions" in runs[0].arrays else _of_labels(*runs)


@dataclass(frozen=True, eq=False)
class _Tested:
    """What a run's folder holds of its test images."""

    folder: Path
    classes: tuple[str, ...]
    names: tuple[str, ...]
    truth: bytes
    arrays: dict[str, NDArray[Any]]
    scores: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "_Tested":
        classes = tuple(_json(folder / "run.json", {"dataset": {"classes": [TEXT]}})["dataset"]["classes"])
        scores = _json(folder / "scores.json", {"test": {"mean_ap": Maybe({"value": Maybe(NUMBER)})}})["test"]
        file = folder / "evaluation" / "test.npz"
        try:
            with file.open("rb") as handle, np.load(handle, allow_pickle=False) as held:
                arrays = {key: held[key] for key in held.files}
            names = tuple(str(name) for name in arrays["names"].tolist())
        except FileNotFoundError:
            raise _not_measured(file) from None
        except Exception as error:  # a damaged file can make the readers raise almost anything
            raise SeamlineError(f"{file}: cannot be read ({error}); {_MEASURE}") from None
        if not _fitting(arrays, len(names), len(classes)):
            raise SeamlineError(f"{file}: its arrays do not fit one another, or the classes of run.json; {_MEASURE}")
        truth = arrays["labels"] if "labels" in arrays else arrays["confusions"].sum(2)
        return cls(folder, classes, names, truth.tobytes(), arrays, scores)


_MEASURE = "measure the run again with `seamline train --resume`"


def _json(file: Path, shape: Shape) -> Any:
    """Read a JSON file of a measured run."""
    try:
        return read_shaped(file, shape, _MEASURE)
    except FileNotFoundError:
        raise _not_measured(file) from None


def _not_measured(file: Path) -> SeamlineError:
    return SeamlineError(f"{file}: not found; the run is not measured, `seamline train --resume` measures it")


def _fitting(arrays: dict[str, NDArray[Any]], images: int, classes: int) -> bool:
    """Tell whether the arrays of a split are numbers of the shapes that they are written in."""
    wanted: dict[str, tuple[tuple[int, ...], str]] = (
        {"confusions": ((images, classes, classes), "iu"), "groups": ((images,), "iu")}
        if "confusions" in arrays
        else {"labels": ((images,), "iu"), "scores": ((images, classes), "f")}
    )
    if arrays["names"].ndim != 1 or not images or not classes:
        return False
    if not all(name in arrays and arrays[name].shape == shape for name, (shape, _) in wanted.items()):
        return False
    if not all(arrays[name].dtype.kind in kinds for name, (_, kinds) in wanted.items()):
        return False
    counted = [arrays[name] for name, (_, kinds) in wanted.items() if kinds == "iu"]
    below = classes if "labels" in wanted else np.iinfo(np.int64).max
    return all(array.min() >= 0 and array.max() < below for array in counted)


def _of_labels(first: _Tested, second: _Tested) -> Comparison:
    """Compare answers that are a class an image."""
    labels = first.arrays["labels"]
    answers = [run.arrays["scores"].argmax(1) for run in (first, second)]
    right = [answer == labels for answer in answers]

    def of(name: str, where: NDArray[np.bool_]) -> Compared:
        one, other = right[0][where], right[1][where]
        change = paired(
            int((one & other).sum()), int((one & ~other).sum()), int((~one & other).sum()), int((~one & ~other).sum())
        )
        return Compared("accuracy", name, _mean(one), _mean(other), change)

    losses = [log_losses(run.arrays["scores"].astype(np.float64), labels) for run in (first, second)]
    figures = [
        of("", np.ones(len(labels), dtype=bool)),
        Compared("log loss", "", _mean(losses[0]), _mean(losses[1]), mean(losses[1] - losses[0]), share=False),
        *(of(name, labels == number) for number, name in enumerate(first.classes)),
    ]
    gained, lost = np.flatnonzero(~right[0] & right[1]), np.flatnonzero(right[0] & ~right[1])

    def changed(place: int) -> Changed:
        before, after = (first.classes[int(answer[place])] for answer in answers)
        return Changed(first.names[place], first.classes[int(labels[place])], before, after)

    return Comparison(
        len(labels),
        tuple(figures),
        tuple(changed(int(place)) for place in gained),
        tuple(changed(int(place)) for place in lost),
        (len(gained), len(lost)),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _of_masks(first: _Tested, second: _Tested) -> Comparison:
    """Compare masks: intervals by resampling groups, the same ones for both runs."""
    resamples = Resamples(first.arrays["groups"])
    counts = [run.arrays["confusions"].astype(np.float64) for run in (first, second)]
    totals = [resamples.totals(each) for each in counts]  # (1 + R, K, K)
    overlap = [iou(total) for total in totals]  # (1 + R, K)
    whole = [_right(total) for total in totals]
    with np.errstate(invalid="ignore"):
        middle = [np.nanmean(each, axis=1) for each in overlap]
    figures = []
    if all((run.scores.get("mean_ap") or {}).get("value") is not None for run in (first, second)):
        values = [float(run.scores["mean_ap"]["value"]) for run in (first, second)]
        change = Interval(values[1] - values[0], math.nan, math.nan)  # pixels' scores are not kept
        figures.append(Compared("mean AP by raw scores", "", values[0], values[1], change))
    for name, (one, other) in (("mean IoU", middle), ("pixel accuracy", whole)):
        figures.append(Compared(name, "", float(one[0]), float(other[0]), unlike(other, one)))
    for number, name in enumerate(first.classes):
        one, other = overlap[0][:, number], overlap[1][:, number]
        figures.append(Compared("IoU", name, float(one[0]), float(other[0]), unlike(other, one)))
    shares = [_right(each) for each in counts]
    change_of = shares[1] - shares[0]
    order = np.argsort(-change_of, kind="stable")

    def changed(place: int) -> Changed:
        return Changed(first.names[place], "", *(f"{100 * float(share[place]):.1f} %" for share in shares))

    gained = [int(place) for place in order if change_of[place] > 0]
    lost = [int(place) for place in order[::-1] if change_of[place] < 0]
    return Comparison(
        len(first.names),
        tuple(figures),
        tuple(map(changed, gained)),
        tuple(map(changed, lost)),
        (len(gained), len(lost)),
    )


def _right(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of pixels on the diagonals of (..., K, K)."""
    with np.errstate(invalid="ignore"):
        share: NDArray[np.float64] = np.trace(confusions, axis1=-2, axis2=-1) / confusions.sum((-2, -1))
    return share
