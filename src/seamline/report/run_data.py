"""Everything that pages show of a finished run, read and checked once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data import masks
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_io import MAX_PIXELS, decode
from seamline.data.split_warnings import SPLITS as SPLITS
from seamline.errors import SeamlineError
from seamline.run_folder import (
    BeforeAfter,
    Calibration,
    ClassAnalysis,
    Color,
    Epoch,
    ExampleSheet,
    FilterAnalysis,
    Finding,
    LabelIssues,
    LinearProbes,
    MaskExample,
    MaskSheets,
    MeasuresRecord,
    Metrics,
    ModelSummary,
    Novelty,
    PredictionRecord,
    RunFolder,
    RunInfo,
    SplitMetrics,
    SplitResults,
    Task,
    TrainingImages,
)

LABELS: dict[Task, str] = {"classification": "images", "segmentation": "pixels"}
"""What has a label in each task."""

REMEDY = "evaluate the run again"


@dataclass(frozen=True, eq=False)
class SheetImages:
    """The examples of a classifier."""

    sheet: ExampleSheet  # names, classes and layout
    picture: Image.Image  # the example sheet

    def arrange(self, chosen: Sequence[int], columns: int) -> Image.Image:
        """Lay out the images of some examples, row by row."""
        height, width = self.sheet.tile
        canvas = Image.new(self.picture.mode, (columns * width, max(1, -(-len(chosen) // columns)) * height))
        for position, index in enumerate(chosen):
            tile = self.picture.crop(tile_box(self.sheet.tile, self.sheet.columns, index))
            canvas.paste(tile, (position % columns * width, position // columns * height))
        return canvas


@dataclass(frozen=True, eq=False)
class MaskImages:
    """The images of an example with masks, all of one size."""

    example: MaskExample  # name and metrics
    image: Image.Image  # the image, RGB
    ground_truth: NDArray[np.uint8]  # (H, W) uint8 classes; K and above are ignored
    prediction: NDArray[np.uint8]  # (H, W) uint8 classes


@dataclass(frozen=True, eq=False)
class MaskSheetImages:
    """Many images of a segmenter, on sheets."""

    sheets: MaskSheets  # ranks and layout
    photos: Image.Image  # the photos, gray or RGB
    ground_truth: NDArray[np.uint8]  # (H, W) uint8 classes; K and above are ignored
    prediction: NDArray[np.uint8]  # (H, W) uint8 classes

    def tile(self, index: int) -> tuple[Image.Image, NDArray[np.uint8], NDArray[np.uint8]]:
        """Return photo, true mask and predicted mask of an image by its place on the sheets."""
        left, top, right, bottom = tile_box(self.sheets.tile, self.sheets.columns, index)
        ground_truth, prediction = (mask[top:bottom, left:right] for mask in (self.ground_truth, self.prediction))
        return self.photos.crop((left, top, right, bottom)), ground_truth, prediction


@dataclass(frozen=True, eq=False)
class TrainingSheets:
    """Training images as they are, or augmented."""

    photos: Image.Image  # the images, gray or RGB
    masks: NDArray[np.uint8] | None  # (H, W) uint8 classes; K and above are ignored; None without masks


def tile_box(tile: tuple[int, int], columns: int, index: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of an image on a sheet of images of one size (height, width)."""
    row, column = divmod(index, columns)
    height, width = tile
    return column * width, row * height, (column + 1) * width, (row + 1) * height


@dataclass(frozen=True, eq=False)
class RunData:
    """A finished run. Parts that are missing from its folder and may be missing are None or empty."""

    folder: RunFolder  # the run folder
    info: RunInfo  # how it was trained
    history: tuple[Epoch, ...]  # one entry for each epoch
    metrics: Metrics  # metrics of all splits
    findings: tuple[Finding, ...]  # the findings, the most important first
    results: Mapping[str, SplitResults]  # split -> its results
    sheets: Mapping[str, SheetImages]  # split -> its examples (classification)
    examples: Mapping[str, tuple[MaskImages, ...]]  # split -> its examples (segmentation)
    mask_sheets: Mapping[str, MaskSheetImages]  # split -> many images with masks (segmentation)
    training_images: TrainingImages | None = None  # some training images
    training_sheets: Mapping[bool, TrainingSheets] = field(default_factory=dict)  # their pictures; True: augmented
    calibration: Calibration | None = None  # how well confidence matches accuracy
    novelty: Novelty | None = None  # how novel images are told
    model: ModelSummary | None = None  # the layers and the optimizers
    kernels: FilterAnalysis | None = None  # types of filters
    linear_probes: LinearProbes | None = None  # accuracy of linear probes
    class_analysis: ClassAnalysis | None = None  # why classes are confused
    class_means: Image.Image | None = None  # the mean images of the classes, then their outlines
    label_issues: LabelIssues | None = None  # possible label errors
    label_issues_sheet: Image.Image | None = None  # the first of them, side by side
    predictions: PredictionRecord | None = None  # predictions on photos that are not part of the dataset
    before_after: BeforeAfter | None = None  # what changed since the run that training started from
    measures: MeasuresRecord | None = None  # measures of buildings in such photos

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return self.info.dataset.classes

    @property
    def palette(self) -> tuple[Color, ...]:
        """Red, green and blue of each class in masks; empty for classification."""
        return self.info.dataset.palette

    def split_metrics(self, split: str) -> SplitMetrics:
        """Return the metrics of `test` or `val`, one of those in `results`."""
        return self.metrics.test if split == "test" and self.metrics.test else self.metrics.val

    @property
    def splits(self) -> list[str]:
        """The splits that are evaluated, the most important first."""
        return [split for split in SPLITS if split == "val" or self.metrics.test]


def epoch_ends(info: RunInfo, history: Sequence[Epoch]) -> list[float]:
    """Return where each epoch ends, in passes over the training images: the last epoch may be partial."""
    return [one.end if one.curve else min(one.epoch, info.config.get("epochs", one.epoch)) for one in history]


def read_run(path: Path) -> RunData:
    """Read the run in a folder.

    Args:
        path: the run folder.

    Returns:
        The run.

    Raises:
        SeamlineError: the folder holds no finished run, or a file in it is damaged.
    """
    folder = RunFolder(path)
    if not path.is_dir():
        raise SeamlineError(f"{path}: no such folder; give the folder of a finished run")
    info = folder.info.read()
    if not (folder.finished or folder.is_evaluation):
        raise SeamlineError(f"{folder.weights_file}: not found, training has not finished; resume it first")
    metrics, history = folder.metrics.read(), folder.history.read()
    results = {split: read for split in SPLITS if (read := _read_results(folder, split, info))}
    issues, sheet = _read_label_issues(folder, info)
    training, sheets = _read_training_images(folder, info)
    appearance, means = _read_class_analysis(folder, info)
    return RunData(
        folder=folder,
        info=info,
        history=history,
        metrics=metrics,
        results=results,
        sheets={split: _read_sheet(folder, split, one.sheet) for split, one in results.items() if one.sheet},
        examples={split: _read_examples(folder, split, one) for split, one in results.items()},
        mask_sheets={split: _read_mask_sheets(folder, split, one.masks) for split, one in results.items() if one.masks},
        training_images=training,
        training_sheets=sheets,
        calibration=folder.calibration.read_optional(),
        novelty=folder.novelty.read_optional(),
        model=folder.model_summary.read_optional(),
        kernels=folder.kernels.read_optional(),
        linear_probes=folder.linear_probes.read_optional(),
        findings=folder.findings.read(),
        class_analysis=appearance,
        class_means=means,
        label_issues=issues,
        label_issues_sheet=sheet,
        predictions=folder.predictions.read_optional(),
        measures=folder.measures.read_optional(),
        before_after=folder.before_after.read_optional(),
    )


def read_picture(path: Path, *, color: bool = False) -> Image.Image:
    """Read a picture as gray or RGB; with `color` always as RGB.

    Raises:
        SeamlineError: the file is missing or no image.
    """
    try:
        image = decode(path, str(path), MAX_PIXELS).image
        return image.convert("L" if not color and image.mode in ("1", "L") else "RGB")
    except (OSError, SeamlineError) as error:
        raise _picture_error(path) from error


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a palette PNG as the classes of its pixels, (H, W) uint8, whatever the number of classes.

    Raises:
        SeamlineError: the file is missing or no mask.
    """
    try:
        return masks.read_mask(path, IGNORE_INDEX, ignore=(IGNORE_INDEX,))
    except SeamlineError as error:
        raise _picture_error(path) from error


def _picture_error(path: Path) -> SeamlineError:
    return SeamlineError(f"{path}: {'cannot be read as an image' if path.exists() else 'not found'}; {REMEDY}")


def _read_results(folder: RunFolder, split: str, info: RunInfo) -> SplitResults | None:
    """Read the results of a split; None if they are missing, or a classifier's without their example sheet."""
    file = folder.results(split)
    results = file.read_optional()
    if results is None or (info.task == "classification" and not folder.sheet_file(split).is_file()):
        return None
    if results.classes != info.dataset.classes:
        raise file.error("its classes are not those of run.json")
    return results


def _read_sheet(folder: RunFolder, split: str, sheet: ExampleSheet) -> SheetImages:
    """Read the example sheet of a split, and check that it holds all examples."""
    path = folder.sheet_file(split)
    picture, (height, width) = read_picture(path), sheet.size
    if picture.height < height or picture.width < width:
        raise SeamlineError(f"{path}: too small for the examples of {split}.json; {REMEDY}")
    return SheetImages(sheet, picture)


def _read_examples(folder: RunFolder, split: str, results: SplitResults) -> tuple[MaskImages, ...]:
    """Read image, true mask and predicted mask of each example of a split."""
    images, directory = [], folder.examples_dir(split)
    for example in results.examples:
        image, ground_truth, prediction = (
            directory / name for name in (example.image, example.ground_truth, example.prediction)
        )
        one = MaskImages(example, read_picture(image, color=True), read_mask(ground_truth), read_mask(prediction))
        if not one.ground_truth.shape == one.prediction.shape == (one.image.height, one.image.width):
            raise SeamlineError(f"{directory}: image and masks of {example.name} differ in size; {REMEDY}")
        images.append(one)
    return tuple(images)


def _read_mask_sheets(folder: RunFolder, split: str, sheets: MaskSheets) -> MaskSheetImages:
    """Read photos, true masks and predicted masks of many images of a split."""
    photos, ground_truth, prediction = files = folder.mask_sheet_files(split)
    read = MaskSheetImages(sheets, read_picture(photos), read_mask(ground_truth), read_mask(prediction))
    _check_sheets(files, (read.photos, read.ground_truth, read.prediction), sheets.size, f"{split}.json")
    return read


def _read_training_images(
    folder: RunFolder, info: RunInfo
) -> tuple[TrainingImages | None, Mapping[bool, TrainingSheets]]:
    """Read some of the training images; None and nothing where an older version wrote the run."""
    file = folder.training_images
    images = file.read_optional()
    if images is None:
        return None, {}
    has_masks = info.task == "segmentation"
    if any((one.label is None) != has_masks or (one.label or 0) >= len(info.dataset.classes) for one in images.images):
        raise file.error("its labels are not those of run.json")
    sheets = {}
    for augmented, layout in ((False, images), (True, images.augmented)):
        if layout is not None:
            files = folder.training_sheet_files(info.task, augmented=augmented)[: 1 + has_masks]
            read = TrainingSheets(read_picture(files[0]), read_mask(files[1]) if has_masks else None)
            pictures = (read.photos,) if read.masks is None else (read.photos, read.masks)
            _check_sheets(files, pictures, layout.size, file.path.name)
            sheets[augmented] = read
    return images, sheets


def _check_sheets(
    files: Sequence[Path], pictures: Sequence[Image.Image | NDArray[np.uint8]], size: tuple[int, int], described: str
) -> None:
    """Check that pictures are at least of a size (height, width) that a file describes."""
    for path, picture in zip(files, pictures, strict=True):
        height, width = picture.shape if isinstance(picture, np.ndarray) else (picture.height, picture.width)
        if height < size[0] or width < size[1]:
            raise SeamlineError(f"{path}: too small for the images of {described}; {REMEDY}")


def _read_class_analysis(folder: RunFolder, info: RunInfo) -> tuple[ClassAnalysis | None, Image.Image | None]:
    """Read the analysis of the classes and their mean images; None where either is missing."""
    file, path = folder.class_analysis, folder.class_means_sheet
    analysis = file.read_optional()
    if analysis is None or not path.is_file():
        return None, None
    if tuple(analysis.classes) != info.dataset.classes:
        raise file.error("its classes are not those of run.json")
    picture, (height, width) = read_picture(path), analysis.tile
    if picture.width < len(analysis.classes) * width or picture.height < (1 + analysis.outlines) * height:
        raise SeamlineError(f"{path}: too small for the classes of {file.path.name}; {REMEDY}")
    return analysis, picture


def _read_label_issues(folder: RunFolder, info: RunInfo) -> tuple[LabelIssues | None, Image.Image | None]:
    """Read the possible label errors and their images; None where either is missing."""
    file, path = folder.label_issues, folder.label_issues_sheet
    issues = file.read_optional()
    if issues is None or not path.is_file():
        return None, None
    if any(max(issue.label, issue.predicted) >= len(info.dataset.classes) for issue in issues.issues):
        raise file.error("an issue has a class that run.json lacks")
    picture, (height, width) = read_picture(path), issues.tile
    if picture.width < issues.n_shown * width or picture.height < height:
        raise SeamlineError(f"{path}: too small for the images of {file.path.name}; {REMEDY}")
    return issues, picture
