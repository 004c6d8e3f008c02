"""`measure`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from seamline.api.run import Run
from seamline.buildings.measure_photos import MeasureFolder, measure_photos
from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.inference.predict import Progress
from seamline.inference.predictor import LoadOptions, Predictor, load_model
from seamline.report.measures_page import write_measures_page
from seamline.run_folder import MeasuresRecord


@dataclass(frozen=True)
class Measures:
    """The results of a call of `measure`."""

    folder: Path  # of the results
    record: MeasuresRecord  # the fronts of each photo, and the photos that could not be measured
    page: Path  # the page that shows them


def measure(
    photos: Sequence[Path | str] | Path | str,
    model: Predictor | Run | Path | str = "streets",
    *,
    out: Path | str | None = None,
    options: MeasureOptions | None = None,
    group: str | None = None,
    keep_exif: bool = False,
    progress: Progress | None = None,
    **load_options: Unpack[LoadOptions],
) -> Measures:
    """Measure the buildings in photos: windows, storeys and window-to-wall ratios of each front.

    A photo that cannot be measured does not stop the others. Photos that an earlier call measured into the same folder
    with the same settings are not measured again.

    Args:
        photos: files, folders (searched recursively) and patterns such as `photos/*.jpg`; one of these or several.
        model: a predictor, a finished run folder, an exported file, or the name of a pretrained model; a segmenter
            with classes for facade and window.
        out: folder for the results; by default `measures/NAME`, with the name of the model.
        options: scale, corners and so on; see `MeasureOptions`.
        group: which building each photo shows: `folder`, `TABLE.csv:COLUMN`, or a regular expression with one capture
            that is searched in its path; None for no totals of buildings.
        keep_exif: whether pictures keep the EXIF data of their photos, with position and camera.
        progress: called with the number of photos done, their total, and the current file.
        **load_options: `backend`, `device` and `threads`; see `load_model`.

    Returns:
        The results.

    Raises:
        SeamlineError: there is no such model or no photo, the model has no class for facade or window, an option does
            not fit, or the folder cannot be written to.
    """
    model = model.path if isinstance(model, Run) else model
    predictor = model if isinstance(model, Predictor) else load_model(model, **load_options)
    measurer = Measurer.of(predictor, options or MeasureOptions())
    folder = Path("measures") / predictor.name if out is None else Path(out)
    target = MeasureFolder(measurer, folder, group, keep_exif)
    record = measure_photos(target, [photos] if isinstance(photos, str | Path) else photos, progress)
    return Measures(folder, record, write_measures_page(folder))
