"""Gives the shards of the photos to workers of Ray Data."""

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import pyarrow as pa

from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.cluster.manifest import Manifest
from seamline.cluster.storage import open_storage
from seamline.cluster.worker import Job, Worker, shard_name
from seamline.errors import SeamlineError, first_line
from seamline.inference.predict import Progress, ignore_progress
from seamline.inference.predictor import Predictor, find_model, load_model
from seamline.run_folder import RunFolder, UnusedData

SHARD_SIZE = 500
"""Photos in a shard, whose work is lost if its worker dies."""

_MAX_BLOCKS = 20_000  # blocks that Ray gets at most; a block may hold several shards


@dataclass(frozen=True)
class Summary:
    """The outcome of a call."""

    out: str  # address of the results
    photos: int  # number of photos predicted or measured, in all calls
    errors: int  # number of photos that could not be
    seconds: float  # duration of this call
    shards: int  # shards that this call wrote; the others existed
    unused: tuple[UnusedData, ...]  # files beside the photos, by kind, and parts of photos that are not used
    warnings: tuple[str, ...]  # sentences about unusual photos


class ClusterOptions(TypedDict, total=False):
    """Where work on a cluster runs, and where its results go."""

    out: str | None
    """Folder or address of the results, as for the photos; by default `predictions/NAME` or `measures/NAME`."""
    address: str
    """Address of the cluster, as `ray.init` takes it; `local`, the default, starts one on this machine."""
    shard_size: int
    """Photos in a shard."""
    progress: Progress | None
    """Called with the number of photos done, their total, and the last shard."""


def predict_on_cluster(
    model: Path | str, photos: str, *, max_side: int | None = None, **options: Unpack[ClusterOptions]
) -> Summary:
    """Predict all photos of a folder or a bucket on the machines of a Ray cluster.

    A repeated call resumes an interrupted one: it predicts the shards that do not exist. The photos are those that the
    first call listed; photos that are added later need another `out`.

    Args:
        model: a finished run folder, an exported file or the name of a pretrained model; only this machine needs it.
        photos: a folder that every machine has, or an address such as `s3://BUCKET/FOLDER`.
        max_side: see `Predictor`.
        **options: see `ClusterOptions`.

    Returns:
        The outcome.

    Raises:
        SeamlineError: Ray is not installed or cannot be reached, there is no such model or no photo, or `out` holds
            results of another model, other settings or other photos.
    """
    predictor = load_model(model, device="cpu")
    predictor.check_max_side(max_side)
    if predictor.task == "segmentation" and max_side is None:
        max_side = predictor.default_max_side
    header = {"classes": predictor.classes}
    return _run(_Work(model, predictor, {"max_side": max_side}, header, max_side=max_side), photos, **options)


def measure_on_cluster(
    model: Path | str, photos: str, *, measuring: MeasureOptions | None = None, **options: Unpack[ClusterOptions]
) -> Summary:
    """Measure the buildings in all photos of a folder or a bucket on the machines of a Ray cluster.

    A repeated call resumes an interrupted one, as for `predict_on_cluster`. Pictures and drawings are not written.

    Args:
        model: as for `predict_on_cluster`; a segmenter with classes for facade and window.
        photos: as for `predict_on_cluster`.
        measuring: scale, azimuth and so on; no corners, which are those of one photo.
        **options: see `ClusterOptions`.

    Returns:
        The outcome.

    Raises:
        SeamlineError: as for `predict_on_cluster`, or the model has no class for facade or window, or an option does
            not fit.
    """
    measuring = measuring or MeasureOptions()
    if measuring.corners is not None:
        raise SeamlineError("--corners: are those of one photo; measure it without --ray-address")
    measurer = Measurer.of(load_model(model, device="cpu"), measuring)
    level = measurer.calibration.level if measurer.calibration else None
    header = {"classes": measurer.predictor.classes, "roles": measurer.roles.by_class, "level": level}
    return _run(_Work(model, measurer.predictor, measuring.settings, header, measuring=measuring), photos, **options)


@dataclass(frozen=True)
class _Work:
    """What is done with each photo."""

    model: Path | str
    predictor: Predictor
    settings: dict[str, Any]  # options that decide the results
    header: dict[str, Any]  # what else the manifest says
    max_side: int | None = None
    measuring: MeasureOptions | None = None  # None for prediction

    @property
    def command(self) -> str:
        return "predict" if self.measuring is None else "measure"

    @property
    def default_out(self) -> str:
        return str(Path("predictions" if self.measuring is None else "measures") / self.predictor.name)


def _run(
    work: _Work,
    photos: str,
    *,
    out: str | None = None,
    address: str = "local",
    shard_size: int = SHARD_SIZE,
    progress: Progress | None = None,
) -> Summary:
    """Do the work on all photos of a folder or a bucket, except in shards that exist."""
    started = time.monotonic()
    source, storage = open_storage(photos), open_storage(out or work.default_out)
    if storage.path == source.path or source.path.startswith(storage.path + "/"):
        raise SeamlineError(f"{storage.display_uri}: contains the photos; name another folder with --out")
    files = _model_files(find_model(work.model), measuring=work.measuring is not None)
    config = {
        "command": work.command,
        "model": str(work.model),
        "fingerprint": _fingerprint(files),
        "photos": source.uri,
        **work.settings,
        "shard_size": shard_size,
    }
    manifest = Manifest(storage, config, work.header, work.predictor.novelty_unavailable)
    remaining = manifest.load(source, shard_size)
    manifest.write()
    progress = progress or ignore_progress
    progress(manifest.done, manifest.listed, "")
    job = Job(source.absolute_uri, storage.absolute_uri, files, work.max_side, "cpu", work.measuring)
    for summary in _run_workers(job, remaining, address) if remaining else ():
        manifest.summaries.append(summary)
        progress(manifest.done, manifest.listed, shard_name(int(summary["shard"])))
    manifest.write()
    storage.remove_temp_files()
    totals = manifest.total("photos"), manifest.total("errors")
    seconds = time.monotonic() - started
    return Summary(storage.display_uri, *totals, seconds, len(remaining), manifest.unused, manifest.warnings)


def _run_workers(job: Job, shards: list[int], address: str) -> Iterator[dict[str, Any]]:
    """Do the shards on the cluster; yield their summaries as they are done, in any order."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data

    initialized = ray.is_initialized()
    if not initialized:
        where: dict[str, Any] = {"include_dashboard": False} if address == "local" else {"address": address}
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **where)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise SeamlineError(f"--ray-address {address}: cannot be reached ({first_line(error)})") from None
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(resources.get("GPU", 0))
        workers = gpus or max(1, int(resources.get("CPU", 1)))
        reference = ray.put(replace(job, device="cuda") if gpus else job)  # for restarted workers
        blocks = [pa.table({"shard": part}) for part in np.array_split(shards, min(len(shards), _MAX_BLOCKS))]
        summaries = ray.data.from_arrow(blocks).map_batches(
            Worker,
            fn_constructor_args=([reference],),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(shards))),
            num_cpus=None if gpus else 1,
            num_gpus=1 if gpus else None,
        )
        yield from summaries.iter_rows()
    finally:
        if not initialized:
            ray.shutdown()


def _model_files(path: Path, *, measuring: bool) -> dict[str, bytes]:
    """Return the files of a model that predicting or measuring needs, name -> content."""
    folder = RunFolder(path)
    names = [folder.info.path, folder.weights_file, folder.calibration.path, folder.novelty.path, folder.onnx_file()]
    names += [folder.building_calibration.path] if measuring else []
    files = [path] if path.is_file() else [file for file in names if file.is_file()]
    return {file.name: file.read_bytes() for file in files}


def _fingerprint(files: dict[str, bytes]) -> str:
    """Return a digest of what a model's results depend on."""
    digests = [hashlib.sha256(content).digest() for name, content in sorted(files.items()) if name != "run.json"]
    return hashlib.sha256(b"".join(digests)).hexdigest()[:16]
