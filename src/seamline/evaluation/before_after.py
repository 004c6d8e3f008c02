"""What a training changed that started from another run: its first weights and its last ones on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from seamline.data.dataset import DatasetPart
from seamline.errors import SeamlineError
from seamline.evaluation.compare import paired_differences
from seamline.evaluation.counts import SplitCounts
from seamline.evaluation.evaluate import NO_LOGITS, Evaluation, evaluate_split
from seamline.evaluation.metrics import metrics_of
from seamline.inference.tta import load_tta
from seamline.progress import Reporter
from seamline.run_folder import BeforeAfter, DatasetChange, DatasetInfo, MetricChange, RunFolder, RunInfo


@dataclass(frozen=True, eq=False)
class StartModel:
    """The run that a training started from."""

    path: str  # its folder
    name: str  # name of the dataset that it was trained on; empty where these are several
    dataset: DatasetInfo  # the dataset of the training that started from it
    model: nn.Module  # its weights


def load_start(info: RunInfo, reporter: Reporter) -> StartModel | None:
    """Load the run that a run started from, to compare the two.

    Returns:
        The run; None where there is none, or it cannot be compared, for a reason that is reported.
    """
    if info.init_from is None:
        return None
    folder = RunFolder(Path(info.init_from.run))
    try:
        start = folder.info.read()
        if folder.weights_digest != info.init_from.weights:
            raise SeamlineError(f"{folder.path}: has other weights now")
        if start.dataset.classes != info.dataset.classes:
            raise SeamlineError(f"{folder.path}: has other classes")
        name = "" if start.dataset.parts else start.dataset.name
        return StartModel(info.init_from.run, name, info.dataset, load_tta(folder))
    except SeamlineError as error:
        reporter.say(f"{error}; metrics before and after the training are not compared")
        return None


def compare_with_start(
    start: StartModel, parts: Sequence[DatasetPart], test: Evaluation | None, val: Evaluation
) -> BeforeAfter:
    """Compare the weights that a training started from with its last ones, on the held-out images of each dataset.

    Args:
        start: the run that it started from.
        parts: the datasets that it was made of; empty for a single one.
        test: predictions of the last weights for the test images; None where there are none.
        val: the same for the validation images.

    Returns:
        The comparison. Intervals are paired by group, because the images are the same.
    """
    changes: dict[str, DatasetChange] = {}
    titles = {part.name: part.title for part in parts} or {start.dataset.name: start.dataset.title}
    splits: tuple[tuple[Literal["val", "test"], Evaluation | None], ...] = (("val", val), ("test", test))
    for stream, (split, after) in enumerate(splits, 1):
        if after is None:
            continue
        before = evaluate_split(
            start.model.eval(), after.split, after.classes, after.task,
            parts=parts, stream=stream, limits=NO_LOGITS,
        )  # fmt: skip
        for name, title in titles.items():
            first, second = (one.parts.get(name) if parts else one.counts for one in (before, after))
            if first is not None and second is not None:
                changes[name] = _change(name, title, split, after, first, second)
    known = start.name if start.name in changes else ""
    return BeforeAfter(run=start.path, first=known, datasets=tuple(changes[name] for name in titles if name in changes))


def _change(
    name: str, title: str, split: Literal["test", "val"], after: Evaluation, first: SplitCounts, second: SplitCounts
) -> DatasetChange:
    """Return the metrics of one dataset before and after."""
    overall: dict[str, MetricChange] = {}
    per_class: dict[str, dict[str, MetricChange]] = {class_name: {} for class_name in after.classes}
    for key, metric in metrics_of(after.task).items():
        if metric.ranked or metric.higher_is_better is None:
            continue
        values = [[one.estimate.value for one in counts.sample(metric.function)] for counts in (first, second)]
        rows = [
            MetricChange(before=old, after=new, change=change)
            for old, new, change in zip(*values, paired_differences(metric, first, second), strict=True)
        ]
        if metric.per_class:
            for class_name, row in zip(after.classes, rows, strict=True):
                per_class[class_name][key] = row
        else:
            overall[key] = rows[0]
    return DatasetChange(
        name=name, title=title, split=split, images=len(second.losses), groups=second.bootstrap.n_groups,
        overall=overall, per_class=per_class,
    )  # fmt: skip
