"""Everything that evaluation writes into a run folder, from one pass over each split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import Split
from seamline.data.masks import Color
from seamline.evaluation.average_precision import precision_recall_curve
from seamline.evaluation.calibration import calibrate
from seamline.evaluation.error_analysis import ErrorAnalysis, analyze_errors
from seamline.evaluation.evaluate import NO_LOGITS, Evaluation, evaluate_split
from seamline.evaluation.examples import example_sheet, mask_examples, rank_images
from seamline.evaluation.filter_analysis import analyze_filters
from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS, FindingInputs, FindingRule, find
from seamline.evaluation.label_issues import summarize_label_issues
from seamline.evaluation.linear_probes import probe_layers
from seamline.evaluation.metrics import INTERVALS, metric_infos
from seamline.inference.tta import TTA
from seamline.io import write_bytes
from seamline.models.classifiers import TwoLayerCNN
from seamline.run_folder import (
    ClassificationArrays,
    Curve,
    FilterAnalysis,
    ImageMetrics,
    LinearProbes,
    Metrics,
    RunFolder,
    SegmentationArrays,
    SplitInfo,
    SplitResults,
    Task,
)


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """The images that a run is evaluated on."""

    task: Task  # what is predicted
    classes: tuple[str, ...]  # K class names
    train: Split  # the images that the model was trained on
    val: Split  # the validation images; the temperature is fitted on them, and linear probes are scored
    test: Split  # the images that nothing was chosen by
    palette: Sequence[Color] = ()  # K colors of the classes in masks; empty for classification
    split: SplitInfo | None = None  # how the images were split
    # (N, K) float32 logits of the training and then the validation images by models that were not trained on the image,
    # and the number of these models; None where there are none
    out_of_fold: tuple[NDArray[np.float32], int] | None = None


def evaluate_model(
    run: RunFolder,
    model: nn.Module,
    data: EvaluationData,
    rules: Sequence[FindingRule] = (*FINDINGS, *LAYER_FINDINGS),
) -> None:
    """Evaluate a trained model and write the results into its run folder; `metrics.json` is written last.

    Args:
        run: the run folder.
        model: trained; (B, C, H, W) uint8 -> logits (B, K) or (B, K, H, W).
        data: the images.
        rules: the findings to look for.
    """
    model.eval()
    train, val, test = (
        evaluate_split(model, split, data.classes, data.task, stream=stream, limits=limits)
        for stream, (split, limits) in enumerate(((data.train, NO_LOGITS), (data.val, None), (data.test, None)))
    )
    calibration = calibrate(val, test)
    filters: FilterAnalysis | None = None
    probes: LinearProbes | None = None
    inner = model.model if isinstance(model, TTA) else model
    if isinstance(inner, TwoLayerCNN):  # its layers can be analyzed
        filters = analyze_filters(inner.kernels(), inner.filter_init)
        probes = probe_layers(inner, data.train, data.val, val)
        run.kernels.write(filters)
        run.linear_probes.write(probes)
    write_split(run, "val", val, data.palette, calibration.temperature.value)
    errors, images = write_split(run, "test", test, data.palette, calibration.temperature.value)
    if data.task == "classification":
        _write_label_issues(run, data, val, test)
    inputs = FindingInputs(
        val.metrics, test.metrics, train.metrics, calibration, data.split, errors, images, filters, probes
    )
    run.calibration.write(calibration)
    run.findings.write(find(inputs, rules))
    metrics = Metrics(
        test=inputs.test.summary(),
        val=inputs.val.summary(),
        train=train.metrics.summary(per_class=False),
        definitions=dict(metric_infos(data.task)),
        intervals=INTERVALS[test.counts.bootstrap.independent],
    )
    run.metrics.write(metrics)


def write_split(
    run: RunFolder, name: str, evaluation: Evaluation, palette: Sequence[Color], temperature: float
) -> tuple[ErrorAnalysis | None, tuple[ImageMetrics, ...]]:
    """Write the predictions of a split and its examples.

    Args:
        run: the run folder.
        name: `val` or `test`.
        evaluation: of the split.
        palette: K colors of the classes in masks.
        temperature: the temperature of the run.

    Returns:
        Where the wrong pixels are, and the metrics of each image, best first; None and nothing for classification.
    """
    split, counts, classes = evaluation.split, evaluation.counts, evaluation.classes
    arrays: dict[str, Any] = {"names": split.names, "groups": split.groups, "confusion": counts.confusion_matrix}
    results: dict[str, Any] = {"classes": classes, "confusion": counts.confusion_matrix.tolist()}
    if evaluation.task == "classification":
        labels, logits = np.asarray(split.labels, dtype=np.int64), evaluation.sample.logits[:, :, 0]
        run.write_arrays(name, ClassificationArrays(**arrays, labels=labels, logits=logits))
        sheet, png = example_sheet(evaluation, temperature)
        run.results(name).write(SplitResults(**results, sheet=sheet))
        write_bytes(run.sheet_file(name), png)
        return None, ()
    confusions, predicted = counts.matrices, evaluation.predicted.astype(np.uint8)
    run.write_arrays(
        name, SegmentationArrays(**arrays, confusions=confusions, losses=counts.losses, predicted=predicted)
    )
    errors = analyze_errors(evaluation)
    order, images = rank_images(evaluation)
    results["examples"], files = mask_examples(evaluation, order, images, palette)
    for file, content in files.items():
        write_bytes(run.examples_dir(name) / file, content)
    results |= {"curves": _curves(evaluation), "errors": errors.summary(), "per_image": images}
    run.results(name).write(SplitResults(**results))
    return errors, images


def _curves(evaluation: Evaluation) -> dict[str, dict[str, Curve]]:
    """Return the precision-recall curves of the classes that are present."""
    curves: dict[str, dict[str, Curve]] = {}
    for kind, results in evaluation.counts.rankings.items():
        curves[kind] = {}
        for name, result in zip(evaluation.classes, results, strict=True):
            if not np.isnan(result.value):
                recall, precision = precision_recall_curve(result.histograms.sum(0))
                curves[kind][name] = Curve(recall=tuple(recall), precision=tuple(precision))
    return curves


def _write_label_issues(run: RunFolder, data: EvaluationData, val: Evaluation, test: Evaluation) -> None:
    """Write possible label errors; training images are checked where out-of-fold logits are there."""
    checked = {"val": (data.val, val.sample.logits[:, :, 0]), "test": (data.test, test.sample.logits[:, :, 0])}
    folds = 0
    if data.out_of_fold is not None:
        logits, folds = data.out_of_fold
        size = len(data.train)
        checked |= {"train": (data.train, logits[:size]), "val": (data.val, logits[size:])}
    issues, png = summarize_label_issues(checked, folds)
    run.label_issues.write(issues)
    write_bytes(run.label_issues_sheet, png)
