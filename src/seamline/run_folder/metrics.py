"""What evaluation writes about a whole run: metrics, calibration and findings."""

from typing import Any, Literal

from msgspec import Struct

from seamline.run_folder.fields import ABSENT, Count, Estimate, Number


class MetricInfo(Struct, frozen=True, kw_only=True):
    """What a metric is and how it is shown."""

    title: str  # display name, such as `Mean IoU`
    definition: str  # what it is, in a sentence
    higher_is_better: bool | None = True  # true, false, or null where neither is better
    format: Literal["percent", "decimal"] = "percent"  # `percent` (0.912 is shown as 91.2 %) or `decimal`


class SplitMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one split."""

    images: Count  # number of images
    groups: Count  # number of groups of related images
    count: Count  # number of labels: images for classification, pixels for segmentation
    overall: dict[str, Estimate]  # metrics over all classes, the most important first
    per_class: dict[str, dict[str, Estimate]] = {}  # metrics of each class
    support: dict[str, Count] = {}  # number of labels of each class


class PartMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one of several datasets, each image in the classes that the dataset tells apart."""

    test: SplitMetrics | None = None  # of its test images; null where it has none
    val: SplitMetrics | None = None  # of its validation images


class Metrics(Struct, frozen=True, kw_only=True):
    """Metrics of all splits."""

    test: SplitMetrics | None = None  # of the test images; null where the data define none
    val: SplitMetrics  # of the validation images
    train: SplitMetrics  # of the training images, or of a sample of them, by the final weights
    definitions: dict[str, MetricInfo]  # what each metric is
    intervals: str = ""  # how the intervals were computed, in a sentence
    # metrics of each dataset, by its name in run.json, where a run was trained on several
    parts: dict[str, PartMetrics] = {}

    @property
    def held_out_split(self) -> Literal["test", "val"]:
        """The split whose metrics count: `test`, or `val` where there are no test images."""
        return "val" if self.test is None else "test"

    @property
    def held_out(self) -> SplitMetrics:
        """The metrics of that split."""
        return self.test or self.val

    def lowest_class(self, split: SplitMetrics) -> tuple[str, str] | None:
        """Return the most important metric of classes, and the class with its lowest value; None where there is none.

        Definitions are in the order of importance; a metric counts if more of it is better and a class has it.
        """
        for key, info in self.definitions.items():
            known = {name: one[key].value for name, one in split.per_class.items() if one.get(key, ABSENT).present}
            if known and info.higher_is_better:
                return key, min(known, key=known.__getitem__)
        return None


class CalibrationBin(Struct, frozen=True, kw_only=True):
    """Predictions of similar confidence."""

    lower: Number  # lower bound of the confidence, exclusive
    upper: Number  # upper bound of the confidence, inclusive
    count: Count  # number of predictions: images or pixels
    confidence: Number  # their mean confidence
    accuracy: Estimate  # fraction of them that are right


class SplitCalibration(Struct, frozen=True, kw_only=True):
    """Calibration of one split, raw and after temperature scaling."""

    nll_raw: Estimate  # mean negative log likelihood, in nats
    nll_scaled: Estimate  # the same after scaling
    nll_reduction: Estimate  # `nll_raw` minus `nll_scaled`, paired
    ece_raw: Estimate  # expected calibration error
    ece_scaled: Estimate  # the same after scaling
    confidence_gap_raw: Estimate  # mean confidence minus accuracy
    confidence_gap_scaled: Estimate  # the same after scaling
    reliability_raw: tuple[CalibrationBin, ...]  # confidence and accuracy by bin, empty bins left out
    reliability_scaled: tuple[CalibrationBin, ...]  # the same after scaling


class FractionIntervals(Struct, frozen=True, kw_only=True):
    """What gives the fraction of a photo's pixels that a class has a conformal interval."""

    level: Number  # probability with which the interval of a new photo contains the true fraction
    # class -> half the width of the interval, as a multiple of the expected error of the fraction plus 0.005; a class
    # that is missing has no interval
    quantiles: dict[str, Number]
    images: Count  # number of validation images that they were fitted on
    groups: Count  # number of their groups; each counts once


class FractionCalibration(Struct, frozen=True, kw_only=True):
    """Conformal intervals of the fractions of an image's pixels, and how often they are right."""

    intervals: FractionIntervals  # fitted on the validation images
    coverage: dict[str, Estimate] = {}  # class -> fraction of the test images whose true fraction is in the interval
    width: dict[str, Number] = {}  # class -> mean width of the intervals of the test images


class Calibration(Struct, frozen=True, kw_only=True):
    """How well confidence matches accuracy."""

    temperature: Estimate  # what logits are divided by; 1 without an interval where the images determine none
    bins: Count  # number of bins of equal width
    test: SplitCalibration | None = None  # of the test images; null where the data define none
    val: SplitCalibration  # of the validation images, on which the temperature was fitted
    fractions: FractionCalibration | None = None  # intervals of fractions; null for classification

    @property
    def held_out(self) -> SplitCalibration:
        """That of the test images, or of the validation images where there are none."""
        return self.test or self.val

    def __post_init__(self) -> None:
        """Check the temperature."""
        if not self.temperature.value > 0:
            raise ValueError(f"temperature.value is {self.temperature.value:g}, not a number > 0")


class Finding(Struct, frozen=True, kw_only=True):
    """A claim that the numbers support."""

    name: str  # what it is about, such as `hardest_class`
    sentence: str  # the claim
    values: dict[str, Any]  # the numbers in the sentence, by name
    panel: str  # the panel of the page that shows it
