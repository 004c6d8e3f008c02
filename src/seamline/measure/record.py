"""All that this stage writes into the run folder, from one pass over each split."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import Split
from seamline.data.masks import Color
from seamline.inference.tta import TTA
from seamline.io import write_bytes, write_json
from seamline.measure.calibration import summarise_calibration
from seamline.measure.evaluation import Evaluation, evaluate_split
from seamline.measure.examples import describe_examples
from seamline.measure.findings import Facts, find_json
from seamline.measure.kernels import describe_kernels
from seamline.measure.masks.record import measure_masks
from seamline.measure.metrics import definitions, summarise, summarise_whole
from seamline.measure.mislabelled import describe_suspects
from seamline.measure.readouts import describe_readouts
from seamline.models.classifiers import TwoLayerCNN


def measure(
    folder: Path,
    network: nn.Module,
    classes: tuple[str, ...],
    train: Split,
    val: Split,
    test: Split,
    *,
    colours: Sequence[Color] = (),
    division: Mapping[str, Any] | None = None,
    folded: tuple[NDArray[np.float32], int] | None = None,
) -> None:
    """Measure a trained network and write the figures.

    Args:
        folder: the run folder.
        network: trained; a classifier, or a segmenter where the labels are masks.
        classes: K class names.
        train: the images it learned from.
        val: the images set aside; the temperature is fitted on them and a classifier's readouts are scored.
        test: the images that nothing was chosen by.
        colours: K colours of the classes in pictures of masks; not used where the labels are of whole images.
        division: how the images were divided, `split` in `run.json`; a finding is made of it where the labels are
            masks.
        folded: (N, K) scores of the training and then the validation images by networks that did not learn from the
            image, and how many folds they were cut into; None where there are none.
    """
    network.eval()
    if test.labels.ndim == 3:
        measure_masks(folder, network, classes, train, val, test, colours=colours, division=division)
    else:
        _measure_labels(folder, network, classes, train, val, test, folded)


def _measure_labels(
    folder: Path,
    network: nn.Module,
    classes: tuple[str, ...],
    train: Split,
    val: Split,
    test: Split,
    folded: tuple[NDArray[np.float32], int] | None,
) -> None:
    """Measure a classifier."""
    on_train, on_val, on_test = (evaluate_split(network, split, classes) for split in (train, val, test))
    calibration = summarise_calibration(on_val, on_test)
    kernels = readouts = None  # only networks that hand out their insides can be looked into
    model = network.model if isinstance(network, TTA) else network
    if isinstance(model, TwoLayerCNN):
        kernels = describe_kernels(model.kernels(), model.filter_init)
        readouts = describe_readouts(model, train, val, on_val)
    facts = Facts(
        classes=classes,
        val=on_val.confusion,
        test=on_test.confusion,
        train=(int(np.trace(on_train.confusion)), len(train)),
        calibration=calibration,
        kernels=kernels,
        readouts=readouts,
    )
    temperature = calibration["temperature"]["value"]
    for name, evaluation, split in (("val", on_val, val), ("test", on_test, test)):
        _write_evaluation(folder / "evaluation", name, evaluation, split, temperature)
    judged = {"val": (val, on_val.scores), "test": (test, on_test.scores)}
    if folded is not None:
        judged |= {"train": (train, folded[0][: len(train)]), "val": (val, folded[0][len(train) :])}
    suspects, strip = describe_suspects(judged, 0 if folded is None else folded[1])
    write_json(folder / "evaluation" / "mislabelled.json", suspects)
    write_bytes(folder / "evaluation" / "mislabelled.png", strip)
    write_json(folder / "calibration.json", calibration)
    for name, inside in (("kernels", kernels), ("readouts", readouts)):
        if inside is not None:
            write_json(folder / "insides" / f"{name}.json", inside)
    write_json(folder / "findings.json", find_json(facts))
    scores = {"val": summarise(on_val), "test": summarise(on_test), "train": summarise_whole(on_train)}
    write_json(folder / "scores.json", {**scores, "definitions": definitions()})  # last: it says that all is there


def _write_evaluation(folder: Path, name: str, evaluation: Evaluation, split: Split, temperature: float) -> None:
    """Write every image's scores, and the examples that the page shows."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        labels=evaluation.labels,
        scores=evaluation.scores,
        names=np.array(split.names),
        confusion=evaluation.confusion,
    )
    write_bytes(folder / f"{name}.npz", buffer.getvalue())
    described, sheet = describe_examples(evaluation, split, temperature)
    write_json(folder / f"{name}.json", described)
    write_bytes(folder / f"{name}.png", sheet)
