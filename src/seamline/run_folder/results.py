"""What evaluation writes about the images of a split: confusion, examples, errors and possible label errors."""

from typing import Literal

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, FileName, NanFloat, Number, Side

MAX_PER_CELL = 12
"""The most confident images of each cell of a confusion matrix that the example sheet has, whatever else it has."""


class SheetExample(Struct, frozen=True, kw_only=True):
    """An image of the example sheet."""

    name: str  # name of the image
    ground_truth: Count  # index of its class
    prediction: Count  # index of the predicted class
    confidence: Number  # probability of the predicted class, after temperature scaling


class ExampleSheet(Struct, frozen=True, kw_only=True):
    """Layout of the example sheet, `SPLIT.png`: its images row by row, without gaps."""

    tile: tuple[Side, Side]  # height and width of an image
    columns: Side  # images per row
    # the images, cell by cell of the confusion matrix, the most confident first: of each cell the most confident, of
    # the split that is reported first all where they fit, else also a random sample
    examples: tuple[SheetExample, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture that holds all examples."""
        return sheet_size(self.tile, self.columns, len(self.examples))


def sheet_size(tile: tuple[int, int], columns: int, count: int) -> tuple[int, int]:
    """Return height and width of the picture of `count` images of one size (height, width), row by row."""
    return -(-count // columns) * tile[0], min(columns, count) * tile[1]


class MaskExample(Struct, frozen=True, kw_only=True):
    """An image with its masks."""

    name: str  # name of the image
    # `best`, `median` or `worst`; `reference` for an image that is always shown
    bucket: Literal["best", "median", "worst", "reference"]
    rank: Count  # its rank by mean IoU, from 1
    accuracy: NanFloat  # fraction of its pixels that are right
    mean_iou: NanFloat  # mean IoU of its classes
    image: FileName  # file name of the image below `SPLIT-examples/`
    ground_truth: FileName  # file name of the true mask
    prediction: FileName  # file name of the predicted mask


class MaskCase(Struct, frozen=True, kw_only=True):
    """An image of the mask sheets."""

    rank: Count  # its rank by mean IoU, from 1
    # true class, predicted class and number of pixels of each cell of its confusion matrix that is not 0
    cells: tuple[tuple[Count, Count, Count], ...]


class MaskSheets(Struct, frozen=True, kw_only=True):
    """Layout of the mask sheets: photos, true masks and predicted masks of the same images, row by row, without gaps.

    They are `SPLIT.photos.jpg`, `SPLIT.ground_truth.png` and `SPLIT.prediction.png`.
    """

    tile: tuple[Side, Side]  # height and width of an image
    columns: Side  # images per row
    cases: tuple[MaskCase, ...]  # the images, best mean IoU first: all, or the worst of each class and a random sample

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture that holds all images."""
        return sheet_size(self.tile, self.columns, len(self.cases))


class Curve(Struct, frozen=True, kw_only=True):
    """A precision-recall curve."""

    recall: tuple[Number, ...]  # recall, rising
    precision: tuple[Number, ...]  # precision at each recall

    def __post_init__(self) -> None:
        """Check that both lists have one length."""
        if len(self.recall) != len(self.precision):
            raise ValueError("recall and precision are not of one length")


class BoundaryErrors(Struct, frozen=True, kw_only=True):
    """Errors near the boundaries between true classes."""

    pixels: Count  # largest distance from a boundary that counts as near it
    fraction: Estimate  # fraction of all wrong pixels that are near a boundary
    boundary_fraction: Estimate  # fraction of all pixels that are near a boundary


class ThinRegions(Struct, frozen=True, kw_only=True):
    """Recall along the tall, thin regions of a class."""

    regions: Count  # number of regions
    top: Estimate  # recall in the upper fifth
    middle: Estimate  # recall in the middle three fifths
    bottom: Estimate  # recall in the lower fifth


class ErrorAnalysis(Struct, frozen=True, kw_only=True):
    """Where wrong pixels lie."""

    boundary: BoundaryErrors  # errors near boundaries
    thin_regions: dict[str, ThinRegions] = {}  # classes whose regions are mostly tall and thin


class ImageMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one image."""

    name: str  # name of the image
    group: int  # its group
    accuracy: NanFloat  # fraction of its pixels that are right
    mean_iou: NanFloat  # mean IoU of its classes


class SplitResults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Results of one split; each task fills its own parts."""

    classes: tuple[str, ...]  # class names
    # images or pixels, a row for each true class, a column for each predicted one
    confusion: tuple[tuple[Count, ...], ...]
    sheet: ExampleSheet | None = None  # the example sheet (classification)
    examples: tuple[MaskExample, ...] = ()  # examples with masks (segmentation)
    # many images with masks, of the split that is reported first (segmentation)
    masks: MaskSheets | None = None
    # precision-recall curves by score type (`raw`, `softmax`) and class; absent classes left out
    curves: dict[str, dict[str, Curve]] = {}
    errors: ErrorAnalysis | None = None  # where wrong pixels lie (segmentation)
    per_image: tuple[ImageMetrics, ...] = ()  # metrics of each image, best mean IoU first (segmentation)

    def __post_init__(self) -> None:
        """Check that matrix and examples fit the classes."""
        count = len(self.classes)
        if len(self.confusion) != count or any(len(row) != count for row in self.confusion):
            raise ValueError(f"confusion is not {count} × {count}, a row and a column per class")
        examples = self.sheet.examples if self.sheet else ()
        if any(max(example.ground_truth, example.prediction) >= count for example in examples):
            raise ValueError(f"an example has a class beyond the {count} classes")
        cases = self.masks.cases if self.masks else ()
        if any(not 1 <= case.rank <= len(self.per_image) for case in cases):
            raise ValueError(f"an image of the mask sheets has a rank beyond the {len(self.per_image)} of per_image")
        if any(max(true, predicted) >= count for case in cases for true, predicted, _ in case.cells):
            raise ValueError(f"an image of the mask sheets has a class beyond the {count} classes")


class LabelIssue(Struct, frozen=True, kw_only=True):
    """An image whose label may be wrong."""

    name: str  # name of the image
    split: str  # its split
    label: Count  # index of the class it is labeled as
    predicted: Count  # index of the class it is confidently predicted as
    probability: Number  # probability of the predicted class
    margin: Number  # that probability minus the probability of the label


class LabelIssues(Struct, frozen=True, kw_only=True):
    """Possible label errors, by models that were not trained on the image; `label_issues.png` shows the first ones."""

    checked: dict[str, Count]  # number of images checked in each split
    folds: Count  # models that checked the training images; 0 where these were not checked
    n_agree: Count  # labels that the prediction agrees with
    tile: tuple[Side, Side]  # height and width of a shown image
    n_shown: Count  # images shown side by side
    issues: tuple[LabelIssue, ...]  # the issues, largest margin first

    def __post_init__(self) -> None:
        """Check that as many issues exist as are shown."""
        if self.n_shown > len(self.issues):
            raise ValueError(f"n_shown is {self.n_shown}, more than the {len(self.issues)} issues")
