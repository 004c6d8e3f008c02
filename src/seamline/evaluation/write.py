"""Everything that evaluation writes into a run folder, from one pass over each split."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import DatasetPart, Split
from seamline.data.masks import Color
from seamline.data.split_warnings import SPLITS
from seamline.errors import SeamlineError
from seamline.evaluation.average_precision import precision_recall_curve
from seamline.evaluation.before_after import StartModel, compare_with_start
from seamline.evaluation.calibration import calibrate
from seamline.evaluation.class_analysis import analyze_classes
from seamline.evaluation.error_analysis import ErrorAnalysis, analyze_errors
from seamline.evaluation.evaluate import NO_LOGITS, Evaluation, evaluate_split
from seamline.evaluation.examples import example_sheet, mask_examples, rank_images
from seamline.evaluation.filter_analysis import analyze_filters
from seamline.evaluation.findings import FINDINGS, LAYER_FINDINGS, FindingInputs, FindingRule, find
from seamline.evaluation.label_issues import summarize_label_issues
from seamline.evaluation.linear_probes import probe_layers
from seamline.evaluation.mask_sheets import mask_sheets
from seamline.evaluation.metrics import INTERVALS, PRIMARY, metric_infos
from seamline.evaluation.novelty import fit_novelty, measure_novelty
from seamline.evaluation.text import PRINTED, title_inside
from seamline.inference.tta import TTA
from seamline.io import write_bytes
from seamline.models.classifiers import TwoLayerCNN
from seamline.progress import Reporter
from seamline.run_folder import (
    BeforeAfter,
    ClassAnalysis,
    ClassificationArrays,
    Curve,
    FilterAnalysis,
    Finding,
    ImageMetrics,
    LinearProbes,
    Metrics,
    PartMetrics,
    RunFolder,
    SegmentationArrays,
    SplitInfo,
    SplitResults,
    Task,
)

MAX_TRAIN_PIXELS = 10_000_000
"""Labels of the training images that are evaluated: 152 masks of 256 x 256 pixels, or all images to classify."""


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """The images that a run is evaluated on."""

    task: Task  # what is predicted
    classes: tuple[str, ...]  # K class names
    train: Split  # the images that the model was trained on
    val: Split  # the validation images; the temperature is fitted on them, and linear probes are scored
    test: Split  # the images that nothing was chosen by; empty where the data define none
    palette: Sequence[Color] = ()  # K colors of the classes in masks; empty for classification
    references: Sequence[str] = ()  # names of images with masks that are always shown
    parts: Sequence[DatasetPart] = ()  # the datasets that the images come from, if these are several
    split: SplitInfo | None = None  # how the images were split
    start: StartModel | None = None  # the run that training started from, to compare with
    # returns (N, K) float32 logits of the training and then the validation images by models that were not trained on
    # the image, and the number of these models; None where training labels are not checked
    out_of_fold: Callable[[], tuple[NDArray[np.float32], int]] | None = None


@dataclass(frozen=True, eq=False)
class Evaluations:
    """A model on every split."""

    train: Evaluation  # counted only, of a sample of the images where they have many pixels
    val: Evaluation
    test: Evaluation | None  # None without test images

    @property
    def held_out(self) -> Evaluation:
        """Of the test images, or of the validation images where there are none."""
        return self.test or self.val


def evaluate_model(
    run: RunFolder,
    model: nn.Module,
    data: EvaluationData,
    rules: Sequence[FindingRule] = (*FINDINGS, *LAYER_FINDINGS),
    reporter: Reporter | None = None,
) -> None:
    """Evaluate a trained model and write the results into its run folder.

    `metrics.json` is written and reported first, after one pass over each split; then come the analyses, which take
    longer, and `findings.json` is written last. Findings of other names than those of the rules, which were added to
    an earlier evaluation of the same weights, stay.

    Args:
        run: the run folder.
        model: trained; (B, C, H, W) uint8 -> logits (B, K) or (B, K, H, W).
        data: the images.
        rules: the findings to look for.
        reporter: reports progress.
    """
    reporter = reporter or Reporter(quiet=True)
    model.eval()
    splits = evaluate_splits(model, data, reporter)
    metrics = Metrics(
        test=splits.test.metrics.summary() if splits.test else None,
        val=splits.val.metrics.summary(),
        train=splits.train.metrics.summary(per_class=False),
        definitions=dict(metric_infos(data.task)),
        intervals=INTERVALS[splits.held_out.counts.bootstrap.independent],
        parts=part_metrics(data.parts, splits.test, splits.val),
    )
    added = _added_findings(run, rules)
    run.start_evaluation()
    run.metrics.write(metrics)
    name = PRIMARY[data.task][0]
    info, estimate, word = metrics.definitions[name], metrics.held_out.overall[name], SPLITS[metrics.held_out_split]
    value = PRINTED[info.format][0](estimate)
    reporter.say(f"{word} {title_inside(info.title)} {value}; analyzing errors and the model")
    run.findings.write((*find(_write_analyses(run, model, data, splits, reporter), rules), *added))


def _added_findings(run: RunFolder, rules: Sequence[FindingRule]) -> tuple[Finding, ...]:
    """Return the findings of an evaluated run that come from no rule; none where the file is damaged."""
    names = {rule.name for rule in rules}
    with suppress(SeamlineError):
        return tuple(one for one in run.findings.read_optional() or () if one.name not in names)
    return ()


def part_metrics(parts: Sequence[DatasetPart], test: Evaluation | None, val: Evaluation) -> dict[str, PartMetrics]:
    """Return the metrics of each of several datasets by its name, as `metrics.json` holds them."""
    of_test, of_val = {} if test is None else test.part_metrics, val.part_metrics
    return {
        part.name: PartMetrics(
            test=of_test[part.name].summary() if part.name in of_test else None,
            val=of_val[part.name].summary() if part.name in of_val else None,
        )
        for part in parts
        if part.name in of_test or part.name in of_val
    }


def evaluate_splits(model: nn.Module, data: EvaluationData, reporter: Reporter) -> Evaluations:
    """Evaluate a model on every split that has images, in one pass over each, and report progress over all images.

    Of the training images with masks, which show overfitting alone, as many as `MAX_TRAIN_PIXELS` are evaluated.
    """
    splits = [(sample_train(data.train), NO_LOGITS), (data.val, None), (data.test, None)]
    with reporter.adding("evaluating", sum(len(split) for split, _ in splits)) as progress:
        train, val, *test = (
            evaluate_split(
                model, split, data.classes, data.task,
                parts=data.parts, stream=stream, limits=limits, progress=progress,
            )
            for stream, (split, limits) in enumerate(splits)
            if len(split)
        )  # fmt: skip
    return Evaluations(train, val, test[0] if test else None)


def sample_train(train: Split) -> Split:
    """Return training images spread evenly over all, as many as have `MAX_TRAIN_PIXELS` labels."""
    most = max(1, MAX_TRAIN_PIXELS // math.prod(train.labels.shape[1:]))
    if len(train) <= most:
        return train
    return train.select(np.linspace(0, len(train) - 1, most).astype(np.int64))


def _write_analyses(
    run: RunFolder, model: nn.Module, data: EvaluationData, splits: Evaluations, reporter: Reporter
) -> FindingInputs:
    """Write everything but metrics and findings, and return what findings are made from."""
    val, test = splits.val, splits.test
    calibration = calibrate(val, test)
    run.calibration.write(calibration)
    if isinstance(model, TTA):
        novelty = fit_novelty(model, data.train, data.val, data.task)
        run.novelty.write(measure_novelty(model, data.test, data.task, novelty) if test else novelty)
    options: dict[str, Any] = {
        "palette": data.palette,
        "temperature": calibration.temperature.value,
        "references": data.references,
    }
    errors, images = write_split(run, "val", val, **options, browsable=test is None)
    if test is not None:
        errors, images = write_split(run, "test", test, **options)
    before_after: BeforeAfter | None = run.before_after.read_optional()  # of an earlier evaluation
    if data.start is not None:
        before_after = compare_with_start(data.start, data.parts, test, val)
        run.before_after.write(before_after)
    filters: FilterAnalysis | None = None
    probes: LinearProbes | None = None
    inner = model.model if isinstance(model, TTA) else model
    if isinstance(inner, TwoLayerCNN):  # its layers can be analyzed
        filters = analyze_filters(inner.kernels(), inner.filter_init)
        run.kernels.write(filters)
        with reporter.counting("fitting linear probes") as progress:
            probes = probe_layers(inner, data.train, data.val, val, progress)
        run.linear_probes.write(probes)
    appearance: ClassAnalysis | None = None
    if data.task == "classification":
        _write_label_issues(run, data, val, test)
        appearance = _write_class_analysis(run, model, splits.held_out, filters, reporter)
    return FindingInputs(
        val.metrics,
        test.metrics if test else None,
        splits.train.metrics,
        calibration,
        data.split,
        errors,
        images,
        filters,
        probes,
        appearance,
        before_after=before_after,
        train_sampled=len(splits.train.split) < len(data.train),
    )


def write_split(
    run: RunFolder,
    name: str,
    evaluation: Evaluation,
    palette: Sequence[Color],
    temperature: float,
    *,
    references: Sequence[str] = (),
    browsable: bool = True,
) -> tuple[ErrorAnalysis | None, tuple[ImageMetrics, ...]]:
    """Write the predictions of a split and its examples.

    Args:
        run: the run folder.
        name: `val` or `test`.
        evaluation: of the split.
        palette: K colors of the classes in masks.
        temperature: the temperature of the run.
        references: names of images with masks that are always shown.
        browsable: whether many images are written, for a reader of the page to browse.

    Returns:
        Where the wrong pixels are, and the metrics of each image, best first; None and nothing for classification.
    """
    split, counts, classes = evaluation.split, evaluation.counts, evaluation.classes
    arrays: dict[str, Any] = {"names": split.names, "groups": split.groups, "confusion": counts.confusion_matrix}
    results: dict[str, Any] = {"classes": classes, "confusion": counts.confusion_matrix.tolist()}
    if evaluation.task == "classification":
        labels, logits = np.asarray(split.labels, dtype=np.int64), evaluation.sample.logits[:, :, 0]
        run.write_arrays(name, ClassificationArrays(**arrays, labels=labels, logits=logits))
        sheet, png = example_sheet(evaluation, temperature, sample=browsable)
        run.results(name).write(SplitResults(**results, sheet=sheet))
        write_bytes(run.sheet_file(name), png)
        return None, ()
    confusions, predicted = counts.matrices, evaluation.predicted.astype(np.uint8)
    run.write_arrays(
        name, SegmentationArrays(**arrays, confusions=confusions, losses=counts.losses, predicted=predicted)
    )
    errors = analyze_errors(evaluation)
    order, images = rank_images(evaluation)
    results["examples"], files = mask_examples(evaluation, order, images, palette, references)
    for file, content in files.items():
        write_bytes(run.examples_dir(name) / file, content)
    if browsable and order:
        results["masks"], sheets = mask_sheets(evaluation, order, palette)
        for path, content in zip(run.mask_sheet_files(name), sheets, strict=True):
            write_bytes(path, content)
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


def _write_class_analysis(
    run: RunFolder, model: nn.Module, held_out: Evaluation, filters: FilterAnalysis | None, reporter: Reporter
) -> ClassAnalysis | None:
    """Write how classes look; None where the model has no features, or there are too many classes."""
    if not isinstance(model, TTA):
        return None
    with reporter.counting("analyzing classes") as progress:
        result = analyze_classes(model, held_out, filters, progress)
    if result is None:
        return None
    analysis, png = result
    run.class_analysis.write(analysis)
    write_bytes(run.class_means_sheet, png)
    return analysis


def _write_label_issues(run: RunFolder, data: EvaluationData, val: Evaluation, test: Evaluation | None) -> None:
    """Write possible label errors; training images are checked where out-of-fold logits are there."""
    checked = {"val": (data.val, val.sample.logits[:, :, 0])}
    if test is not None:
        checked["test"] = (data.test, test.sample.logits[:, :, 0])
    folds = 0
    if data.out_of_fold is not None:
        logits, folds = data.out_of_fold()
        size = len(data.train)
        checked |= {"train": (data.train, logits[:size]), "val": (data.val, logits[size:])}
    issues, png = summarize_label_issues(checked, folds)
    run.label_issues.write(issues)
    write_bytes(run.label_issues_sheet, png)
