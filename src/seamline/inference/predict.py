"""Predicts photos into a folder: labels or masks, overlays, and a record of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from seamline.data.limits import is_out_of_memory
from seamline.errors import SeamlineError
from seamline.inference.decode import decode_ahead
from seamline.inference.find_images import Photo, find_photos
from seamline.inference.writer import PredictionWriter
from seamline.run_folder import PhotoError, PhotoPrediction, UnusedData

OUT_OF_MEMORY = "not enough memory; use a smaller --max-side"

_RECORD_SECONDS = 5.0  # between two writings of the record

Progress = Callable[[float, int, str], None]
"""Called with the number of photos done, with a fraction for the current one, their total, and the current file."""


@dataclass(frozen=True)
class Predictions:
    """The results of a call of `predict`.

    Attributes:
        folder: the folder of the results.
        photos: the predictions in order, as `predictions.json` has them.
        errors: photos that could not be predicted, with the reason.
        page: the page, if one was written.
        unused: files of the named folders that are not photos, by kind, and parts of photos that are not used.
        warnings: sentences about unusual photos.
    """

    folder: Path
    photos: tuple[PhotoPrediction, ...]
    errors: tuple[PhotoError, ...]
    page: Path | None = None
    unused: tuple[UnusedData, ...] = ()
    warnings: tuple[str, ...] = ()


def predict_photos(
    writer: PredictionWriter, photos: Sequence[Path | str], progress: Progress | None = None
) -> Predictions:
    """Predict photos into the folder of a writer.

    The record is written every few seconds and at the end, so that an interruption loses little.

    Args:
        writer: the model and the folder.
        photos: files, folders (searched recursively) and patterns.
        progress: called as the work proceeds.

    Raises:
        SeamlineError: see `seamline.predict`.
    """
    writer.predictor.check_max_side(writer.max_side)
    listing = find_photos(photos)
    writer.check_collisions(listing.photos)
    predictions: list[PhotoPrediction] = []
    errors = list(listing.errors)
    try:
        writer = replace(writer, unused=listing.unused)
        writer.start()
        _predict_photos(writer, listing.photos, predictions, errors, progress or ignore_progress)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(
            f"{writer.folder}: cannot be written to ({reason}); name another folder with --out"
        ) from None
    return Predictions(
        writer.folder, tuple(predictions), tuple(errors), unused=writer.all_unused, warnings=writer.warnings
    )


def ignore_progress(done: float, total: int, file: str) -> None:
    """Do nothing."""


def _predict_photos(
    writer: PredictionWriter,
    photos: Sequence[Photo],
    predictions: list[PhotoPrediction],
    errors: list[PhotoError],
    progress: Progress,
) -> None:
    """Predict the photos, append to `predictions` and `errors`, and keep the record up to date."""
    total = len(photos)

    def tile_progress(index: int, file: str, tiles: int, all_tiles: int) -> None:
        progress(index + tiles / (all_tiles + 1), total, file)  # writing the files counts as one more tile

    written, decoded = time.monotonic(), decode_ahead(photos, writer.predictor.bit_depth)
    try:
        for index, photo in enumerate(photos):
            file = str(photo.file)
            progress(index, total, file)
            try:
                pixels, traits, _ = next(decoded).result()
                writer.traits.add(file, traits)
                predictions.append(writer.write(photo, pixels, partial(tile_progress, index, file)))
            except SeamlineError as error:
                errors.append(PhotoError(file=file, reason=str(error).removeprefix(f"{file}: ")))
            except (MemoryError, RuntimeError) as error:  # PyTorch raises RuntimeErrors
                if not is_out_of_memory(error):
                    raise
                errors.append(PhotoError(file=file, reason=OUT_OF_MEMORY))
            progress(index + 1, total, file)
            if time.monotonic() - written > _RECORD_SECONDS:
                writer.write_record(predictions, errors)
                written = time.monotonic()
    finally:
        writer.write_record(predictions, errors)
