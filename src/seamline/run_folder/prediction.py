"""What prediction and export write: the record of predicted photos, and the metadata of an exported model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from seamline.errors import SeamlineError
from seamline.run_folder.fields import Color, FileName, Number, Positive, Side, Task, check_classes, to_json
from seamline.run_folder.integrity import ExampleOutputs
from seamline.run_folder.json_file import convert
from seamline.run_folder.metrics import FractionIntervals
from seamline.run_folder.novelty import NoveltyReference
from seamline.run_folder.run_info import UnusedData


class PhotoPrediction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The prediction for one photo; the task decides which fields are there."""

    file: str  # path of the photo
    width: Side  # its width in pixels
    height: Side  # its height in pixels
    photo: FileName | None = None  # file name of a JPEG of at most 1,600 pixels on the longer side, kept for a page
    mask: FileName | None = None  # file name of the mask (segmentation)
    overlay: FileName | None = None  # file name of the photo with the mask laid over it (segmentation)
    confidence: FileName | None = None  # file name of the confidence map, white where the model is sure (segmentation)
    class_fractions: dict[str, Number] = {}  # fraction of the pixels of each class (segmentation)
    class_intervals: dict[str, tuple[Number, Number]] = {}  # conformal interval of each fraction (segmentation)
    label: str | None = None  # the most probable class (classification)
    probability: Number | None = None  # its probability (classification)
    probabilities: dict[str, Number] = {}  # probability of each class (classification)
    # distance from the training images over the threshold; above 1 the photo is unlike them; null where not available
    novelty: Number | None = None


class PhotoError(Struct, frozen=True, kw_only=True):
    """A photo that could not be read."""

    file: str  # path of the photo
    reason: str  # what is wrong with it


class PredictionRecord(Struct, frozen=True, kw_only=True):
    """What `seamline predict` writes about a folder of photos."""

    model: str  # the run folder, exported file or name that the user gave
    task: Task  # `classification` or `segmentation`
    dataset: str  # title of the dataset that the model was trained on
    preset: str  # the preset it was trained with
    classes: tuple[str, ...]  # class names
    palette: tuple[Color, ...] = ()  # red, green and blue of each class in masks; empty for classification
    # fraction of images like the training images whose novelty is above 1; null where novelty is not available
    false_alarm_rate: Number | None = None
    interval_level: Number | None = None  # probability of `class_intervals`; null where there are none
    photos: tuple[PhotoPrediction, ...]  # the predictions
    errors: tuple[PhotoError, ...] = ()  # photos that could not be read
    unused: tuple[UnusedData, ...] = ()  # other files of the named folders; frames and bands of photos
    warnings: tuple[str, ...] = ()  # sentences about unusual photos

    def __post_init__(self) -> None:
        """Check that the photos fit the task."""
        check_classes(self.task, self.classes, self.palette)
        wanted = "label" if self.task == "classification" else "mask"
        for index, photo in enumerate(self.photos):
            if getattr(photo, wanted) is None:
                raise ValueError(f"photos[{index}] has no {wanted}")


class ExportMetadata(Struct, frozen=True, kw_only=True):
    """The metadata of an exported model; each value is JSON."""

    seamline: str  # version of Seamline that trained it
    name: str  # name of the run
    task: Task  # `classification` or `segmentation`
    dataset: str  # title of the dataset it was trained on
    preset: str  # the preset it was trained with
    classes: tuple[str, ...]  # class names
    palette: tuple[Color, ...] = ()  # red, green and blue of each class in masks; empty for classification
    input_size: tuple[Side, Side, Side]  # height, width and channels of the images it was trained on
    # longer side in pixels that photos are reduced to; null for one and a half times that of the training images
    max_side: Side | None = None
    temperature: Positive = 1.0  # what logits are divided by
    bit_depth: int | None = None  # bits of values that images store in 16; null where its training images had none
    fingerprint: str  # 32 hexadecimal digits of SHA-256 over the run's weights
    precision: Literal["float32", "int8"] = "float32"  # `float32` or `int8`
    novelty: NoveltyReference | None = None  # what tells images that are unlike the training images
    fraction_intervals: FractionIntervals | None = None  # conformal intervals of class fractions (segmentation)
    tta: str | None = None  # the test-time augmentation, in words, where it is less than the run's; else null
    examples: ExampleOutputs | None = None  # example images and their logits, computed by ONNX Runtime
    sha256: str | None = None  # 64 hexadecimal digits of SHA-256 over the file up to this entry, its last

    def __post_init__(self) -> None:
        """Check that classes and palette fit the task."""
        check_classes(self.task, self.classes, self.palette)

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata as an ONNX file holds it, key -> JSON, without fields that are null."""
        values = msgspec.structs.asdict(self).items()
        return {key: to_json(value).decode() for key, value in values if value is not None}

    @classmethod
    def from_metadata(cls, file: Path, metadata: Mapping[str, str]) -> "ExportMetadata":
        """Read the metadata of an ONNX file.

        Raises:
            SeamlineError: the file was not written by `seamline export`, or its metadata are damaged.
        """
        remedy = "export the run again with `seamline export`"
        if "seamline" not in metadata:
            raise SeamlineError(f"{file}: not written by `seamline export`, so its classes are unknown; {remedy}")
        try:
            content = {key: json.loads(metadata[key]) for key in cls.__struct_fields__ if key in metadata}
            result: ExportMetadata = convert(content, cls)
        except (ValueError, RecursionError) as error:
            raise SeamlineError(f"{file}: its metadata are damaged ({error}); {remedy}") from None
        return result
