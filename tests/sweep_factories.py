"""Finished sweeps, made by hand: run folders of classifiers whose accuracy is chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluation.factories import label_evaluation
from run_folder.factories import epoch, run_info
from seamline.evaluation.metrics import SplitMetrics, metric_infos
from seamline.run_folder import ClassificationArrays, Metrics, RunFolder, SweepFolder, SweepInfo, SweepRun, SweepSetting
from seamline.training.search_space import setting_name

CLASSES = ("arch", "door")
IMAGES = 200
"""Test images of a run, each a group of its own."""


def write_run(
    folder: Path, val: float, test: Sequence[bool], *, seed: int, first: int = 0, seconds: float = 2.0
) -> None:
    """Write what a sweep reads of a run: its accuracy on 100 validation images, and which test images are right."""
    run, info = RunFolder(folder), run_info("classification", seed=seed)
    dataset = msgspec.structs.replace(info.dataset, classes=CLASSES, palette=())
    run.info.write(msgspec.structs.replace(info, dataset=dataset))
    splits = {"val": np.arange(100) < round(100 * val), "test": np.array(test)}
    metrics = {}
    for name, right in splits.items():
        labels = np.arange(len(right)) % 2
        logits = np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)]
        evaluated = label_evaluation(CLASSES, logits, labels)
        metrics[name] = SplitMetrics("classification", evaluated.counts, len(right)).summary()
        names = tuple(f"{first + index:04d}" for index in range(len(right)))
        groups: NDArray[np.int64] = first + np.arange(len(right))
        arrays = ClassificationArrays(names, groups, evaluated.counts.confusion_matrix, labels, logits)
        run.write_arrays(name, arrays)
    definitions = dict(metric_infos("classification"))
    run.metrics.write(Metrics(test=metrics["test"], val=metrics["val"], train=metrics["val"], definitions=definitions))
    run.history.write(tuple(msgspec.structs.replace(epoch(number), val_accuracy=val) for number in (1, 2)))
    run.report_file.write_text("")


def correct(accuracy: float, shift: int = 0) -> list[bool]:
    """Return which of `IMAGES` images are right: as many as the accuracy says, from number `shift` on."""
    right: list[bool] = np.roll(np.arange(IMAGES) < round(IMAGES * accuracy), shift).tolist()
    return right


def write_sweep(
    path: Path,
    settings: Sequence[Mapping[str, Any]],
    val: Sequence[Sequence[float]],
    test: Sequence[Sequence[float]],
    **changes: Any,
) -> SweepFolder:
    """Write a sweep.

    Args:
        path: its folder.
        settings: the fields of each setting.
        val: for each setting the validation accuracy of each seed; NaN for a run that failed.
        test: the same of the test images.
        **changes: fields of `SweepInfo`.
    """
    runs = []
    for number, fields in enumerate(settings):
        for seed, accuracy in enumerate(val[number]):
            name = f"{setting_name(fields).replace(' ', ',')}-seed{seed}"
            if np.isnan(accuracy):
                runs.append(SweepRun(name=name, setting=number, seed=seed, state="failed", reason="out of memory"))
                continue
            write_run(path / name, accuracy, correct(test[number][seed]), seed=seed)
            runs.append(SweepRun(name=name, setting=number, seed=seed, state="finished", seconds=2.0 + number))
    varied: dict[str, list[str]] = {}
    for fields in settings:
        for name, value in fields.items():
            varied.setdefault(name, []).append(str(value))
    info = SweepInfo(
        seamline="0",
        data=("walls",),
        preset="fast",
        fixed={},
        varied={name: ",".join(dict.fromkeys(values)) for name, values in varied.items()},
        method="grid",
        seeds=tuple(range(len(val[0]))),
        metric="accuracy",
        settings=tuple(SweepSetting(name=setting_name(fields), fields=dict(fields)) for fields in settings),
        runs=tuple(runs),
        command="seamline sweep walls",
    )
    folder = SweepFolder(path)
    folder.info.write(msgspec.structs.replace(info, **changes))
    return folder
