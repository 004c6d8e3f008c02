"""Everything that is decided before a training starts: data, splits, configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, Literal

from seamline.data.checks import dataset_warnings
from seamline.data.class_map.files import check_maps
from seamline.data.dataset import Dataset, count_classes
from seamline.data.folds import Fold, describe_fold, hold_out_fold
from seamline.data.groups import Grouping
from seamline.data.mix import split_by_part
from seamline.data.prepare import detect_groups, is_own, list_sources, load_dataset, split_data
from seamline.data.registry import DATASETS
from seamline.data.split_warnings import grouping_warnings, no_test_reason
from seamline.data.splits import MIN_TEST_GROUPS, Splits
from seamline.errors import SeamlineError, size_text
from seamline.models.layer_choices import LayerChoices
from seamline.progress import Reporter
from seamline.run_folder import ClassMap, ConfigDecision, RunFolder, RunInfo
from seamline.training.auto_config import PHOTO_MODELS, DatasetStats, autoconfigure, configure_photo_masks
from seamline.training.config import (
    TrainConfig,
    check_fields,
    field_types,
    format_settings,
    unknown_field,
)
from seamline.training.distributed import Distributed
from seamline.training.first_set import describe_few, learned_before, load_first_set
from seamline.training.presets import PHOTO_PRESETS, get_preset

LABEL_CHECK_FOLDS = 3
"""Folds of the label check of a user's own images, unless another number is asked for."""


@dataclass(frozen=True)
class RunOptions:
    """Options of a training that do not belong to its configuration.

    Attributes:
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: CPU threads, or `idle` for as many as there are idle cores; None leaves it to PyTorch. With `idle` or
            None, a resumed training uses as many as before.
        checkpoint_every: seconds between two checkpoints; each epoch ends with one too.
        label_check_folds: folds of the cross-validation that checks the labels, 0 for none; by default 3 for the
            classification of own images, else 0.
        init_from: a finished run whose weights, model and image size to start from; `seamline.train` also takes the
            name of a pretrained model.
        data_dir: folder with the files of a dataset that is called by name.
        groups: which images belong together and stay in one split: a column of the table, `folder`, or a regular
            expression with one capture that is searched in the names of images.
        near_duplicates: whether near-duplicates belong together too.
        image_size: size to resize own images to, such as `96` or `128x96` (width x height).
        maps: class maps that rename, merge and ignore classes: the name or path of data -> a TOML or JSON file, or a
            `ClassMap`.
        fold: a fold of a cross-validation whose images are the test images, such as `2/5`, the second of five; None
            keeps the test images of the data.
        progress: reports progress; None reports none.

    Raises:
        SeamlineError: a value is out of range.
    """

    device: str = "auto"
    threads: int | Literal["idle"] | None = None
    checkpoint_every: float = 60.0
    label_check_folds: int | None = None
    init_from: Path | str | None = None
    data_dir: Path | str | None = None
    groups: str | None = None
    near_duplicates: bool = True
    image_size: int | str | None = None
    maps: Mapping[str, ClassMap | Path | str] | None = None
    fold: str | None = None
    progress: Reporter | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.threads not in (None, "idle") and not (isinstance(self.threads, int) and self.threads >= 1):
            raise SeamlineError(f"--threads {self.threads}: must be at least 1")
        if not self.checkpoint_every >= 0:
            raise SeamlineError(f"--checkpoint-every {self.checkpoint_every}: must be 0 or more")
        folds = self.label_check_folds
        if folds is not None and (folds == 1 or not 0 <= folds <= 20):
            raise SeamlineError(f"--label-check-folds {folds}: must be 0, or 2 to 20")
        if self.fold is not None:
            Fold.parse(self.fold)

    @property
    def grouping(self) -> Grouping:
        """Which images belong together."""
        return Grouping(self.groups, self.near_duplicates)

    @property
    def reporter(self) -> Reporter:
        """What reports progress."""
        return self.progress or Reporter(quiet=True)

    @property
    def init_folder(self) -> RunFolder | None:
        """The run folder of `init_from`."""
        return None if self.init_from is None else RunFolder(Path(self.init_from))


def split_settings(settings: Mapping[str, Any], options: RunOptions) -> tuple[dict[str, Any], RunOptions]:
    """Divide settings into checked fields of `TrainConfig` and those of `RunOptions`, which replace those of `options`.

    Raises:
        SeamlineError: there is no such setting, or a value is of another type.
    """
    names = [field.name for field in dataclass_fields(RunOptions)]
    for name in settings:
        if name not in (*names, *field_types()):
            raise SeamlineError(unknown_field(name, (*field_types(), *names)))
    options = replace(options, **{name: value for name, value in settings.items() if name in names})
    return check_fields({name: value for name, value in settings.items() if name not in names}), options


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What to train, on what, and how."""

    data: Dataset  # the dataset, with groups and held-out images
    sources: tuple[str, ...]  # what the dataset was loaded from, as the user named it
    splits: Splits  # training and validation images
    config: TrainConfig
    preset: str  # name of the preset, `custom` for a configuration
    settings: Mapping[str, Any]  # the fields that the user set, by name
    decisions: tuple[ConfigDecision, ...]  # the fields that were chosen automatically
    seed: int  # seed of the split, the weights and the batches
    label_check_folds: int  # folds of the label check, 0 for none
    warnings: tuple[str, ...]  # sentences about unusual properties of the images
    options: RunOptions

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of an image."""
        height, width, channels = self.data.train.images.shape[1:]
        return height, width, channels

    @property
    def title(self) -> str:
        """The preset with the fields that the user set."""
        return ", ".join([self.preset, *format_settings(self.settings)])


def make_plan(
    source: object,
    preset: str | TrainConfig,
    settings: Mapping[str, Any],
    seed: int,
    options: RunOptions,
    processes: Distributed | None = None,
) -> TrainingPlan:
    """Load the data and decide how to train; the arguments are those of `seamline.train`.

    Raises:
        SeamlineError: the data cannot be loaded, or the configuration does not fit them.
    """
    sources = list_sources(source)
    check_maps(options.maps, sources)
    if isinstance(sources[0], str) and sources[0] in DATASETS and isinstance(preset, str):  # fail before long work
        replace(get_preset(preset, DATASETS[sources[0]].task), **settings)
    start = options.init_folder
    origin = None if start is None else start.info.read()
    own, reporter = is_own(source), options.reporter
    fields = settings if origin is None else _inherit_network(origin, settings)
    sized = own or (len(sources) > 1 and origin is not None and origin.task == "classification")
    if origin is not None and sized and options.image_size is None:
        options = replace(options, image_size=size_text(origin.model.input_size, "x"))
    with (processes or Distributed()).main_first():
        data = _load_data(sources, origin, options, pretrained=may_start_pretrained(preset, fields))
    fold = None if options.fold is None else Fold.parse(options.fold)
    data = data if fold is None else hold_out_fold(data, fold)
    config, decisions = resolve_config(data, preset, fields, own=own, photos=has_photos(sources))
    config.check_classes(data)
    splits = split_data(data, fraction=config.val_fraction, seed=seed, strategy=config.split_by)
    splits = splits if fold is None else describe_fold(splits, fold)
    warnings = tuple(dataset_warnings(data, weighted=config.class_weights is not None)) if own else ()
    warnings += () if start is None else learned_before(start, data, splits)
    _say_notes(data, splits, warnings, reporter)
    config, weights = config.balance(count_classes(splits.train.labels, len(data.classes)))
    return TrainingPlan(
        data=data,
        sources=tuple(map(str, sources)) if all(isinstance(one, str | Path) for one in sources) else (data.name,),
        splits=splits,
        config=config,
        preset=preset if isinstance(preset, str) else "custom",
        settings=settings,
        decisions=(*decisions, *weights),
        seed=seed,
        label_check_folds=_label_check_folds(data, options.label_check_folds, own=own),
        warnings=warnings,
        options=options,
    )


def _load_data(sources: Sequence[Any], origin: RunInfo | None, options: RunOptions, *, pretrained: bool) -> Dataset:
    """Load the data of a training with their groups and test images; `origin` is the run that it starts from."""
    start = options.init_folder
    if start is not None:
        sources = load_first_set(sources, start, options.data_dir, options.maps, options.reporter)
    data = load_dataset(
        list(sources),
        data_dir=options.data_dir,
        image_size=options.image_size,
        inner_groups=options.groups is not None,
        maps=options.maps,
        pretrained=pretrained,
        model_of=origin,
        progress=options.reporter,
    )
    if origin is not None and is_own(list(sources)):
        data = replace(data, min_test_groups=MIN_TEST_GROUPS)
    return detect_groups(data, options.reporter, options.grouping)


def _inherit_network(origin: RunInfo, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that the user set, with the network of the run that a training starts from."""
    name = settings.get("model", origin.model.name)
    choices = asdict(LayerChoices.of(origin.config)) if name == origin.model.name else {}
    return {"model": name, **choices, **settings}


def _say_notes(data: Dataset, splits: Splits, warnings: Sequence[str], reporter: Reporter) -> None:
    """Report what is unusual about the images and their splits, and what is not used."""
    few = [view for view in split_by_part(data) or [data] if view.too_few_to_test]
    if not (len(data.test) or few):
        reporter.say(no_test_reason(splits.metadata))
    for view in few:
        reporter.say(describe_few(view, splits))
    for sentence in (*grouping_warnings(splits.metadata), *warnings):
        reporter.say(f"warning: {sentence}")
    for item in data.unused:
        reporter.say(f"not used: {item.sentence}")


def _label_check_folds(data: Dataset, folds: int | None, *, own: bool) -> int:
    """Return the folds of the label check: those that are asked for, or the default."""
    if data.task == "segmentation" and folds:
        raise SeamlineError(
            f"--label-check-folds {folds}: is for classification, and {data.name} has masks; leave it out"
        )
    corrected = data.too_few_to_test or (data.parts and data.min_test_groups)  # photos that a person has just checked
    checked = own and data.task == "classification" and not corrected
    usual = LABEL_CHECK_FOLDS if checked else 0
    return usual if folds is None else folds


def may_start_pretrained(preset: str | TrainConfig, fields: Mapping[str, Any]) -> bool:
    """Return whether a training starts from pretrained features if the images allow it.

    Args:
        preset: a preset's name, or a configuration, which is used as it is.
        fields: the fields that the user set.
    """
    allowed = fields.get("model") in (None, *PHOTO_MODELS.values()) and bool(fields.get("pretrained", True))
    return isinstance(preset, str) and preset in PHOTO_PRESETS and allowed


def has_photos(sources: Sequence[Any]) -> bool:
    """Return whether a source holds photos as people take them: the user's own, or a dataset of such photos."""
    return any(is_own(one) or (isinstance(one, str) and one in DATASETS and DATASETS[one].photos) for one in sources)


def resolve_config(
    data: Dataset, preset: str | TrainConfig, fields: Mapping[str, Any], *, own: bool, photos: bool
) -> tuple[TrainConfig, tuple[ConfigDecision, ...]]:
    """Return the configuration to use, and which fields were chosen automatically.

    `seamline.training.auto_config` fits the presets `fast` and, for classification, `best` to the user's own images,
    and the presets of photos to photos with masks; `fields` override it.
    """
    decisions: tuple[ConfigDecision, ...] = ()
    config = get_preset(preset, data.task) if isinstance(preset, str) else preset
    stats = DatasetStats.of(data, fields)
    if isinstance(preset, str) and preset in PHOTO_PRESETS and photos and stats.segments and stats.photos:
        config, decisions = configure_photo_masks(preset, stats)
    elif own and (preset == "fast" or (preset == "best" and not stats.segments)):
        config, decisions = autoconfigure(config, stats, longer=preset == "best")
    return replace(config, **fields), tuple(decision for decision in decisions if decision.field not in fields)
