"""A model and photos -> labels or masks, overlays, and a record of them.

It knows nothing of datasets and of truth: what it writes is what the network says.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.image_io import read_image
from seamline.data.limits import is_out_of_memory
from seamline.errors import SeamlineError
from seamline.inference.find_images import Photo, find_photos
from seamline.inference.malloc import give_back_freed_memory
from seamline.inference.predictor import Model, load_model
from seamline.inference.writer import Results

ENLARGED = 1.5
"""A photo's longer side for the network, where no size is asked for, over that of the training images.

Measured with facades: photos framed as the training images are recognised best at 1, with a margin of a quarter at
1.5, streets of three houses at 3. At 4 every photo of one house loses half of its mean IoU.
"""

SMALLEST = 32
"""The smallest size that a photo may be reduced to, pixels."""

_SECONDS = 5.0  # between two writings of the record while photos are at work
_ALONE = 16_000_000  # pixels from which on a photo is worked on with no other in memory

Progress = Callable[[float, int, str], None]
"""Called with photos done (with a fraction while one is at work), photos in all, and the file at work or just done."""


@dataclass(frozen=True)
class Predictions:
    """What became of the photos.

    Attributes:
        folder: where the results lie.
        photos: a record a photo, in order, as `predictions.json` has them.
        failed: `file` and `reason` of each that could not be predicted.
        page: the page, where one was asked for.
    """

    folder: Path
    photos: tuple[dict[str, Any], ...]
    failed: tuple[dict[str, str], ...]
    page: Path | None = None


def predict(
    model: Path | str,
    photos: Sequence[Path | str] | Path | str,
    *,
    out: Path | str | None = None,
    size: int | None = None,
    report: bool = False,
    device: str = "auto",
    engine: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Predictions:
    """Use a trained network on photos.

    A network that gives masks sees a photo at about the scale that it was trained at: its longer side is reduced to
    `size`, by default one and a half times that of the training images. In a photo of 4,000 pixels a window is many
    times larger than any that a network trained with 256 pixels has seen, and is not recognised. Ask for more where
    a photo shows much more than a training image does: a street of three houses, not a house, wants three times the
    training images' side. Masks always have the photo's own size: the scores are enlarged before the highest is taken.
    What is large even so is asked about in overlapping tiles.

    A network that labels whole images sees the largest part of its images' proportions from the photo's middle, scaled
    to their size, in grey where it was trained in grey. Nothing is inverted: a network that has learned light things
    on black wants such photos. Probabilities are those at the temperature that the run was measured to need.

    One photo that cannot be read does not stop the others. Results of the same names are replaced. The record is
    written every few seconds and at the end, so that an interruption loses little.

    Args:
        model: a finished run folder, a file that `seamline export` wrote, or the name of a ready network, `facades` or
            `garments`.
        photos: files, folders (searched with all below them) and patterns such as `photos/*.jpg`, or one of these:
            JPEG, PNG, WebP, TIFF, of any size.
        out: folder for the results; by default `predictions/NAME` in the working folder, NAME being the model's.
        size: the most pixels that the longer side may have for the network, from 32; 0 leaves photos as they are.
            Smaller photos are not enlarged. Only for networks that give masks.
        report: also keep a small copy of each photo and write a page that shows everything.
        device: `auto`, `cpu`, `cuda` or `mps`.
        engine: what works out the scores, see `seamline.inference.predictor.load_model`; None takes the fastest there is.
        threads: threads of the processor to use; None leaves it to PyTorch.
        progress: called as the work goes on.

    Returns:
        What became of the photos.

    Raises:
        SeamlineError: there is no such model, device or engine, no photo or no place for the results, or the size is too
            small.
    """
    if size is not None and size != 0 and size < SMALLEST:
        raise SeamlineError(f"--max-side {size}: too small; use at least {SMALLEST}, or 0 for photos as they are")
    loaded = load_model(model, device=device, engine=engine, threads=threads)
    if size is not None and not loaded.segments:
        raise SeamlineError(f"--max-side {size}: is for masks, and {loaded.path} labels whole photos; leave it out")
    found = find_photos([photos] if isinstance(photos, str | Path) else photos)
    folder = Path(out) if out is not None else Path("predictions") / loaded.name
    results = Results(loaded, folder, default_size(loaded) if size is None else size, report)
    results.check_names(found.photos)
    failed = [{"file": name, "reason": reason} for name, reason in found.failed]
    done: list[dict[str, Any]] = []
    try:
        results.begin()
        _predict_all(results, found.photos, done, failed, progress)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(f"{folder}: cannot be written to ({reason}); name another folder with --out") from None
    page = None
    if report:
        from seamline.report.photos import write_photos_page

        page = write_photos_page(folder)
    return Predictions(folder, tuple(done), tuple(failed), page)


def default_size(model: Model) -> int:
    """Return the longer side that photos are reduced to where no size is asked for."""
    return max(SMALLEST, round(ENLARGED * max(model.image[:2])))


def _predict_all(
    results: Results,
    photos: Sequence[Photo],
    done: list[dict[str, Any]],
    failed: list[dict[str, str]],
    progress: Progress | None,
) -> None:
    """Predict photo after photo, adding to `done` and `failed`, and keep the record up to date."""
    told = progress or silent
    written = time.monotonic()
    decoded = _Decoded(photos)
    try:
        for number, photo in enumerate(photos):
            file = str(photo.file)
            told(number, len(photos), file)
            try:
                done.append(results.add(photo, decoded.take(number), partial(_part, told, number, len(photos), file)))
            except SeamlineError as error:
                failed.append({"file": file, "reason": str(error).removeprefix(f"{file}: ")})
            except (MemoryError, RuntimeError) as error:  # PyTorch's are RuntimeErrors
                if not is_out_of_memory(error):
                    raise
                failed.append({"file": file, "reason": "needs more memory than there is; use a smaller --max-side"})
            told(number + 1, len(photos), file)
            if time.monotonic() - written > _SECONDS:
                results.record(done, failed)
                written = time.monotonic()
    finally:
        decoded.close()
        results.record(done, failed)


def silent(done: float, total: int, file: str) -> None:
    """Tell nobody."""


def _part(told: Progress, number: int, total: int, file: str, part: int, parts: int) -> None:
    """Tell that of photo `number` so many parts are done; writing its files counts as one more."""
    told(number + part / (parts + 1), total, file)


class _Decoded:
    """Photos' pixels, taken in order; while one is at work, the next is decoded in a thread.

    After a large photo the next one waits until it is asked for, so that memory holds one large photo at a time.

    Args:
        photos: the photos.
    """

    def __init__(self, photos: Sequence[Photo]) -> None:
        self.photos = photos
        self.reader = ThreadPoolExecutor(1)
        self.coming: Future[NDArray[np.uint8]] | None = None

    def take(self, number: int) -> NDArray[np.uint8]:
        """Return photo `number`, (H, W, 3) uint8, and begin with the next.

        Raises:
            SeamlineError: it cannot be read.
        """
        present = self.coming or self._begin(number)
        self.coming = None
        small = True
        try:
            pixels = present.result()
            small = pixels.size < 3 * _ALONE
            if not small:
                give_back_freed_memory()
            return pixels
        finally:
            if small and number + 1 < len(self.photos):
                self.coming = self._begin(number + 1)

    def close(self) -> None:
        """End the thread; what it has not begun with is left."""
        self.reader.shutdown(cancel_futures=True)

    def _begin(self, number: int) -> Future[NDArray[np.uint8]]:
        file = self.photos[number].file
        return self.reader.submit(read_image, file, name=str(file))
