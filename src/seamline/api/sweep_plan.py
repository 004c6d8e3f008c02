"""What a sweep trains: its settings and runs, checked before the first one starts."""

import hashlib
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

import seamline
from seamline.api.stored_sweep import stored_options
from seamline.data.dataset import Dataset
from seamline.data.folds import MAX_FOLDS
from seamline.data.image_folder.resize_policy import parse_size
from seamline.data.prepare import is_resizable, list_sources
from seamline.data.registry import DATASETS, check_name
from seamline.errors import SeamlineError
from seamline.evaluation.metrics import METRICS
from seamline.evaluation.sweep_settings import default_metric, ranking_metrics
from seamline.inference.predictor import find_model
from seamline.models.devices import find_device
from seamline.models.factory import model_names
from seamline.run_folder import ClassMap, RunFolder, SweepInfo, SweepRun, SweepSetting, Task
from seamline.training.config import TrainConfig, check_fields, format_setting, format_settings
from seamline.training.plan import RunOptions, may_start_pretrained, split_settings
from seamline.training.presets import PRESETS, get_preset
from seamline.training.search_space import (
    Range,
    axes_of,
    check_seeds,
    draw_settings,
    grid,
    parse_setting,
    setting_name,
    value_text,
)

MAX_NAME = 120
"""Characters of the name of a run folder."""

SPLIT_FIELDS = ("val_fraction", "split_by")
"""Fields that decide which images are for validation, so that settings with different values cannot be ranked."""

Vary = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Varied field -> its values or range; or a list of settings."""


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep chooses settings and trains them.

    Attributes:
        random: number of settings to draw at random; None trains all combinations.
        search_seed: seed of the random settings.
        halving: successive halving: of this many settings, the best one survives a rung and is trained anew for this
            many times as many epochs, the last rung for `epochs`. None trains all settings in full.
        folds: folds of a cross-validation by groups of related images, in which each image is tested once.
        jobs: runs that train at the same time, each in a process of its own; they share the processor cores.
        baseline: the setting with which others are compared, such as `norm=none`; by default the first.
        metric: metric of the validation images by which settings are ranked; by default the most important one.

    Raises:
        SeamlineError: a value is out of range.
    """

    random: int | None = None
    search_seed: int = 0
    halving: int | None = None
    folds: int | None = None
    jobs: int = 1
    baseline: str | None = None
    metric: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        limits = {"search_seed": (0, 2**63 - 1), "halving": (2, 100), "folds": (2, MAX_FOLDS), "jobs": (1, 1_000)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise SeamlineError(f"--{name.replace('_', '-')} {value}: must be {low} to {high}")
        if self.metric is not None and self.metric not in METRICS:
            known = dict.fromkeys(key for task in PRESETS for key in ranking_metrics(task))
            raise SeamlineError(f"--metric {self.metric}: no such metric; the metrics are {', '.join(known)}")


@dataclass(frozen=True, eq=False)
class SweepPlan:
    """A sweep before its first run."""

    data: Any  # what it is trained on, as for `train`
    preset: str | TrainConfig
    info: SweepInfo
    options: RunOptions


def divide_settings(
    settings: Mapping[str, Any], search: SweepOptions, options: RunOptions
) -> tuple[dict[str, Any], SweepOptions, RunOptions]:
    """Divide settings into fields of `TrainConfig` and those of `SweepOptions` and `RunOptions`, which they replace."""
    names = {field.name for field in fields(SweepOptions)}
    search = replace(search, **{name: value for name, value in settings.items() if name in names})
    rest = {name: value for name, value in settings.items() if name not in names}
    config, options = split_settings(rest, options)
    if options.label_check_folds is None:  # a check of labels trains again, and says the same for each run
        options = replace(options, label_check_folds=0)
    if options.fold is not None:
        raise SeamlineError(f"--fold {options.fold}: a sweep runs all folds; use --folds {options.fold.split('/')[-1]}")
    return config, search, options


def plan_sweep(
    data: Any,
    preset: str | TrainConfig,
    vary: Vary,
    seeds: Sequence[int],
    search: SweepOptions,
    options: RunOptions,
    fixed: dict[str, Any],
) -> SweepPlan:
    """Choose the settings of a sweep, and check all of them.

    Args:
        data: what is trained on, as for `train`.
        preset: a preset's name, or a configuration.
        vary: the varied fields, or a list of settings.
        seeds: the seeds of each setting.
        search: how settings are chosen.
        options: options of the runs.
        fixed: fields of the configuration that all runs share.

    Raises:
        SeamlineError: the line names the option that cannot be used.
    """
    task = _task(data)
    settings, varied, method = _settings(vary, search)
    if isinstance(preset, TrainConfig):
        fixed = {**{name: value for name, value in preset.to_dict().items() if name not in varied}, **fixed}
    option = "--setting" if method == "list" else "--vary"
    _check_varied(option, varied, fixed, halving=search.halving)
    if search.halving:
        settings = first_rung(settings, search.halving, float(fixed["epochs"]))
    ends = _range_ends(varied, settings) if method == "random" else []
    _check_settings(preset, task, fixed, [*ends, *settings], option)
    _check_options(options)
    _check_size(data, preset, fixed, settings, options)
    metric = _metric(search.metric, task)
    numbered = tuple(SweepSetting(name=setting_name(one), fields=_plain(one)) for one in settings)
    info = SweepInfo(
        seamline=seamline.__version__,
        data=tuple(_source_name(one) for one in list_sources(data)),
        preset=preset if isinstance(preset, str) else "custom",
        fixed=_plain(fixed),
        options=stored_options(options),
        varied=varied,
        method=method,
        seeds=check_seeds(seeds),
        trials=search.random or 0,
        search_seed=search.search_seed,
        halving=search.halving or 0,
        folds=search.folds or 0,
        metric=metric,
        baseline=_baseline(search.baseline, numbered, halving=bool(search.halving)),
        jobs=search.jobs,
        settings=numbered,
        runs=(),
        command="",
    )
    return SweepPlan(data, preset, msgspec.structs.replace(info, runs=runs_of(info, numbered, 0)), options)


def runs_of(info: SweepInfo, settings: Sequence[SweepSetting], first: int) -> tuple[SweepRun, ...]:
    """Return the runs of settings whose numbers start with `first`: each seed and fold, seed by seed."""
    return tuple(
        SweepRun(name=run_name(one.name, seed, fold), setting=first + number, seed=seed, fold=fold)
        for seed in info.seeds  # all settings have a first run before any has a second one
        for number, one in enumerate(settings)
        for fold in (range(1, info.folds + 1) if info.folds else (0,))
    )


def run_name(setting: str, seed: int, fold: int) -> str:
    """Return the name of a run folder, such as `lr=0.01,epochs=4-seed0`; characters that paths may not have are `+`."""
    name = re.sub(r"[^\w.,=+-]", "+", setting.replace(" ", ","))
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME]}-{hashlib.sha256(setting.encode()).hexdigest()[:8]}"
    return f"{name}-seed{seed}" + (f"-fold{fold}" if fold else "")


def first_rung(settings: Sequence[dict[str, Any]], halving: int, budget: float) -> list[dict[str, Any]]:
    """Return settings with the epochs of the first rung.

    There are as many rungs as leave one setting in the last, none shorter than an epoch.

    Raises:
        SeamlineError: there are too few settings or epochs for two rungs.
    """
    rungs, number, epochs = 1, len(settings), budget
    while number >= halving and epochs / halving >= 1:
        rungs, number, epochs = rungs + 1, number // halving, epochs / halving
    if rungs == 1:
        raise SeamlineError(
            f"--halving {halving}: needs {halving} settings and --epochs {halving} or more, got {len(settings)} and "
            f"{budget:g}"
        )
    return [{**one, "epochs": _rounded(epochs)} for one in settings]


def next_rung(info: SweepInfo, ranked: Sequence[int], rung: int) -> tuple[SweepSetting, ...]:
    """Return the settings of the rung after one whose settings are ranked, the best first; none after the last."""
    budget: float = info.fixed["epochs"]
    epochs: float = info.settings[ranked[0]].fields["epochs"] if ranked else budget
    rungs = round(math.log(budget / epochs, info.halving))  # that are left; epochs are rounded
    if rungs == 0:
        return ()
    longer = _rounded(budget / info.halving ** (rungs - 1))
    survivors = sorted(ranked[: max(1, len(ranked) // info.halving)])
    settings = [{**info.settings[number].fields, "epochs": longer} for number in survivors]
    return tuple(SweepSetting(name=setting_name(one), fields=one, rung=rung + 1) for one in settings)


def sweep_command(plan: SweepPlan, out: Path, search: SweepOptions) -> str:
    """Return the command that repeats or continues a sweep; empty for data or a configuration without a name."""
    info, options = plan.info, plan.options
    if not isinstance(plan.preset, str) or not all(isinstance(one, str | Path) for one in list_sources(plan.data)):
        return ""
    words = ["seamline", "sweep", *info.data, "--preset", info.preset]
    if info.method == "list":
        chosen = {"epochs"} if info.halving else set()  # by the rung, not by the user
        settings = ({name: value for name, value in one.fields.items() if name not in chosen} for one in info.settings)
        words += [word for one in settings for word in ("--setting", setting_name(one))]
    else:
        words += [word for name, text in info.varied.items() for word in ("--vary", f"{name}={text}")]
    words += [word for setting in format_settings(info.fixed) for word in ("--set", setting)]
    words += ["--seeds", ",".join(map(str, info.seeds))]
    values: dict[str, Any] = {
        f"--{field.name.replace('_', '-')}": value
        for field in fields(SweepOptions)
        if (value := getattr(search, field.name)) != field.default
    }
    values |= {
        "--data-dir": options.data_dir,
        "--groups": options.groups,
        "--image-size": options.image_size,
        "--init-from": options.init_from,
        "--device": None if options.device == "auto" else options.device,
        "--threads": options.threads if isinstance(options.threads, int) else None,
    }
    words += [word for option, value in values.items() if value is not None for word in (option, str(value))]
    files = {name: file for name, file in (options.maps or {}).items() if not isinstance(file, ClassMap)}
    words += [word for name, file in files.items() for word in ("--map", f"{name}={file}")]
    words += [] if options.near_duplicates else ["--no-near-duplicates"]
    return shlex.join([*words, "--out", str(out)])


def _settings(vary: Vary, search: SweepOptions) -> tuple[list[dict[str, Any]], dict[str, str], Any]:
    """Return the settings, the text of each varied field, and how the settings are chosen."""
    if isinstance(vary, Mapping):
        axes = axes_of(vary)
        varied = {axis.field: axis.text for axis in axes}
        if search.random is None:
            return grid(axes), varied, "grid"
        return draw_settings(axes, search.random, search.search_seed), varied, "random"
    if search.random is not None:
        raise SeamlineError(
            f"--random {search.random}: draws from --vary, not from a list of settings; keep one of them"
        )
    settings = [check_fields(one) for one in vary]
    if not settings:
        raise SeamlineError("vary: the list of settings is empty; name fields, or one setting or more")
    if repeated := [one for position, one in enumerate(settings) if one in settings[:position]]:
        raise SeamlineError(f"--setting {setting_name(repeated[0])}: is given twice; list different settings")
    values: dict[str, dict[str, None]] = {}
    for one in settings:
        for name, value in one.items():
            values.setdefault(name, {})[value_text(name, value)] = None
    return settings, {name: ",".join(of) for name, of in values.items()}, "list"


def _task(data: Any) -> Task | None:
    """Return what the labels of data are for; None where they must be loaded to know."""
    sources = list_sources(data)
    for one in sources:
        if isinstance(one, str | Path):
            check_name(str(one))
    first = sources[0]
    if isinstance(first, str | Path):
        return DATASETS[str(first)].task if str(first) in DATASETS else None
    return first.task if isinstance(first, Dataset) else None


def _check_varied(option: str, varied: Mapping[str, str], fixed: Mapping[str, Any], *, halving: int | None) -> None:
    """Check that the fields may be varied; `option` is the one that names them."""
    if halving and "epochs" in varied:
        raise SeamlineError("--halving: chooses the epochs of each rung; do not vary epochs")
    if halving and "epochs" not in fixed:
        raise SeamlineError("--halving: needs --epochs N, the epochs of the last rung")
    for name in varied:
        if name in fixed:
            given = format_setting(name, fixed[name])
            raise SeamlineError(f"{option} {name}: --set {given} is given too; keep one of them")
        if name in SPLIT_FIELDS:
            raise SeamlineError(
                f"{option} {name}: settings are ranked on the same validation images, which it changes; give all runs "
                f"one value with --set {name}=VALUE"
            )


def _range_ends(varied: Mapping[str, str], settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a setting for each end of each range, so that a range is checked whatever is drawn from it."""
    ranges = [axis for axis in axes_of(varied) if isinstance(axis, Range)]
    return [{**settings[0], axis.field: end} for axis in ranges for end in axis.ends]


def _check_options(options: RunOptions) -> None:
    """Check the options that would stop each run: image size, device and initial weights."""
    if options.image_size is not None:
        parse_size(str(options.image_size))
    find_device(options.device)
    if options.init_from is not None:
        RunFolder(find_model(options.init_from)).info.read()


def _check_settings(
    preset: str | TrainConfig,
    task: Task | None,
    fixed: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    option: str,
) -> None:
    """Check that each setting, which an option names, is a configuration, of a model that there is."""
    tasks: list[Task] = [task] if task else [one for one in PRESETS if preset in PRESETS[one]] or list(PRESETS)
    names = {name for one in tasks for name in model_names(one)}
    base = preset if isinstance(preset, TrainConfig) else get_preset(preset, tasks[0])
    for one in settings:
        try:
            config = replace(base, **{**fixed, **one})
        except SeamlineError as error:
            _refuse_fixed(base, fixed, str(error))
            raise SeamlineError(f"{option} {setting_name(one)}: {str(error).removeprefix('config: ')}") from None
        if config.model not in names and not config.model.startswith(("timm/", "smp/")):
            raise SeamlineError(
                f"model {config.model}: no such model{f' for {task}' if task else ''}; the models are "
                f"{', '.join(sorted(names))}"
            )


def _refuse_fixed(base: TrainConfig, fixed: Mapping[str, Any], reason: str) -> None:
    """Raise the error of a setting where it is that of the fixed fields alone."""
    try:
        replace(base, **fixed)
    except SeamlineError as error:
        if str(error) == reason:
            raise


def _check_size(
    data: Any,
    preset: str | TrainConfig,
    fixed: Mapping[str, Any],
    settings: Sequence[Mapping[str, Any]],
    options: RunOptions,
) -> None:
    """Refuse settings with and without pretrained features on images that get their size from this."""
    if options.image_size is not None or not any(map(is_resizable, list_sources(data))):
        return
    first, *others = ({**fixed, **one} for one in settings)
    if any(may_start_pretrained(preset, one) != may_start_pretrained(preset, first) for one in others):
        name = "pretrained" if any("pretrained" in one for one in settings) else "model"
        raise SeamlineError(
            f"--vary {name}: settings are ranked on the same images, whose size it changes; give all runs one size "
            "with --image-size"
        )


def _metric(name: str | None, task: Task | None) -> str:
    """Return the metric to rank by; where the task is not known, the most important one of both is chosen later."""
    if name is None:
        return default_metric(task) if task else ""
    if task and name not in ranking_metrics(task):
        raise SeamlineError(f"--metric {name}: is not for {task}; the metrics are {', '.join(ranking_metrics(task))}")
    return name


def _baseline(text: str | None, settings: Sequence[SweepSetting], *, halving: bool) -> int:
    """Return the number of the setting that a text names, in full or by some of its fields."""
    if text is None:
        return 0
    wanted = _plain(parse_setting(text.replace(",", " "), option="--baseline"))
    for number, one in enumerate(settings):
        if {name: value for name, value in one.fields.items() if not (halving and name == "epochs")} == wanted:
            return number
    for number, one in enumerate(settings):
        if wanted and wanted.items() <= one.fields.items():
            return number
    raise SeamlineError(f"--baseline {text}: no setting of the sweep has it; the first is {settings[0].name}")


def _rounded(epochs: float) -> float:
    """Return epochs with at most three decimals, a whole number as an int."""
    epochs = round(epochs, 3)
    return int(epochs) if float(epochs).is_integer() else epochs


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def _source_name(source: Any) -> str:
    """Return what a user calls data; arrays have no name."""
    if isinstance(source, Dataset):
        return source.name
    return str(source) if isinstance(source, str | Path) else "arrays"
