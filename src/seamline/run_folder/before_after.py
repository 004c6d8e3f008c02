"""What evaluation writes about a run that started from another one: metrics before and after, on the same images."""

import math
from typing import Literal

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, NanFloat


class MetricChange(Struct, frozen=True, kw_only=True):
    """A metric of the same images before and after a training."""

    before: NanFloat  # its value with the weights that training started from
    after: NanFloat  # its value with the final weights
    change: Estimate  # after minus before, with its interval paired by group

    @property
    def present(self) -> bool:
        """Whether the metric has a value before and after."""
        return not (math.isnan(self.before) or math.isnan(self.after))


class DatasetChange(Struct, frozen=True, kw_only=True):
    """Metrics of a dataset before and after a training."""

    name: str  # name of the dataset, as on the command line
    title: str  # its display name
    split: Literal["test", "val"]  # its images that are compared: test images, or validation images without any
    images: Count  # how many these are
    groups: Count  # number of their groups
    overall: dict[str, MetricChange]  # metrics over all classes; those that rank pixels are left out
    per_class: dict[str, dict[str, MetricChange]] = {}  # class -> its metrics


class BeforeAfter(Struct, frozen=True, kw_only=True):
    """What a training that started from another run changed, on each dataset with held-out images."""

    run: str  # path of the run folder that it started from
    first: str = ""  # name of the dataset that this run was trained on, if it is one of the datasets
    datasets: tuple[DatasetChange, ...]  # the dataset, or each of several
