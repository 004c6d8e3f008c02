"""The work of one process of the cluster: a shard of the photos -> a shard of the results."""

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

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from seamline.buildings.camera import Camera, read_camera
from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.cluster.fronts import FRONT_SCHEMA, front_rows
from seamline.cluster.rle import rle_encode
from seamline.cluster.storage import open_storage
from seamline.data.image_io import PhotoPixels, read_photo
from seamline.data.limits import is_out_of_memory
from seamline.data.pixel_meaning import TraitCounts
from seamline.errors import SeamlineError
from seamline.inference.predict import OUT_OF_MEMORY
from seamline.inference.prediction import Prediction
from seamline.inference.predictor import Predictor, load_model
from seamline.models.devices import tune_malloc

INDEX = "index.parquet"
PHOTOS, ERRORS = "photos", "errors"
_READERS = 4  # threads that read and decode while the model runs
_PREFETCH = 16  # decoded photos that may wait for the model
_BATCH = 256  # photos of a classifier
_FRACTIONS = ("fraction", "fraction_low", "fraction_high")  # columns of each class: a fraction and its interval

Row = dict[str, Any]
Summary = dict[str, Any]
_SUMMARY = {"photos": float, "errors": float, "seconds": float, "traits": str}


def shard_name(index: int) -> str:
    """Return the file name of a shard."""
    return f"shard-{index:06d}.parquet"


@dataclass(frozen=True)
class Job:
    """The work that all shards share."""

    source: str  # address of the photos
    out: str  # address of the results
    files: Mapping[str, bytes]  # the model's files, name -> content, so that workers need no shared disk
    max_side: int | None  # see `Predictor`; that of measuring is in its options
    device: str  # where the models run
    measuring: MeasureOptions | None = None  # how buildings are measured; None predicts photos


class Worker:
    """Predicts or measures the photos of shards, one shard at a time.

    Args:
        job: a Ray reference to the `Job`, in a list so that Ray passes it on as it is.
    """

    def __init__(self, job: Sequence[Any]) -> None:
        import ray

        tune_malloc()
        cv2.setNumThreads(1)  # there is a worker for each processor
        self.job: Job = ray.get(job[0])
        self.source, self.out = open_storage(self.job.source), open_storage(self.job.out)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.job.files.items():
                Path(folder, name).write_bytes(content)
            path = folder if len(self.job.files) > 1 else Path(folder, *self.job.files)
            self.predictor = load_model(path, device=self.job.device, threads=1)
            self.measurer = None if self.job.measuring is None else Measurer.of(self.predictor, self.job.measuring)
        self.readers = ThreadPoolExecutor(_READERS)

    def __call__(self, batch: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
        """Do the shards whose indices are in the column `shard`; return the `shard_summary` of each."""
        summaries = [self._do_shard(int(index)) for index in batch["shard"]]
        return {key: np.array([one[key] for one in summaries]) for key in ("shard", *_SUMMARY)}

    def _do_shard(self, index: int) -> Summary:
        """Write a shard, unless its file is there: another worker may have died after writing it."""
        name = shard_name(index)
        with suppress(FileNotFoundError):
            return {"shard": index, **shard_summary(self.out.open(f"{PHOTOS}/{name}"))}
        started = time.perf_counter()
        with self.out.open(INDEX) as file:
            paths = pq.ParquetFile(file).read_row_group(index)["file"].to_pylist()
        photos: list[list[Row]] = []
        errors: list[Row] = []
        traits = TraitCounts()
        for rows in self._rows_by_photo(paths, traits):
            if any("reason" in row for row in rows):
                errors += rows
            else:
                photos.append(rows)
        if errors:
            table = pa.Table.from_pylist(errors, pa.schema([("file", pa.string()), ("reason", pa.string())]))
            self.out.write(self.out.join(ERRORS, name), _to_parquet(table))
        seconds = time.perf_counter() - started
        summary = {"photos": len(photos), "errors": len(errors), "seconds": seconds, "traits": traits.to_json()}
        schema = FRONT_SCHEMA if self.measurer else shard_schema(self.predictor)
        table = pa.Table.from_pylist([row for rows in photos for row in rows], schema)
        table = table.replace_schema_metadata({key: str(value) for key, value in summary.items()})
        self.out.write(self.out.join(PHOTOS, name), _to_parquet(table))  # last, because it marks the shard as done
        return {"shard": index, **summary}

    def _rows_by_photo(self, paths: list[str], traits: TraitCounts) -> Iterator[list[Row]]:
        """Yield the rows of each photo, one with the `reason` where there are no results; count traits of photos."""
        batch: list[tuple[Row, NDArray[np.uint8]]] = []
        for path, photo in self._read(paths):
            if isinstance(photo, str):
                yield [{"file": path, "reason": photo}]
                continue
            traits.add(path, photo.image.traits)
            if self.predictor.task == "classification":
                batch.append((_size(path, photo), self.predictor.preprocess(photo.image.pixels)))
                if len(batch) == _BATCH:
                    yield from self._classify(batch)
                    batch = []
                continue
            try:
                yield self._rows(path, photo)
            except SeamlineError as error:
                yield [{"file": path, "reason": str(error).removeprefix(f"{path}: ")}]
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                yield [{"file": path, "reason": OUT_OF_MEMORY}]
        yield from self._classify(batch)

    def _rows(self, path: str, photo: "_Photo") -> list[Row]:
        """Return the rows of a photo: one with its mask, or one for each of its fronts.

        Raises:
            SeamlineError: it shows no building.
        """
        if self.measurer is not None:
            return front_rows(self.measurer, path, photo.image.pixels, photo.camera)
        return [_size(path, photo) | _columns(self.predictor(photo.image.pixels, max_side=self.job.max_side))]

    def _classify(self, batch: Sequence[tuple[Row, NDArray[np.uint8]]]) -> Iterator[list[Row]]:
        """Yield the row of each preprocessed photo; the model gets them in one batch."""
        predictions = self.predictor([image for _, image in batch])
        yield from ([row | _columns(one)] for (row, _), one in zip(batch, predictions, strict=True))

    def _read(self, paths: list[str]) -> "Iterator[tuple[str, _Photo | str]]":
        """Yield each path with its photo, or with the reason why it cannot be read; a few are read ahead."""
        remaining = iter(paths)
        pending = [(path, self.readers.submit(self._read_photo, path)) for path in islice(remaining, _PREFETCH)]
        while pending:
            path, future = pending.pop(0)
            pending += [(other, self.readers.submit(self._read_photo, other)) for other in islice(remaining, 1)]
            try:
                yield path, future.result()
            except SeamlineError as error:
                yield path, str(error).removeprefix(f"{path}: ")
            except OSError as error:
                yield path, (error.strerror or str(error) or type(error).__name__).splitlines()[0]
            except MemoryError:
                yield path, "not enough memory"

    def _read_photo(self, path: str) -> "_Photo":
        content = self.source.read(path)
        image = read_photo(content, name=path, depth=self.predictor.bit_depth)
        return _Photo(image, read_camera(content) if self.measurer else Camera())


@dataclass(frozen=True)
class _Photo:
    """A photo that has been read."""

    image: PhotoPixels
    camera: Camera  # only for measuring


def shard_schema(predictor: Predictor) -> pa.Schema:
    """Return the columns of the table of a shard that is predicted."""
    columns = [("file", pa.string()), ("height", pa.int32()), ("width", pa.int32()), ("novelty", pa.float64())]
    if predictor.task == "segmentation":
        columns += [(f"{kind}.{name}", pa.float64()) for kind in _FRACTIONS for name in predictor.classes]
        columns += [("mask_values", pa.list_(pa.uint8())), ("mask_lengths", pa.list_(pa.uint32()))]
    else:
        columns += [("label", pa.string()), ("probability", pa.float64())]
        columns += [(f"probability.{name}", pa.float64()) for name in predictor.classes]
    return pa.schema(columns)


def _size(path: str, photo: _Photo) -> Row:
    """Return the columns of a photo that do not depend on the model."""
    height, width = photo.image.pixels.shape[:2]
    return {"file": path, "height": height, "width": width}


def _columns(prediction: Prediction) -> Row:
    """Return the columns of a prediction."""
    if prediction.mask is None:
        probabilities = {f"probability.{name}": value for name, value in prediction.probabilities.items()}
        label = {"label": prediction.label, "probability": prediction.probability}
        return {"novelty": prediction.novelty, **label, **probabilities}
    values, lengths = rle_encode(prediction.mask)
    row: Row = {"novelty": prediction.novelty, "mask_values": values, "mask_lengths": lengths}
    for name, value in prediction.fractions.items():
        ends = prediction.intervals.get(name, (None, None))
        row |= zip((f"{kind}.{name}" for kind in _FRACTIONS), (value, *ends), strict=True)
    return row


def shard_summary(file: Any) -> Summary:
    """Return what the file of a shard says of itself.

    These are its numbers of photos and errors, the seconds it took, and the counts of unusual photos as JSON.
    """
    with file:
        metadata = pq.read_schema(file).metadata
    return {name: convert(metadata[name.encode()].decode()) for name, convert in _SUMMARY.items()}


def _to_parquet(table: pa.Table) -> bytes:
    """Return a table as the content of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
