"""The effect of each varied field of a sweep: the mean on the validation images at each of its values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seamline.evaluation.repeats import Repeats, t_mean
from seamline.evaluation.sweep import SweepResults
from seamline.evaluation.sweep_settings import SettingResult, within_range
from seamline.run_folder import Estimate
from seamline.training.search_space import is_range, value_text


@dataclass(frozen=True)
class Level:
    """A value of a varied field."""

    value: str  # the value as text
    estimate: Estimate  # mean of the metric over all settings that have it, with its interval
    settings: int  # number of these settings


@dataclass(frozen=True)
class FieldEffect:
    """The means at each value of a varied field."""

    field: str  # the field
    levels: tuple[Level, ...]  # its values, in the order in which the settings have them


def field_effects(results: SweepResults) -> list[FieldEffect]:
    """Return the effect of each varied field that has values to choose from.

    With several seeds, each seed gives one mean over the settings with a value, and the interval is a t interval over
    seeds. With one, it is over these settings, or over the images of the run where one setting has the value. There
    are none for a list of settings, which may differ in several fields at once.
    """
    if results.info.method == "list":
        return []
    names = [name for name, text in results.info.varied.items() if not is_range(text)]
    return [FieldEffect(name, tuple(_levels(results, name))) for name in names]


def _levels(results: SweepResults, name: str) -> list[Level]:
    by_value: dict[str, list[SettingResult]] = {}
    for one in results.first_rung:
        by_value.setdefault(value_text(name, one.setting.fields[name]), []).append(one)
    return [
        Level(value, within_range(_mean(results, settings), results.metric), len(settings))
        for value, settings in by_value.items()
    ]


def _mean(results: SweepResults, settings: Sequence[SettingResult]) -> Estimate:
    """Return the mean of several settings."""
    if len(settings) == 1:
        return settings[0].val
    step = max(one.step(results.measure, "val") for one in settings)
    if len(results.info.seeds) == 1:
        return t_mean(Repeats([one.val.value for one in settings], step))
    values = [one.seed_values(results.measure, "val") for one in settings]
    shared = [seed for seed in values[0] if all(seed in of for of in values)]
    return t_mean(Repeats([float(np.mean([of[seed] for of in values])) for seed in shared], step))
