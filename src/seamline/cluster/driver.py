"""Lists the photos, gives the parts to Ray Data's workers, and keeps the manifest."""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seamline.cluster.storage import Place, find_place
from seamline.cluster.worker import ERRORS, LISTING, PHOTOS, Work, Worker, part_name, summary_of
from seamline.errors import SeamlineError, first_line
from seamline.inference.predict import Progress, default_size, silent
from seamline.inference.predictor import CALIBRATION, GRAPH, WEIGHTS, find_model, load_model

PART = 500
"""Photos in a part: what a worker that dies has to do again."""

_BLOCKS = 20_000  # pieces of work that Ray is given at most; a piece may hold several parts
_MODEL_FILES = ("run.json", WEIGHTS, CALIBRATION, GRAPH)
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Done:
    """What became of the photos.

    Attributes:
        out: where the results lie.
        photos: how many were predicted.
        errors: how many could not be.
        seconds: how long this call took.
        parts: how many parts this call predicted; the others were there.
    """

    out: str
    photos: int
    errors: int
    seconds: float
    parts: int


def predict_on_cluster(
    run: Path | str,
    photos: str,
    *,
    out: str | None = None,
    address: str = "local",
    size: int | None = None,
    part: int = PART,
    progress: Progress | None = None,
) -> Done:
    """Predict all photos of a folder or a bucket on the machines of a Ray cluster.

    A call that was interrupted goes on where it was: called again, it predicts the parts that are not there. The
    listing of the first call counts; photos that come later need another `out`.

    Args:
        run: a finished run folder, an exported network or the name of a ready one; only this machine needs it.
        photos: a folder that every machine sees, or an address such as `s3://BUCKET/FOLDER`.
        out: where the results go, a folder that every machine sees or an address; by default `predictions/RUN`.
        address: of the cluster, as `ray.init` takes it; `local` starts one on this machine, a worker a processor.
        size: see `seamline.predict`.
        part: photos in a part.
        progress: called with photos done, photos in all, and what was done last.

    Raises:
        SeamlineError: Ray is not installed or not to be reached, there is no finished run or no photo, or `out` holds
            results of another model, other settings or other photos.
    """
    begun = time.monotonic()
    model = load_model(run, device="cpu")
    if size is not None and not model.segments:
        raise SeamlineError(f"--max-side {size}: is for masks, and {model.path} labels whole photos; leave it out")
    folder = find_model(run)
    parts = [folder] if folder.is_file() else [folder / name for name in _MODEL_FILES if (folder / name).is_file()]
    files = {part.name: part.read_bytes() for part in parts}
    source, place = find_place(photos), find_place(out or str(Path("predictions") / model.name))
    seen_at = default_size(model) if size is None and model.segments else size or 0
    plan = {
        "model": str(run),
        "fingerprint": _fingerprint(files),
        "photos": source.uri,
        "size": seen_at if model.segments else None,
        "part": part,
    }
    if place.path == source.path or source.path.startswith(place.path + "/"):
        raise SeamlineError(f"{place.shown}: the photos lie there; name another place with --out")
    _agree(place, plan)
    counts = _listed(source, place, part)
    total = sum(counts)
    there = place.names(PHOTOS)
    todo = [number for number in range(len(counts)) if part_name(number) not in there]
    told = progress or silent
    done = _summaries(place, [number for number in range(len(counts)) if part_name(number) in there])
    _keep_manifest(place, plan, model.classes, done, len(counts), total)
    told(_photos_in(done), total, "")
    if todo:
        work = Work(source.anywhere, place.anywhere, files, seen_at, "cpu")
        for one in _worked(work, todo, address):
            done.append(one)
            told(_photos_in(done), total, part_name(int(one["part"])))
    _keep_manifest(place, plan, model.classes, done, len(counts), total)
    photos_done, errors = (int(sum(one[key] for one in done)) for key in ("photos", "errors"))
    return Done(place.shown, photos_done, errors, time.monotonic() - begun, len(todo))


def _worked(work: Work, todo: list[int], address: str) -> Iterator[dict[str, float]]:
    """Have the parts predicted; yield what is told of each as it is done, in any order."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data

    started = not ray.is_initialized()
    if started:
        where: dict[str, Any] = {"include_dashboard": False} if address == "local" else {"address": address}
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **where)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise SeamlineError(f"--ray-address {address}: cannot be reached ({first_line(error)})") from None
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        have: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        graphics = int(have.get("GPU", 0))
        workers = graphics or max(1, int(have.get("CPU", 1)))
        if graphics:
            work = Work(work.source, work.out, work.files, work.size, "cuda")
        blocks = [pa.table({"part": numbers}) for numbers in np.array_split(todo, min(len(todo), _BLOCKS))]
        told = ray.data.from_arrow(blocks).map_batches(
            Worker,
            fn_constructor_args=([ray.put(work)],),  # held here, so that a worker that is started again finds it
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(todo))),
            num_cpus=None if graphics else 1,
            num_gpus=1 if graphics else None,
        )
        yield from told.iter_rows()
    finally:
        if started:
            ray.shutdown()


def _agree(place: Place, plan: dict[str, Any]) -> None:
    """Refuse a place that holds results of something else."""
    try:
        with place.open(_MANIFEST) as file:
            before = json.loads(file.read())["plan"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SeamlineError(
            f"{place.shown}/{_MANIFEST}: cannot be read ({error}); name another place with --out"
        ) from None
    for key in ("fingerprint", "photos", "size", "part"):
        if before.get(key) != plan[key]:
            what = "model" if key == "fingerprint" else key
            shown = "" if key == "fingerprint" else f" ({before.get(key)} there, {plan[key]} here)"
            raise SeamlineError(f"{place.shown}: holds results of another {what}{shown}; name another place with --out")


def _listed(source: Place, place: Place, part: int) -> list[int]:
    """Return how many photos each part has; list them first where that has not been done."""
    try:
        with place.open(LISTING) as file:
            listing = pq.ParquetFile(file).metadata
            return [listing.row_group(number).num_rows for number in range(listing.num_row_groups)]
    except FileNotFoundError:
        pass
    counts = []
    schema = pa.schema([("file", pa.string())])
    with tempfile.NamedTemporaryFile(suffix=".parquet") as kept:
        photos = source.photos()
        with pq.ParquetWriter(kept.name, schema, compression="zstd") as writer:
            while some := list(islice(photos, part)):
                writer.write_table(pa.table({"file": some}, schema), row_group_size=part)
                counts.append(len(some))
        if not counts:
            raise SeamlineError(f"{source.shown}: holds no photo")
        place.write(place.below(LISTING), Path(kept.name).read_bytes())
    return counts


def _summaries(place: Place, numbers: list[int]) -> list[dict[str, float]]:
    """Return what the parts that are there say of themselves."""
    with ThreadPoolExecutor(16) as readers:
        told = readers.map(lambda number: summary_of(place.open(f"{PHOTOS}/{part_name(number)}")), numbers)
        return [{"part": number, **one} for number, one in zip(numbers, told, strict=True)]


def _keep_manifest(
    place: Place, plan: dict[str, Any], classes: tuple[str, ...], done: list[dict[str, float]], parts: int, total: int
) -> None:
    """Write `manifest.json`."""
    manifest = {
        "seamline": version("seamline"),
        "plan": plan,
        "classes": classes,
        "listed": total,
        "parts": {"listed": parts, "done": len(done)},
        "photos": int(sum(one["photos"] for one in done)),
        "errors": int(sum(one["errors"] for one in done)),
        "worker_seconds": round(float(sum(one["seconds"] for one in done)), 3),
        "files": {"listing": LISTING, "photos": f"{PHOTOS}/part-*.parquet", "errors": f"{ERRORS}/part-*.parquet"},
    }
    place.write(place.below(_MANIFEST), (json.dumps(manifest, indent=1) + "\n").encode())


def _photos_in(done: list[dict[str, float]]) -> float:
    """Return how many photos have been dealt with."""
    return float(sum(one["photos"] + one["errors"] for one in done))


def _fingerprint(files: dict[str, bytes]) -> str:
    """Return a digest of what decides the answers of a model."""
    parts = [hashlib.sha256(content).digest() for name, content in sorted(files.items()) if name != "run.json"]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]
