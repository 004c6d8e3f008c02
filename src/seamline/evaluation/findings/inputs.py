"""What findings are made from, and what a finding is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from seamline.data.split_warnings import SPLITS
from seamline.evaluation.error_analysis import ErrorAnalysis
from seamline.evaluation.metrics import SplitMetrics
from seamline.run_folder import (
    BeforeAfter,
    Calibration,
    ClassAnalysis,
    FilterAnalysis,
    ImageMetrics,
    LinearProbes,
    SplitInfo,
    Task,
)


@dataclass(frozen=True, eq=False)
class FindingInputs:
    """Everything that findings are made from; what was not measured is None or empty."""

    val: SplitMetrics  # metrics of the validation images
    test: SplitMetrics | None  # metrics of the test images; None where there are none
    train: SplitMetrics | None = None  # metrics of the training images, or of a sample of them
    calibration: Calibration | None = None  # of both splits
    split: SplitInfo | None = None  # how the images were split
    errors: ErrorAnalysis | None = None  # where the wrong pixels of the held-out images lie
    images: tuple[ImageMetrics, ...] = ()  # metrics of each held-out image, the highest mean IoU first
    filters: FilterAnalysis | None = None  # types of the filters of a classifier
    probes: LinearProbes | None = None  # linear probes of its layers
    appearance: ClassAnalysis | None = None  # how classes look, and how their features vary
    before_after: BeforeAfter | None = None  # what changed since the run that training started from
    train_sampled: bool = False  # whether `train` is of a sample

    @property
    def held_out(self) -> SplitMetrics:
        """Metrics of the images that findings are about: the test images, or the validation images without any."""
        return self.test or self.val

    @property
    def split_title(self) -> str:
        """What these images are called."""
        return SPLITS["val" if self.test is None else "test"]

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.val.task

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""
        return self.val.classes

    @property
    def labels(self) -> str:
        """What is labeled: `images` or `pixels`."""
        return "images" if self.task == "classification" else "pixels"


class Claim(NamedTuple):
    """A sentence that the numbers support, and these numbers by name."""

    sentence: str
    values: dict[str, Any]


ClaimFunction: TypeAlias = Callable[[FindingInputs], Claim | None]


@dataclass(frozen=True)
class FindingRule:
    """A row of the table of findings."""

    name: str  # name of the finding, such as `hardest_class`
    claim: ClaimFunction  # inputs -> a claim, or None where the numbers support none
    # task -> the panel of the report that shows it; a task that is not in it has no such finding
    panels: Mapping[Task, str]
