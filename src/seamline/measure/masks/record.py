"""All that this stage writes into the run folder where the labels are masks."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from seamline.data.dataset import Split
from seamline.data.masks import Color
from seamline.io import write_bytes, write_json
from seamline.measure.findings import MaskFacts, find_json
from seamline.measure.masks.calibration import summarise_calibration
from seamline.measure.masks.cases import Ranked, describe_cases, rank_images
from seamline.measure.masks.evaluation import MaskEvaluation, Tally, evaluate_masks, tally_masks
from seamline.measure.masks.metrics import definitions, figures_of, summarise, summarise_whole
from seamline.measure.masks.mistakes import Mistakes, find_mistakes
from seamline.measure.masks.precision import precision_recall

_STREAMS = {"train": 0, "val": 1, "test": 2}


def measure_masks(
    folder: Path,
    network: nn.Module,
    classes: tuple[str, ...],
    train: Split,
    val: Split,
    test: Split,
    *,
    colours: Sequence[Color],
    division: Mapping[str, Any] | None = None,
) -> None:
    """Measure a trained segmenter and write the figures; arguments as in `seamline.measure.record.measure`."""
    on_train = figures_of(tally_masks(network, train, classes, _STREAMS["train"]))
    on_val = evaluate_masks(network, val, classes, _STREAMS["val"])
    on_test = evaluate_masks(network, test, classes, _STREAMS["test"])
    calibration = summarise_calibration(on_val, on_test)
    figures = {"val": figures_of(on_val.tally, on_val), "test": figures_of(on_test.tally, on_test)}
    mistakes = {"val": find_mistakes(on_val.tally), "test": find_mistakes(on_test.tally)}
    rankings = {"val": rank_images(on_val.tally), "test": rank_images(on_test.tally)}
    for name, evaluation in (("val", on_val), ("test", on_test)):
        _write_evaluation(folder / "evaluation", name, evaluation, mistakes[name], rankings[name], colours)
    facts = MaskFacts(
        classes=classes,
        train=on_train,
        val=figures["val"],
        test=figures["test"],
        mistakes=mistakes["test"],
        images=tuple((test.names[ranked.image], ranked.mean_iou) for ranked in rankings["test"]),
        calibration=calibration,
        division=division,
    )
    write_json(folder / "calibration.json", calibration)
    write_json(folder / "findings.json", find_json(facts))
    scores = {**{name: summarise(of) for name, of in figures.items()}, "train": summarise_whole(on_train)}
    write_json(folder / "scores.json", {**scores, "definitions": definitions()})  # last: it says that all is there


def _write_evaluation(
    folder: Path,
    name: str,
    evaluation: MaskEvaluation,
    mistakes: Mistakes,
    ranking: list[Ranked],
    colours: Sequence[Color],
) -> None:
    """Write every image's output, and what the page shows of a split."""
    tally = evaluation.tally
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        names=np.array(tally.split.names),
        groups=tally.split.groups,
        confusions=tally.confusions,
        predicted=tally.predicted,
        confusion=tally.confusion,
    )
    write_bytes(folder / f"{name}.npz", buffer.getvalue())
    cases, pictures = describe_cases(tally, ranking, colours)
    for file, content in pictures.items():
        write_bytes(folder / f"{name}-cases" / file, content)
    described = {
        "classes": list(tally.classes),
        "confusion": tally.confusion.tolist(),
        "curves": _curves(evaluation),
        "errors": mistakes.json(),
        "ranking": [_ranked(tally, ranked) for ranked in ranking],
        "cases": cases,
    }
    write_json(folder / f"{name}.json", described)


def _curves(evaluation: MaskEvaluation) -> dict[str, Any]:
    """Return the precision-recall curves of the classes that are present."""
    return {
        way: {
            name: precision_recall(ranking.counts.sum(0))
            for name, ranking in zip(evaluation.tally.classes, rankings, strict=True)
            if not np.isnan(ranking.value)
        }
        for way, rankings in evaluation.rankings.items()
    }


def _ranked(tally: Tally, ranked: Ranked) -> dict[str, Any]:
    return {
        "name": tally.split.names[ranked.image],
        "group": int(tally.split.groups[ranked.image]),
        "accuracy": round(ranked.accuracy, 6),
        "mean_iou": round(ranked.mean_iou, 6),
    }
