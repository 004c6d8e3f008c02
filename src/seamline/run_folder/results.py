"""What evaluation writes about the images of a split: confusion, examples, errors and possible label errors."""

from typing import Literal

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, FileName, NanFloat, Number, Side


class SheetExample(Struct, frozen=True, kw_only=True):
    """An image of the example sheet.

    Attributes:
        name: name of the image.
        ground_truth: index of its class.
        prediction: index of the predicted class.
        confidence: probability of the predicted class, after temperature scaling.
    """

    name: str
    ground_truth: Count
    prediction: Count
    confidence: Number


class ExampleSheet(Struct, frozen=True, kw_only=True):
    """Layout of the example sheet, `SPLIT.png`: its images row by row, without gaps.

    Attributes:
        tile: height and width of an image.
        columns: images per row.
        examples: the images, cell by cell of the confusion matrix, the most confident first.
    """

    tile: tuple[Side, Side]
    columns: Side
    examples: tuple[SheetExample, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture that holds all examples."""
        rows = -(-len(self.examples) // self.columns)
        return rows * self.tile[0], min(self.columns, len(self.examples)) * self.tile[1]


class MaskExample(Struct, frozen=True, kw_only=True):
    """An image with its masks.

    Attributes:
        name: name of the image.
        bucket: `best`, `median` or `worst`.
        rank: its rank by mean IoU, from 1.
        accuracy: fraction of its pixels that are right.
        mean_iou: mean IoU of its classes.
        image: file name of the image below `SPLIT-examples/`.
        ground_truth: file name of the true mask.
        prediction: file name of the predicted mask.
    """

    name: str
    bucket: Literal["best", "median", "worst"]
    rank: Count
    accuracy: NanFloat
    mean_iou: NanFloat
    image: FileName
    ground_truth: FileName
    prediction: FileName


class Curve(Struct, frozen=True, kw_only=True):
    """A precision-recall curve.

    Attributes:
        recall: recall, rising.
        precision: precision at each recall.
    """

    recall: tuple[Number, ...]
    precision: tuple[Number, ...]

    def __post_init__(self) -> None:
        """Check that both lists have one length."""
        if len(self.recall) != len(self.precision):
            raise ValueError("recall and precision are not of one length")


class BoundaryErrors(Struct, frozen=True, kw_only=True):
    """Errors near the boundaries between true classes.

    Attributes:
        pixels: largest distance from a boundary that counts as near it.
        fraction: fraction of all wrong pixels that are near a boundary.
        boundary_fraction: fraction of all pixels that are near a boundary.
    """

    pixels: Count
    fraction: Estimate
    boundary_fraction: Estimate


class ThinRegions(Struct, frozen=True, kw_only=True):
    """Recall along the tall, thin regions of a class.

    Attributes:
        regions: number of regions.
        top: recall in the upper fifth.
        middle: recall in the middle three fifths.
        bottom: recall in the lower fifth.
    """

    regions: Count
    top: Estimate
    middle: Estimate
    bottom: Estimate


class ErrorAnalysis(Struct, frozen=True, kw_only=True):
    """Where wrong pixels lie.

    Attributes:
        boundary: errors near boundaries.
        thin_regions: classes whose regions are mostly tall and thin.
    """

    boundary: BoundaryErrors
    thin_regions: dict[str, ThinRegions] = {}


class ImageMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one image.

    Attributes:
        name: name of the image.
        group: its group.
        accuracy: fraction of its pixels that are right.
        mean_iou: mean IoU of its classes.
    """

    name: str
    group: int
    accuracy: NanFloat
    mean_iou: NanFloat


class SplitResults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Results of one split; each task fills its own parts.

    Attributes:
        classes: class names.
        confusion: images or pixels, a row for each true class, a column for each predicted one.
        sheet: the example sheet (classification).
        examples: examples with masks (segmentation).
        curves: precision-recall curves by score type (`raw`, `softmax`) and class; absent classes left out.
        errors: where wrong pixels lie (segmentation).
        per_image: metrics of each image, best mean IoU first (segmentation).
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[Count, ...], ...]
    sheet: ExampleSheet | None = None
    examples: tuple[MaskExample, ...] = ()
    curves: dict[str, dict[str, Curve]] = {}
    errors: ErrorAnalysis | None = None
    per_image: tuple[ImageMetrics, ...] = ()

    def __post_init__(self) -> None:
        """Check that matrix and examples fit the classes."""
        count = len(self.classes)
        if len(self.confusion) != count or any(len(row) != count for row in self.confusion):
            raise ValueError(f"confusion is not {count} × {count}, a row and a column per class")
        examples = self.sheet.examples if self.sheet else ()
        if any(max(example.ground_truth, example.prediction) >= count for example in examples):
            raise ValueError(f"an example has a class beyond the {count} classes")


class LabelIssue(Struct, frozen=True, kw_only=True):
    """An image whose label may be wrong.

    Attributes:
        name: name of the image.
        split: its split.
        label: index of the class it is labeled as.
        predicted: index of the class it is confidently predicted as.
        probability: probability of the predicted class.
        margin: that probability minus the probability of the label.
    """

    name: str
    split: str
    label: Count
    predicted: Count
    probability: Number
    margin: Number


class LabelIssues(Struct, frozen=True, kw_only=True):
    """Possible label errors, by models that were not trained on the image; `label_issues.png` shows the first ones.

    Attributes:
        checked: number of images checked in each split.
        folds: models that checked the training images; 0 where these were not checked.
        n_agree: labels that the prediction agrees with.
        tile: height and width of a shown image.
        n_shown: images shown side by side.
        issues: the issues, largest margin first.
    """

    checked: dict[str, Count]
    folds: Count
    n_agree: Count
    tile: tuple[Side, Side]
    n_shown: Count
    issues: tuple[LabelIssue, ...]

    def __post_init__(self) -> None:
        """Check that as many issues exist as are shown."""
        if self.n_shown > len(self.issues):
            raise ValueError(f"n_shown is {self.n_shown}, more than the {len(self.issues)} issues")
