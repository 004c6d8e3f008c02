"""What each worker does: a part of the photos -> a part of the results."""

import io
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from seamline.cluster.rle import to_runs
from seamline.cluster.storage import find_place
from seamline.data.image_io import read_image
from seamline.data.limits import is_out_of_memory
from seamline.data.preprocess import center_crop_resize
from seamline.errors import SeamlineError
from seamline.inference.predict_one import mask_of, shares_of
from seamline.inference.predictor import Model, load_model
from seamline.models.devices import tune_malloc

LISTING = "listing.parquet"
PHOTOS, ERRORS = "photos", "errors"
_READERS = 4  # threads that read and decode while the network is at work
_AHEAD = 16  # photos that may wait for it
_TOGETHER = 256  # photos that a network of whole images is asked about at once


def part_name(number: int) -> str:
    """Return the name of the file of a part."""
    return f"part-{number:06d}.parquet"


@dataclass(frozen=True)
class Work:
    """What is the same for all parts.

    Attributes:
        source: where the photos lie.
        out: where the results go.
        files: the model's files, name -> bytes, so that a worker needs no disk that others see.
        size: the most pixels on a photo's longer side for a network that gives masks; 0 for no limit.
        device: where the networks work.
    """

    source: str
    out: str
    files: Mapping[str, bytes]
    size: int
    device: str


class Worker:
    """Predicts parts, one at a time."""

    def __init__(self, held: Sequence[Any]) -> None:
        """Get ready: `held` is a Ray reference to the `Work`, in a list so that Ray hands it on as it is."""
        import ray

        tune_malloc()
        self.work = work = ray.get(held[0])
        self.source, self.out = find_place(work.source), find_place(work.out)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in work.files.items():
                Path(folder, name).write_bytes(content)
            place = folder if len(work.files) > 1 else Path(folder, *work.files)
            self.model = load_model(place, device=work.device, threads=1)  # there is a worker for each processor
        self.readers = ThreadPoolExecutor(_READERS)

    def __call__(self, batch: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
        """Predict the parts whose numbers are in the column `part`; return what `summary_of` says of each."""
        told = [self._part(int(number)) for number in batch["part"]]
        return {key: np.array([one[key] for one in told]) for key in ("part", "photos", "errors", "seconds")}

    def _part(self, number: int) -> dict[str, float]:
        """Predict a part, unless its file is there: another worker may have died after writing it."""
        name = part_name(number)
        with suppress(FileNotFoundError):
            return {"part": number, **summary_of(self.out.open(f"{PHOTOS}/{name}"))}
        begun = time.perf_counter()
        with self.out.open(LISTING) as file:
            paths = pq.ParquetFile(file).read_row_group(number)["file"].to_pylist()
        rows: list[dict[str, Any]] = []
        failed: list[dict[str, str]] = []
        for row, reason in self._predicted(paths):
            if reason is None:
                rows.append(row)
            else:
                failed.append({"file": row["file"], "reason": reason})
        if failed:
            table = pa.Table.from_pylist(failed, pa.schema([("file", pa.string()), ("reason", pa.string())]))
            self.out.write(self.out.below(ERRORS, name), _parquet(table))
        told = {"photos": len(rows), "errors": len(failed), "seconds": time.perf_counter() - begun}
        table = pa.Table.from_pylist(rows, schema_of(self.model))
        table = table.replace_schema_metadata({key: str(value) for key, value in told.items()})
        self.out.write(self.out.below(PHOTOS, name), _parquet(table))  # last: it says that the part is done
        return {"part": number, **told}

    def _predicted(self, paths: list[str]) -> Iterator[tuple[dict[str, Any], str | None]]:
        """Yield a row for each photo, or its name and why there is none."""
        whole = not self.model.segments
        waiting: list[tuple[dict[str, Any], NDArray[np.uint8]]] = []
        for path, pixels, reason in self._read(paths):
            if pixels is None:
                yield {"file": path}, reason
                continue
            row = {"file": path, "height": pixels.shape[0], "width": pixels.shape[1]}
            if whole:
                waiting.append((row, center_crop_resize(pixels, self.model.image)))
                if len(waiting) == _TOGETHER:
                    yield from self._labelled(waiting)
                    waiting = []
                continue
            try:
                yield {**row, **self._masked(pixels)}, None
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                yield row, "needs more memory than there is; use a smaller --max-side"
        yield from self._labelled(waiting)

    def _read(self, paths: list[str]) -> Iterator[tuple[str, NDArray[np.uint8] | None, str | None]]:
        """Yield each photo's path with its pixels, or with the reason why there are none; a few are read ahead."""
        todo = iter(paths)
        coming = [(path, self.readers.submit(self._pixels, path)) for path in islice(todo, _AHEAD)]
        while coming:
            path, future = coming.pop(0)
            coming += [(other, self.readers.submit(self._pixels, other)) for other in islice(todo, 1)]
            try:
                yield path, future.result(), None
            except SeamlineError as error:
                yield path, None, str(error).removeprefix(f"{path}: ")
            except OSError as error:
                yield path, None, (error.strerror or str(error) or type(error).__name__).splitlines()[0]
            except MemoryError:
                yield path, None, "needs more memory than there is"

    def _pixels(self, path: str) -> NDArray[np.uint8]:
        return read_image(self.source.read(path), name=path)

    def _labelled(
        self, photos: list[tuple[dict[str, Any], NDArray[np.uint8]]]
    ) -> Iterator[tuple[dict[str, Any], str | None]]:
        """Yield rows with label and probabilities, all photos asked about together."""
        if not photos:
            return
        probabilities = self.model.probabilities(self.model.ask(np.stack([image for _, image in photos])))
        for (row, _), ours in zip(photos, probabilities, strict=True):
            likeliest = int(ours.argmax())
            names = [f"probability.{name}" for name in self.model.classes]
            yield (
                {
                    **row,
                    "label": self.model.classes[likeliest],
                    "probability": float(ours[likeliest]),
                    **dict(zip(names, ours.tolist(), strict=True)),
                },
                None,
            )

    def _masked(self, pixels: NDArray[np.uint8]) -> dict[str, Any]:
        """Return a photo's mask as runs, and each class's share of it."""
        mask = mask_of(self.model, pixels, self.work.size)
        shares = {f"share.{name}": share for name, share in shares_of(self.model, mask).items()}
        values, lengths = to_runs(mask)
        return {**shares, "mask_values": values, "mask_lengths": lengths}


def schema_of(model: Model) -> pa.Schema:
    """Return the columns of a part's table."""
    columns = [("file", pa.string()), ("height", pa.int32()), ("width", pa.int32())]
    if model.segments:
        columns += [(f"share.{name}", pa.float64()) for name in model.classes]
        columns += [("mask_values", pa.list_(pa.uint8())), ("mask_lengths", pa.list_(pa.uint32()))]
    else:
        columns += [("label", pa.string()), ("probability", pa.float64())]
        columns += [(f"probability.{name}", pa.float64()) for name in model.classes]
    return pa.schema(columns)


def summary_of(file: Any) -> dict[str, float]:
    """Return what the file of a part says of itself: numbers of `photos` and `errors`, and the `seconds` it took."""
    with file:
        told = pq.read_schema(file).metadata
    return {"photos": int(told[b"photos"]), "errors": int(told[b"errors"]), "seconds": float(told[b"seconds"])}


def _parquet(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
