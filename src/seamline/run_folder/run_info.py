"""What training writes: the description of the run and its history."""

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from seamline.run_folder.fields import Color, Count, NanFloat, Number, Side, Task, check_classes


class ReferenceResult(Struct, frozen=True, kw_only=True):
    """A published result on the images of a split; a report shows it for runs on the same images.

    Attributes:
        name: short name for the head of a column.
        source: who published it, and where.
        note: what else a reader should know.
        split: `test` or `val`.
        images: number of images of the split.
        input_size: their height and width.
        metric: the metric, such as `ap`.
        overall: its mean over the classes.
        per_class: its value for each class.
    """

    name: str
    source: str
    note: str = ""
    split: Literal["test", "val"] = "test"
    images: Count
    input_size: tuple[Side, Side]
    metric: str
    overall: Number
    per_class: dict[str, Number]


class DatasetInfo(Struct, frozen=True, kw_only=True):
    """The dataset of a run.

    Attributes:
        name: name on the command line, such as `fashion-mnist`.
        title: name for people, such as `Fashion-MNIST`.
        source: where the images come from: a folder, or a sentence.
        synthetic: whether a program drew the images.
        description: source, license and citation.
        fingerprint: 32 hexadecimal digits of SHA-256 over classes, images, labels and groups.
        classes: class names; label i means `classes[i]`.
        palette: red, green and blue of each class in masks; empty for classification.
        train: number of training images.
        val: number of validation images.
        test: number of test images.
        warnings: sentences about unusual properties of the images.
        reference_results: published results on its images.
    """

    name: str
    title: str
    source: str
    fingerprint: str
    classes: tuple[str, ...]
    train: Count
    val: Count
    test: Count
    palette: tuple[Color, ...] = ()
    synthetic: bool = False
    description: str = ""
    warnings: tuple[str, ...] = ()
    reference_results: tuple[ReferenceResult, ...] = ()


class RandomSplit(Struct, frozen=True, kw_only=True):
    """What a random split of the same fraction would do, the mean over all such splits.

    Attributes:
        expected_split_groups: groups with images in both training and validation.
        expected_val_leakage: fraction of the validation images that have a duplicate in training.
    """

    expected_split_groups: Number
    expected_val_leakage: Number


class SplitInfo(Struct, frozen=True, kw_only=True):
    """How the images were split.

    Attributes:
        fraction: fraction of the training images used for validation.
        seed: seed of the split.
        strategy: `groups` keeps groups together, `images` ignores them.
        predefined: whether the dataset names its validation images.
        groups_detected: whether groups were detected in the pixels; else they came with the dataset.
        groups: groups among the training images, before any is excluded.
        duplicate_images: training images that share their group with another training image.
        largest_group: images in the largest group of training and test images together.
        test_groups: groups among the test images.
        excluded_train: names of the images excluded from training because of a duplicate in another split.
        test_with_train_duplicates: names of the test images that have duplicates among the training images.
        random: what a random split would do.
    """

    fraction: Number
    seed: Count
    strategy: Literal["groups", "images"] = "groups"
    predefined: bool = False
    groups_detected: bool = False
    groups: Count
    duplicate_images: Count
    largest_group: Count
    test_groups: Count
    excluded_train: tuple[str, ...] = ()
    test_with_train_duplicates: tuple[str, ...] = ()
    random: RandomSplit


class ModelInfo(Struct, frozen=True, kw_only=True):
    """The model of a run.

    Attributes:
        name: name of the model, such as `cnn` or `timm/resnet18`.
        parameters: number of parameters.
        input_size: height, width and channels of its images.
        init: what an external model was initialized with, in words; null for Seamline's own.
    """

    name: str
    parameters: Count
    input_size: tuple[Side, Side, Side]
    init: str | None = None


class InitFrom(Struct, frozen=True, kw_only=True):
    """The run whose weights a training started from.

    Attributes:
        run: path of the run folder.
        weights: digest of its weights.
        shared_classes: classes whose part of the last layer was taken over.
        new_classes: classes that the run does not have.
    """

    run: str
    weights: str
    shared_classes: tuple[str, ...]
    new_classes: tuple[str, ...]


class ConfigDecision(Struct, frozen=True, kw_only=True):
    """A field of the configuration that was chosen automatically.

    Attributes:
        field: name of the field.
        value: its value.
        reason: the rule with its numbers, in a sentence.
    """

    field: str
    value: Any
    reason: str


class RunInfo(Struct, frozen=True, kw_only=True):
    """How a run was trained.

    Attributes:
        seamline: version of Seamline.
        task: `classification` or `segmentation`.
        preset: name of the preset, with the fields that were changed.
        config: every field of the training configuration.
        dataset: the dataset.
        split: how its images were split.
        model: the model.
        init_from: the run whose weights it started from; null for a fresh start.
        auto_config: fields of the configuration that were chosen automatically.
        label_check_folds: folds of the cross-validation that checks the labels; 0 for none.
        seed: seed of the split, the weights and the batches.
        device: `cpu`, `cuda` or `mps`.
        machine: the processor or GPU, in words.
        threads: processor threads.
        world_size: processes that trained together.
        versions: versions of Python and of the packages.
        command: the command that repeats the run.
        notice: a sentence for the top of the page, or null.
    """

    seamline: str
    task: Task
    preset: str
    config: dict[str, Any]
    dataset: DatasetInfo
    split: SplitInfo
    model: ModelInfo
    init_from: InitFrom | None = None
    auto_config: tuple[ConfigDecision, ...] = ()
    label_check_folds: Count = 0
    seed: Count
    device: str
    machine: str
    threads: Count
    world_size: Count = 1
    versions: dict[str, str]
    command: str
    notice: str | None = None

    def __post_init__(self) -> None:
        """Check that classes and palette fit the task."""
        check_classes(self.task, self.dataset.classes, self.dataset.palette)


class Epoch(Struct, frozen=True, kw_only=True):
    """One epoch.

    Attributes:
        epoch: its number, from 1.
        train_loss: mean loss during the epoch, each batch before its step; smoothed and weighted as configured.
        train_accuracy: fraction of images or pixels that were right during the epoch.
        val_loss: loss on the validation images after the epoch.
        val_accuracy: fraction of their images or pixels that are right.
        learning_rate: learning rate of the last step.
        train_seconds: time for training alone.
        samples: images that were trained on.
    """

    epoch: Annotated[int, Meta(ge=1, lt=10**15)]
    train_loss: NanFloat
    train_accuracy: NanFloat
    val_loss: NanFloat = math.nan
    val_accuracy: NanFloat = math.nan
    learning_rate: NanFloat
    train_seconds: NanFloat
    samples: Count
