"""The study's own photo, or the user's: its prediction and the measures of its building, added to a run's report."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.api.measuring import measure
from seamline.api.use import predict
from seamline.data.masks import read_mask
from seamline.inference.predictor import Predictor, load_model
from seamline.io import atomic_write
from seamline.report.page import write_report
from seamline.run_folder import Finding, RunFolder
from seamline.study.findings import replace_finding
from seamline.study.measures import MEASURES, measures_finding
from seamline.synthetic.facades import library_photo
from seamline.training.plan import RunOptions

_LIBRARY = "synthetic-library-front"


def add_photos(run: RunFolder, photos: Sequence[Path | str], options: RunOptions) -> None:
    """Predict and measure photos of buildings outside the dataset, and write the report again.

    Args:
        run: a finished run with masks of facades.
        photos: the user's own; none draws a library front, unless the run already has photos.
        options: device, and where progress is reported.
    """
    if not photos and _up_to_date(run):
        return
    options.reporter.say("measuring a synthetic photo" if not photos else f"measuring {len(photos)} photos")
    predictor = load_model(run.path, device=options.device, threads=run.info.read().threads)
    if photos:
        finding = _predict_and_measure(run, predictor, photos, options)
    else:
        photo, labels = library_photo()
        file = run.predictions_dir / f"{_LIBRARY}.png"
        with atomic_write(file) as temporary:
            Image.fromarray(photo).save(temporary, "PNG")
        finding = _predict_and_measure(run, predictor, [file], options, labels)
    replace_finding(run, finding)
    write_report(run.path)


def _up_to_date(run: RunFolder) -> bool:
    """Return whether the page of a run shows measured photos."""
    records = [run.predictions.path, run.measures.path]
    if not all(path.is_file() for path in (*records, run.report_file)):
        return False
    written = run.report_file.stat().st_mtime
    measured = any(finding.name == MEASURES for finding in run.findings.read())
    return measured and all(path.stat().st_mtime <= written for path in records)


def _predict_and_measure(
    run: RunFolder,
    predictor: Predictor,
    photos: Sequence[Path | str],
    options: RunOptions,
    labels: NDArray[np.uint8] | None = None,
) -> Finding:
    """Write predictions and measures of photos into a run folder, and return what they state."""
    predictions = predict(predictor, photos, out=run.predictions_dir, report=True)
    for error in predictions.errors:
        options.reporter.say(f"{error.file}: {error.reason}")
    record = measure(photos, predictor, out=run.measures_dir).record
    if labels is None:
        return measures_finding(record, run.predictions.read())
    mask = read_mask(run.predictions_dir / f"{_LIBRARY}.mask.png", len(predictor.classes))
    return measures_finding(record, run.predictions.read(), labels, mask)
