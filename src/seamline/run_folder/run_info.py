"""What training writes: the description of the run and its history."""

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from seamline.run_folder.fields import LIMIT, Color, Count, NanFloat, Number, Side, Task, check_classes


class ReferenceImage(Struct, frozen=True, kw_only=True):
    """An image of the dataset that is shown in every report, such as one that others published."""

    name: str  # name of the image, such as `test_dev/eecs442_0061.jpg`
    note: str  # why it is shown, in a few words


class ReferenceResult(Struct, frozen=True, kw_only=True):
    """A published result on the images of a split; a report shows it for runs on the same images."""

    name: str  # short name for a column heading
    source: str  # who published it, and where
    note: str = ""  # further remarks
    split: Literal["test", "val"] = "test"  # `test` or `val`
    images: Count  # number of images of the split
    input_size: tuple[Side, Side]  # their height and width
    metric: str  # the metric, such as `ap`
    overall: Number  # its mean over the classes
    per_class: dict[str, Number]  # its value for each class


class UnusedData(Struct, frozen=True, kw_only=True):
    """Files, images, annotations or pixels of a user's folder that are not used."""

    kind: Literal["files", "images", "annotations", "pixels"]  # what is counted
    what: str  # a plural noun, such as `.heic files`
    count: Count  # how many
    fraction: Number | None = None  # of all images, annotations or pixels; null where that says nothing
    reason: str  # why, and the fix
    example: str = ""  # name of the first one

    @property
    def sentence(self) -> str:
        """Count and reason, to follow the words "not used"."""
        fraction = "" if self.fraction is None else f" ({self.fraction:.1%})"
        example = f", such as {self.example}" if self.example and self.count > 1 else ""
        example = f" ({self.example})" if self.example and self.count == 1 else example
        return f"{self.count:,} {self.what}{fraction}{example}: {self.reason}"


class ClassMap(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the classes of a dataset become those of a model. A class that is not mentioned keeps its name."""

    classes: dict[str, str] = {}  # class of the dataset -> its new name; classes of one new name are merged
    # classes of the dataset that count nowhere: their pixels are ignored, their images are not used
    ignore: tuple[str, ...] = ()
    # painting order of overlapping polygons: classes of the dataset, the lowest first; all others are above, larger
    # polygons below smaller ones
    order: tuple[str, ...] = ()
    # class of another dataset -> the class, by its new name, as part of which this dataset labels it, such as pillar ->
    # facade; `*` stands for all others
    merged: dict[str, str] = {}
    palette: dict[str, Color] = {}  # new name -> its color in masks, in the order of the classes; others follow
    boxes: bool = False  # whether boxes of COCO JSON are regions of their class


class DatasetPartInfo(Struct, frozen=True, kw_only=True):
    """One of several datasets that a run was trained on as one."""

    name: str  # name on the command line, with a number where two have one name
    title: str  # display name
    source: str  # where the images come from: a folder, or a sentence
    # class that this dataset does not tell apart -> the class as part of which it is labeled
    merged: dict[str, str] = {}
    class_map: ClassMap = ClassMap()  # how the classes of its source became its own
    synthetic: bool = False  # whether a program drew the images
    train: Count  # number of training images
    val: Count  # number of validation images
    test: Count  # number of test images


class DatasetInfo(Struct, frozen=True, kw_only=True):
    """The dataset of a run."""

    name: str  # name on the command line, such as `fashion-mnist`
    title: str  # display name, such as `Fashion-MNIST`
    source: str  # where the images come from: a folder, or a sentence
    fingerprint: str  # 32 hexadecimal digits of SHA-256 over classes, images, labels and groups
    classes: tuple[str, ...]  # class names; label i means `classes[i]`
    train: Count  # number of training images
    val: Count  # number of validation images
    test: Count  # number of test images
    palette: tuple[Color, ...] = ()  # red, green and blue of each class in masks; empty for classification
    synthetic: bool = False  # whether a program drew the images
    description: str = ""  # source, license and citation
    warnings: tuple[str, ...] = ()  # sentences about unusual properties of the images
    unused: tuple[UnusedData, ...] = ()  # what is in the folder and not used
    bit_depth: Count = 0  # bits of values that the files store in 16; 0 where no file has 16
    reference_results: tuple[ReferenceResult, ...] = ()  # published results on its images
    reference_images: tuple[ReferenceImage, ...] = ()  # images with masks that are always shown
    class_map: ClassMap = ClassMap()  # how its classes became these
    parts: tuple[DatasetPartInfo, ...] = ()  # the datasets that it was made of; empty for a single one


class RandomSplit(Struct, frozen=True, kw_only=True):
    """What a random split of the same fraction would do, the mean over all such splits."""

    expected_split_groups: Number  # groups with images in both training and validation
    expected_val_leakage: Number  # fraction of the validation images that have a duplicate in training


class GroupingInfo(Struct, frozen=True, kw_only=True):
    """Which images belong together."""

    by: str = ""  # the value of `--groups`: a column, `folder` or a regular expression; empty where none is given
    ungrouped: Count = 0  # images that `by` gives no group; each is a group of its own
    near_duplicates_searched: bool = True  # whether near-duplicates were to be kept in one split
    near_duplicates: bool = True  # whether they are; with `blocks`, only within a block
    scenes: Count = 0  # groups of related images that hold nearly all images, where these are too few to split
    scene_fraction: Number = 0.0  # fraction of the images that they hold
    # order of the images whose contiguous blocks are the groups, where too few groups of related images exist: capture
    # time, file name, or random; null where groups are not replaced
    blocks: Literal["time", "name", "random"] | None = None
    block_classes: tuple[str, ...] = ()  # classes whose images are grouped in blocks
    shared: tuple[Literal["val", "test"], ...] = ()  # splits that show the same scenes as the training images


class NearestImages(Struct, frozen=True, kw_only=True):
    """How much test images differ from training images: root mean square of thumbnails of 32 x 32 pixels."""

    test_to_train: Number  # gray levels (0..255) to the nearest training image, the median over the test images
    random_pairs: Number  # gray levels between two random images, the median over pairs
    split: Literal["val", "test"] = "test"  # the split that is compared; `val` where only it shares scenes


class SplitInfo(Struct, frozen=True, kw_only=True):
    """How the images were split."""

    fraction: Number  # fraction of the training images used for validation
    seed: Count  # seed of the split
    strategy: Literal["groups", "images"] = "groups"  # `groups` keeps groups together, `images` ignores them
    predefined: bool = False  # whether the dataset names its validation images
    fold: Count = 0  # fold of a cross-validation whose images are the test images, from 1; 0 for none
    folds: Count = 0  # folds of the cross-validation; 0 for none
    too_few_to_test: bool = False  # whether no test images were drawn because there are too few groups
    groups_detected: bool = False  # whether groups were detected in the pixels; else they came with the dataset
    groups: Count  # groups among the training images, before any is excluded
    duplicate_images: Count  # training images that share their group with another training image
    largest_group: Count  # images in the largest group of training and test images together
    test_groups: Count  # groups among the test images
    # names of the images excluded from training because of a duplicate in another split
    excluded_train: tuple[str, ...] = ()
    # names of the test images that have duplicates among the training images
    test_with_train_duplicates: tuple[str, ...] = ()
    random: RandomSplit  # what a random split would do
    grouping: GroupingInfo = GroupingInfo()  # which images belong together
    # how much test images differ from training images, where both may show one scene; else null
    nearest: NearestImages | None = None


class ModelInfo(Struct, frozen=True, kw_only=True):
    """The model of a run."""

    name: str  # name of the model, such as `cnn` or `timm/resnet18`
    parameters: Count  # number of parameters
    input_size: tuple[Side, Side, Side]  # height, width and channels of its images
    init: str | None = None  # what an external model was initialized with, in words; null for Seamline's own


class InitFrom(Struct, frozen=True, kw_only=True):
    """The run whose weights a training started from."""

    run: str  # path of the run folder
    weights: str  # digest of its weights
    shared_classes: tuple[str, ...]  # classes whose weights in the last layer were copied
    new_classes: tuple[str, ...]  # classes that are not in that run


class ConfigDecision(Struct, frozen=True, kw_only=True):
    """A field of the configuration that was chosen automatically."""

    field: str  # name of the field
    value: Any  # its value
    reason: str  # the rule with its numbers, in a sentence


class RunInfo(Struct, frozen=True, kw_only=True):
    """How a run was trained."""

    seamline: str  # version of Seamline
    task: Task  # `classification` or `segmentation`
    preset: str  # name of the preset, with the fields that were changed
    config: dict[str, Any]  # every field of the training configuration
    dataset: DatasetInfo  # the dataset
    split: SplitInfo  # how its images were split
    model: ModelInfo  # the model
    init_from: InitFrom | None = None  # the run whose weights it started from; null for a fresh start
    auto_config: tuple[ConfigDecision, ...] = ()  # fields of the configuration that were chosen automatically
    label_check_folds: Count = 0  # folds of the cross-validation that checks the labels; 0 for none
    seed: Count  # seed of the split, the weights and the batches
    device: str  # `cpu`, `cuda` or `mps`
    machine: str  # the processor or GPU, in words
    threads: Count  # processor threads
    world_size: Count = 1  # processes that trained together
    versions: dict[str, str]  # versions of Python and of the packages
    command: str  # the command that repeats the run
    notice: str | None = None  # a sentence for the top of the report, or null

    def __post_init__(self) -> None:
        """Check that classes and palette fit the task."""
        check_classes(self.task, self.dataset.classes, self.dataset.palette)


class CurvePoint(Struct, frozen=True):
    """A point of the training curves within an epoch: means over the batches since the point before."""

    epoch: Annotated[float, Meta(gt=0, lt=LIMIT)]  # passes over the training images so far, such as 1.25
    loss: NanFloat  # mean loss, each batch before its step
    accuracy: NanFloat  # fraction of images or pixels predicted correctly


class Epoch(Struct, frozen=True, kw_only=True):
    """One epoch."""

    epoch: Annotated[int, Meta(ge=1, lt=10**15)]  # its number, from 1
    train_loss: NanFloat  # mean loss during the epoch, each batch before its step; smoothed and weighted as configured
    train_accuracy: NanFloat  # fraction of images or pixels predicted correctly during the epoch
    val_loss: NanFloat = math.nan  # loss on the validation images after the epoch, without TTA
    val_accuracy: NanFloat = math.nan  # accuracy on the validation images after the epoch
    val_images: Count | None = None  # number of validation images that both are of, evenly spaced; null for all
    learning_rate: NanFloat  # learning rate of the last step
    train_seconds: NanFloat  # time for training, without validation
    samples: Count  # number of training images processed
    curve: tuple[CurvePoint, ...] = ()  # points within the epoch; the last is at its end

    @property
    def end(self) -> float:
        """Passes over the training images at its end, such as 1.3 where the second epoch is the last and partial."""
        return self.curve[-1].epoch if self.curve else float(self.epoch)
