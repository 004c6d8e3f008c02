"""What evaluation writes about a whole run: metrics, calibration and findings."""

from typing import Any, Literal

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, Number


class MetricInfo(Struct, frozen=True, kw_only=True):
    """What a metric is and how it is shown.

    Attributes:
        title: its name for people, such as `Mean IoU`.
        definition: what it is, in a sentence.
        higher_is_better: true, false, or null where neither is better.
        format: `percent` (0.912 is shown as 91.2 %) or `decimal`.
    """

    title: str
    definition: str
    higher_is_better: bool | None = True
    format: Literal["percent", "decimal"] = "percent"


class SplitMetrics(Struct, frozen=True, kw_only=True):
    """Metrics of one split.

    Attributes:
        images: number of images.
        groups: number of groups of related images.
        count: number of labels: images for classification, pixels for segmentation.
        overall: metrics over all classes, the most important first.
        per_class: metrics of each class.
        support: number of labels of each class.
    """

    images: Count
    groups: Count
    count: Count
    overall: dict[str, Estimate]
    per_class: dict[str, dict[str, Estimate]] = {}
    support: dict[str, Count] = {}


class Metrics(Struct, frozen=True, kw_only=True):
    """Metrics of all splits.

    Attributes:
        test: of the test images.
        val: of the validation images.
        train: of the training images, by the final weights.
        definitions: what each metric is.
        intervals: how the intervals were computed, in a sentence.
    """

    test: SplitMetrics
    val: SplitMetrics
    train: SplitMetrics
    definitions: dict[str, MetricInfo]
    intervals: str = ""


class CalibrationBin(Struct, frozen=True, kw_only=True):
    """Predictions of similar confidence.

    Attributes:
        lower: lower bound of the confidence, exclusive.
        upper: upper bound of the confidence, inclusive.
        count: number of predictions: images or pixels.
        confidence: their mean confidence.
        accuracy: fraction of them that are right.
    """

    lower: Number
    upper: Number
    count: Count
    confidence: Number
    accuracy: Estimate


class SplitCalibration(Struct, frozen=True, kw_only=True):
    """Calibration of one split, raw and after temperature scaling.

    Attributes:
        nll_raw: mean negative log likelihood, in nats.
        nll_scaled: the same after scaling.
        nll_reduction: `nll_raw` minus `nll_scaled`, paired.
        ece_raw: expected calibration error.
        ece_scaled: the same after scaling.
        confidence_gap_raw: mean confidence minus accuracy.
        confidence_gap_scaled: the same after scaling.
        reliability_raw: confidence and accuracy by bin, empty bins left out.
        reliability_scaled: the same after scaling.
    """

    nll_raw: Estimate
    nll_scaled: Estimate
    nll_reduction: Estimate
    ece_raw: Estimate
    ece_scaled: Estimate
    confidence_gap_raw: Estimate
    confidence_gap_scaled: Estimate
    reliability_raw: tuple[CalibrationBin, ...]
    reliability_scaled: tuple[CalibrationBin, ...]


class Calibration(Struct, frozen=True, kw_only=True):
    """How well confidence matches accuracy.

    Attributes:
        temperature: what logits are divided by; 1 without an interval where the images determine none.
        bins: number of bins of equal width.
        test: of the test images.
        val: of the validation images, on which the temperature was fitted.
    """

    temperature: Estimate
    bins: Count
    test: SplitCalibration
    val: SplitCalibration

    def __post_init__(self) -> None:
        """Check the temperature."""
        if not self.temperature.value > 0:
            raise ValueError(f"temperature.value is {self.temperature.value:g}, not a number > 0")


class Finding(Struct, frozen=True, kw_only=True):
    """A claim that the numbers support.

    Attributes:
        name: what it is about, such as `hardest_class`.
        sentence: the claim.
        values: the numbers in the sentence, by name.
        panel: the panel of the page that shows it.
    """

    name: str
    sentence: str
    values: dict[str, Any]
    panel: str
