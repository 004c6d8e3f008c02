"""Exports a run as one ONNX file with the same predictions, verified before it is written."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import onnx

from seamline.data.dataset import Split
from seamline.data.mix import stored_parts
from seamline.errors import SeamlineError
from seamline.evaluation.calibration import best_temperature
from seamline.evaluation.evaluate import SampledLogits
from seamline.evaluation.metrics import PRIMARY
from seamline.export.quantize import CALIBRATION_PIXELS, quantize_int8
from seamline.export.to_onnx import to_onnx
from seamline.export.verify import (
    ATOL,
    MIN_AGREEMENT,
    Verification,
    predict_split,
    primary_metric,
    select_evenly,
    verify,
)
from seamline.inference.backends import BACKENDS, load_session
from seamline.inference.forward import predict_features, predict_logits
from seamline.inference.integrity import seal_export
from seamline.inference.predictor import PYTORCH, Predictor, run_metadata
from seamline.inference.tiled import PredictFn
from seamline.inference.tta import TTA
from seamline.io import atomic_write
from seamline.run_folder import RunFolder


@dataclass(frozen=True)
class ExportOptions:
    """How a run is exported.

    Attributes:
        reduce_tta: whether to reduce test-time augmentation as far as `max_drop` allows.
        int8: whether to quantize to int8.
        max_drop: points of accuracy, or of mean average precision, that both may cost together.
    """

    reduce_tta: bool = False
    int8: bool = False
    max_drop: float = 1.0


@dataclass(frozen=True)
class ExportResult:
    """An exported file.

    Attributes:
        file: the ONNX file.
        size: its size in bytes.
        verifications: how its predictions compare with the run's, for each backend.
        metric: the metric of `before` and `after`, `accuracy` or `mean_ap`.
        before: the metric of the run on the validation images; None if nothing was reduced or quantized.
        after: the metric of the file.
        tta: the reduced test-time augmentation, None if it is the run's.
    """

    file: Path
    size: int
    verifications: tuple[Verification, ...]
    metric: str
    before: float | None = None
    after: float | None = None
    tta: str | None = None

    @property
    def drop(self) -> float | None:
        """Points, hundredths, by which the metric drops."""
        return None if self.before is None or self.after is None else 100 * (self.before - self.after)


def export_run(
    folder: RunFolder,
    model: TTA,
    train: Split,
    val: Split,
    out: Path,
    options: ExportOptions = ExportOptions(),
    report: Callable[[str], None] = lambda text: None,
) -> ExportResult:
    """Export a run as an ONNX file.

    Args:
        folder: the finished run.
        model: its model with its test-time augmentation.
        train: its training images, on which the ranges for int8 are measured.
        val: its validation images, on which the file is verified and scored.
        out: the file to write.
        options: what to reduce.
        report: called with a line before each long step.

    Raises:
        SeamlineError: the predictions of the file differ from the run's, or the metric drops too far; nothing is
            written.
    """
    if options.reduce_tta and not model.reduced():
        raise SeamlineError(f"{out}: not written, because the model has no test-time augmentation; omit --reduce-tta")
    metadata, lossy = run_metadata(folder), options.reduce_tta or options.int8
    if lossy:  # they are fitted to the predictions of the run, and the threshold of novelty to its exact features
        novelty = None if options.int8 else metadata.novelty
        metadata = msgspec.structs.replace(metadata, fraction_intervals=None, novelty=novelty)
    features = partial(predict_features, model)
    reference, task = Predictor(folder.path, PYTORCH, partial(predict_logits, model), metadata, features), metadata.task
    parts = stored_parts(folder.info.read().dataset)
    predict_val = partial(predict_split, split=val, task=task, parts=parts)
    before = primary_metric(predict_val(reference.forward), task) if lossy else math.nan
    best = -math.inf

    def allowed(score: float) -> bool:
        return not lossy or 100 * (before - score) <= options.max_drop

    candidates = (
        _reduce_tta(reference, model, predict_val, report) if options.reduce_tta else [(model, reference, before)]
    )
    metric, _ = PRIMARY[task]
    with atomic_write(out) as file:
        for tta, predictor, score in candidates:
            if allowed(score):
                graph, verifications = _write_verified(tta, predictor, val, file, out, report)
                if options.int8:
                    score = primary_metric(predict_val(_write_int8(graph, train, file, report)), task)
            if allowed(score):
                if options.int8:
                    verifications = verify(file, predictor, val.images)
                seal_export(file)
                result = ExportResult(out, file.stat().st_size, verifications, metric, tta=predictor.metadata.tta)
                return replace(result, before=before, after=score) if lossy else result
            best = max(best, score)
        changes = ["reduced test-time augmentation"] * options.reduce_tta + ["int8 quantization"] * options.int8
        raise SeamlineError(
            f"{out}: not written, because with {' and '.join(changes)} {metric} drops by {100 * (before - best):.2f} "
            f"points on the validation images ({before:.4f} to {best:.4f}); raise --max-drop above "
            f"{options.max_drop:g} to allow it"
        )


def _reduce_tta(
    reference: Predictor, model: TTA, predict_val: Callable[[PredictFn], SampledLogits], report: Callable[[str], None]
) -> Iterator[tuple[TTA, Predictor, float]]:
    """Yield the model with less test-time augmentation, the cheapest first, with a predictor and its score."""
    for tta in model.reduced():
        report(f"evaluating {tta.description}")
        forward = partial(predict_logits, tta)
        sample = predict_val(forward)
        score, temperature = primary_metric(sample, reference.task), best_temperature(sample)
        del sample  # for segmentation it is large
        metadata = msgspec.structs.replace(reference.metadata, temperature=temperature, tta=tta.description)
        yield tta, replace(reference, forward=forward, metadata=metadata), score


def _write_verified(
    model: TTA, predictor: Predictor, val: Split, file: Path, out: Path, report: Callable[[str], None]
) -> tuple[onnx.ModelProto, tuple[Verification, ...]]:
    """Write a model's graph into `file`, and verify its predictions in each backend."""
    report("tracing the model")
    graph = to_onnx(model, predictor.metadata)
    onnx.save(graph, file)
    report(f"verifying it in {' and '.join(backend.title for backend in BACKENDS.values())}")
    verifications = verify(file, predictor, val.images)
    for one in verifications:
        if not one.passes:
            raise SeamlineError(
                f"{out}: not written, because its predictions differ from the run's ({one}; at most {ATOL:g} and at "
                f"least {MIN_AGREEMENT:.1%} are required); use the run folder instead"
            )
    return graph, verifications


def _write_int8(graph: onnx.ModelProto, train: Split, file: Path, report: Callable[[str], None]) -> PredictFn:
    """Write a graph into `file`, quantized to int8; return the quantized model."""
    report("quantizing to int8")
    onnx.save(quantize_int8(graph, select_evenly(train.images, CALIBRATION_PIXELS)), file)
    report("evaluating the quantized model")
    return load_session(file)[1]
