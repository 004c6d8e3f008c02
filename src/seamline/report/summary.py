"""The most important metrics of a run: the head of its page, and its card on an index page."""

from dataclasses import dataclass

from seamline.evaluation.text import pluralize, title_inside
from seamline.report.formatting import estimate_text, interval_text, value_text
from seamline.report.run_data import SPLITS, RunData
from seamline.run_folder import ABSENT, Estimate, MetricInfo

MAX_METRICS = 3


@dataclass(frozen=True)
class KeyMetric:
    """A metric as the page prints it."""

    name: str  # its title
    value: str  # its value
    interval: str  # its interval, or empty
    of: str  # the split or class that it is of
    note: str = ""  # a related metric, or empty


def key_metrics(run: RunData) -> list[KeyMetric]:
    """Return at most three metrics, the most important first.

    These are the overall metrics of the test images, or of the validation images where there are no others. Where there
    are fewer than three, the lowest value of a class and the first of the validation images follow.
    """
    split = run.metrics.held_out_split
    metrics = [_overall(run, key, split) for key in _important(run, split)]
    if len(metrics) < MAX_METRICS:
        metrics += _lowest_class(run)
        metrics += [_overall(run, key, "val") for key in _important(run, "val")[:1] if split != "val"]
    return metrics[:MAX_METRICS]


def _important(run: RunData, split: str) -> list[str]:
    """Return the keys of the overall metrics of which more is better; a softmax variant counts with its metric."""
    definitions = run.metrics.definitions
    return [
        key
        for key, estimate in run.split_metrics(split).overall.items()
        if estimate.present and definitions[key].higher_is_better and not key.endswith("_softmax")
    ]


def _overall(run: RunData, key: str, split: str) -> KeyMetric:
    measured, info = run.split_metrics(split), run.metrics.definitions[key]
    softmax, note = measured.overall.get(f"{key}_softmax", ABSENT), ""
    if softmax.present:
        note = f"by softmax {estimate_text(softmax, info.format)}"
    of = f"{SPLITS[split]}, {pluralize(measured.images, 'image')}"
    return _key_metric(info.title, measured.overall[key], info, of, note)


def _lowest_class(run: RunData) -> list[KeyMetric]:
    """Return the lowest value of a class on the held-out images."""
    held_out = run.metrics.held_out
    lowest = run.metrics.lowest_class(held_out)
    if lowest is None:
        return []
    key, name = lowest
    info = run.metrics.definitions[key]
    return [_key_metric(f"Lowest class {title_inside(info.title)}", held_out.per_class[name][key], info, name)]


def _key_metric(name: str, estimate: Estimate, info: MetricInfo, of: str, note: str = "") -> KeyMetric:
    return KeyMetric(name, value_text(estimate, info.format), interval_text(estimate, info.format), of, note)
