"""`predict`, `export`, `export_web`, `verify` and `compare`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from seamline.api.run import Run
from seamline.data.dataset import Dataset, Split
from seamline.errors import SeamlineError, require_extra
from seamline.inference.integrity import VerifiedModel, verify_export, verify_run
from seamline.inference.onnx_metadata import read_metadata
from seamline.inference.predict import Predictions, Progress, predict_photos
from seamline.inference.predictor import LoadOptions, Predictor, find_model, load_model, run_metadata
from seamline.inference.writer import PredictionWriter
from seamline.progress import Reporter, default_reporter
from seamline.report.compare_page import write_comparison
from seamline.report.predictions_page import write_predictions_page
from seamline.run_folder import RunFolder
from seamline.web.folder import WebExport, check_web_folder, write_web_folder
from seamline.web.runtime import find_runtime

if TYPE_CHECKING:
    from seamline.export.export import ExportOptions, ExportResult


def predict(
    model: Predictor | Run | Path | str,
    photos: Sequence[Path | str] | Path | str,
    *,
    out: Path | str | None = None,
    max_side: int | None = None,
    report: bool = False,
    progress: Progress | None = None,
    **options: Unpack[LoadOptions],
) -> Predictions:
    """Predict photos into a folder, with a page on request.

    A photo that cannot be read does not stop the others. Existing results of the same names are replaced. For
    predictions in memory call `load_model`.

    Args:
        model: a predictor, a finished run folder, a file that `seamline export` wrote, or the name of a pretrained
            model.
        photos: files, folders (searched recursively) and patterns such as `photos/*.jpg`; one of these or several.
        out: folder for the results; by default `predictions/NAME`, with the name of the model.
        max_side: longer side in pixels to which photos are reduced for segmentation, at least 32; 0 keeps their size.
            By default 1.5 times that of the training images.
        report: whether to write a page that shows the photos.
        progress: called with the number of photos done, their total, and the current file.
        **options: `backend`, `device` and `threads`; see `load_model`.

    Returns:
        The results.

    Raises:
        SeamlineError: there is no such model, device or backend, no photo, the folder cannot be written to, or
            `max_side` is too small or given for classification.
    """
    model = model.path if isinstance(model, Run) else model
    predictor = model if isinstance(model, Predictor) else load_model(model, **options)
    folder = Path("predictions") / predictor.name if out is None else Path(out)
    writer = PredictionWriter(predictor, folder, max_side, copy_photos=report)
    predictions = predict_photos(writer, [photos] if isinstance(photos, str | Path) else photos, progress)
    return replace(predictions, page=write_predictions_page(predictions.folder)) if report else predictions


def export(
    run: Run | Path | str,
    *,
    out: Path | str | None = None,
    reduce_tta: bool = False,
    int8: bool = False,
    max_drop: float = 1.0,
    data: Dataset | None = None,
    data_dir: Path | str | None = None,
    progress: Reporter | None = None,
) -> "ExportResult":
    """Export a finished run as one ONNX file, verified on the run's validation images before it is written.

    Args:
        run: the run folder, or the name of a pretrained model.
        out: the file; by default `model.onnx` in the run folder, where `seamline predict` finds it, or
            `model.reduced-tta.onnx`, `model.int8.onnx`, `model.reduced-tta.int8.onnx`; for a pretrained model
            `NAME.onnx` and so on in the working folder.
        reduce_tta: whether to reduce test-time augmentation as far as `max_drop` allows; the temperature is fitted
            again.
        int8: whether to quantize to int8: a smaller file, and faster on processors with int8 instructions.
        max_drop: points of accuracy, or of mean average precision, that these may cost on the validation images.
        data: its dataset, if it has no name that can be loaded.
        data_dir: folder with the files of a dataset that is called by name, or where the run's own images are now.
        progress: reports progress.

    Returns:
        The file and how it compares.

    Raises:
        SeamlineError: the run has not finished, its images are not available, the extra `export` is not installed, or
            the predictions of the file differ from the run's.
    """
    with require_extra("export", "export"):
        from seamline.export.export import ExportOptions, export_run
        from seamline.inference.tta import load_tta

    options = ExportOptions(reduce_tta, int8, max_drop)
    named = str(run.path) if isinstance(run, Run) else run
    folder, reporter = RunFolder(find_model(named)), progress or default_reporter()
    model = load_tta(folder)  # before any long work
    file = _export_file(folder, named, out, options)
    train, val = _export_images(folder, data, data_dir, exact=not (reduce_tta or int8), reporter=reporter)
    return export_run(folder, model, train, val, file, options, reporter.say)


class ExportArguments(TypedDict, total=False):
    """How a run is exported; see `export`."""

    out: Path | str | None
    reduce_tta: bool
    int8: bool
    max_drop: float
    data: Dataset | None
    data_dir: Path | str | None


def export_web(
    run: Run | Path | str,
    folder: Path | str,
    *,
    runtime: Path | str | None = None,
    progress: Reporter | None = None,
    **options: Unpack[ExportArguments],
) -> WebExport:
    """Export a model as a folder of static files that predicts photos in a browser, on the user's device.

    An exported file that belongs to the run's weights is used as it is; otherwise, and to reduce or quantize, the run
    is exported first.

    Args:
        run: a finished run folder, a file that `export` wrote, or the name of a pretrained model.
        folder: the folder to write; an earlier one is replaced, and one with anything else is refused.
        runtime: a folder with the npm package `onnxruntime-web`; by default npm fetches it once into the cache.
        progress: reports progress.
        **options: see `export`.

    Returns:
        The folder and its size.

    Raises:
        SeamlineError: there is no such model, it cannot be exported, the runtime is not available, or the folder holds
            something else.
    """
    reporter = progress or default_reporter()
    check_web_folder(Path(folder))  # before any long work
    place = find_runtime(None if runtime is None else Path(runtime), reporter.say)
    named = run.path if isinstance(run, Run) else run
    file = None if set(options) & {"out", "reduce_tta", "int8"} else _current_export(find_model(named))
    return write_web_folder(file or export(run, progress=reporter, **options).file, Path(folder), place)


def _current_export(path: Path) -> Path | None:
    """Return the exported file at a path or in its run folder; None where it is missing or of other weights."""
    if path.suffix == ".onnx":
        return path
    folder = RunFolder(path)
    file, metadata = folder.onnx_file(), run_metadata(folder)
    if not file.is_file():
        return None
    exported = read_metadata(file)
    same = (exported.fingerprint, exported.temperature) == (metadata.fingerprint, metadata.temperature)
    return file if same else None


def _export_images(
    folder: RunFolder, data: Dataset | None, data_dir: Path | str | None, *, exact: bool, reporter: Reporter
) -> tuple[Split, Split]:
    """Return training and validation images to export a run with.

    The images that the run keeps suffice to verify a file. The metrics of a reduced or quantized model are measured on
    all validation images where these can be loaded.
    """
    from seamline.training.run_data import load_run_data, load_stored_images

    stored = load_stored_images(folder) if data is None and data_dir is None else None
    if stored is not None and exact:
        return stored
    try:
        _, splits = load_run_data(folder, data, data_dir, reporter)
    except SeamlineError as error:
        if stored is None:
            raise
        reporter.say(f"{error}; exporting with the {len(stored[1]):,} validation images that the run keeps")
        return stored
    return splits.train, splits.val


def _export_file(folder: RunFolder, named: Path | str, out: Path | str | None, options: "ExportOptions") -> Path:
    """Return the file to write."""
    default = folder.onnx_file(reduced_tta=options.reduce_tta, int8=options.int8)
    pretrained = folder.path != Path(named)
    file = (
        Path(out)
        if out is not None
        else Path(f"{named}{default.name.removeprefix('model')}")
        if pretrained
        else default
    )
    if file.is_dir():
        raise SeamlineError(f"{file}: is a folder; name a file with --out")
    if (options.reduce_tta or options.int8) and file.resolve() == folder.onnx_file().resolve():
        raise SeamlineError(f"{file}: is reserved for the run's own predictions; name another file with --out")
    return file


def verify(model: Run | Path | str) -> VerifiedModel:
    """Verify a model: that its files are unchanged, and that it predicts here what it predicted where it was made.

    The checksums of its files are compared with the recorded ones, and its predictions for a few stored example images
    with the recorded predictions. No dataset is needed, and no PyTorch for an exported file. Checksums detect damaged
    and exchanged files, but not files that someone changed together with their checksums.

    Args:
        model: an evaluated run folder with its exported models, a file that `seamline export` wrote, or the name of a
            pretrained model.

    Returns:
        Its files with their checksums, and the differences of its predictions in each installed backend.

    Raises:
        SeamlineError: there is no such model, a file is damaged or replaced, or the predictions differ.
    """
    path = find_model(model.path if isinstance(model, Run) else model)
    return verify_run(RunFolder(path)) if path.is_dir() else verify_export(path)


def compare(runs: Sequence[Run | Path | str], out: Path | str = "comparison.html") -> tuple[Path, list[str]]:
    """Compare runs on the same test images, and write a page.

    Args:
        runs: run folders; the first is the baseline.
        out: the page to write.

    Returns:
        The page, and the differences in sentences.

    Raises:
        SeamlineError: a run is not evaluated, or the test images differ.
    """
    return write_comparison([Path(run) for run in runs], Path(out))
