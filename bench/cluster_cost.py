"""Measure the cost of a photo on a cluster and extrapolate to a city and a country: docs/measurements/cluster-cost.md.

    SEAMLINE_DATA=... python bench/cluster_cost.py [--run RUN]

The photos are test images enlarged to the size of phone photos, with noise, so that decoding takes a realistic time.
The tables assume machines of the measured kind with all cores in use.
"""

import argparse
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seamline
from results_store import write_page, write_results
from seamline.cluster import predict_on_cluster
from seamline.cluster.storage import open_storage
from seamline.data.image_folder.unused import UnusedFiles
from seamline.data.image_io import read_image
from seamline.io import read_json
from seamline.models.devices import describe_machine

PHOTOS = {"1 megapixel": ((1152, 864), 240), "12 megapixels": ((4032, 3024), 48)}
"""Size of the photos -> width and height, and number of photos."""
LISTED = 100_000  # empty files, to measure the time of a listing
CITY, COUNTRY = 10_000_000, 1_000_000_000
NIGHT = 12 * 3600


@dataclass(frozen=True)
class Cost:
    """Time and size of one photo.

    Attributes:
        worker: seconds of a worker on one core, including reading and writing.
        decode: seconds of these for decoding.
        photo: bytes of the photo.
        row: bytes of its row in the results.
    """

    worker: float
    decode: float
    photo: float
    row: float


def make_photos(folder: Path, size: tuple[int, int], count: int) -> None:
    """Enlarge test images to photos, with sensor noise."""
    data = seamline.load_dataset("facades")
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        image = Image.fromarray(data.test.images[number % len(data.test)]).resize(size, Image.Resampling.BICUBIC)
        noise = rng.normal(0, 4, (size[1], size[0], 1))
        pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.jpg", quality=90)


def cost_of(run: Path, folder: Path) -> Cost:
    """Predict the photos of a folder on a local cluster; return the cost of one."""
    out = folder.with_name(folder.name + "-out")
    predict_on_cluster(run, str(folder), out=str(out), shard_size=12)
    manifest = read_json(out / "manifest.json")
    files = sorted(folder.glob("*.jpg"))
    start = time.perf_counter()
    for file in files[:12]:
        read_image(file)
    decode = (time.perf_counter() - start) / 12
    rows = sum(file.stat().st_size for file in (out / "photos").iterdir())
    count = len(files)
    photo = sum(file.stat().st_size for file in files) / count
    return Cost(manifest["worker_seconds"] / count, decode, photo, rows / count)


def listing_cost(folder: Path) -> tuple[float, int]:
    """Return seconds per photo of a listing of many files, and the bytes of a path."""
    for number in range(LISTED):
        folder_of_kind = folder / f"{number // 1000:04}"
        if number % 1000 == 0:
            folder_of_kind.mkdir(parents=True)
        (folder_of_kind / f"{number:08}.jpg").touch()
    start = time.perf_counter()
    paths = list(open_storage(str(folder)).iter_photos(UnusedFiles()))
    seconds = time.perf_counter() - start
    shutil.rmtree(folder)
    return seconds / len(paths), len(paths[0])


def measure(run: Path) -> dict[str, Any]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for kind, (size, count) in PHOTOS.items():
            folder_of_kind = Path(folder) / kind.replace(" ", "-")
            make_photos(folder_of_kind, size, count)
            costs[kind] = vars(cost_of(run, folder_of_kind))
        listing, _ = listing_cost(Path(folder) / "listing")
    machine = describe_machine(torch.device("cpu"))
    return {"costs": costs, "listing": listing, "machine": machine, "cores": os.cpu_count(), "run": run.name}


def page(results: dict[str, Any]) -> str:
    """Return docs/measurements/cluster-cost.md."""
    head = "| photo size | time per photo, one core | of which decoding | size of a photo | size of its results |\n| --- | --- | --- | --- | --- |"
    costs = {kind: Cost(**cost) for kind, cost in results["costs"].items()}
    measured = [
        f"| {kind} | {1000 * cost.worker:.0f} ms | {1000 * cost.decode:.0f} ms | {cost.photo / 1e6:.2f} MB | "
        f"{cost.row / 1e3:.1f} kB |"
        for kind, cost in costs.items()
    ]
    extrapolated = ["| | core hours | 32-core machines for one night (12 h) | photos | results | listing |"]
    extrapolated.append("| --- | --- | --- | --- | --- | --- |")
    for title, count in (("city, 10 million", CITY), ("country, 1,000 million", COUNTRY)):
        for kind, cost in costs.items():
            hours = count * cost.worker / 3600
            machines = int(np.ceil(count * cost.worker / (32 * NIGHT)))
            extrapolated.append(
                f"| {title} of {kind} | {hours:,.0f} | {machines:,} | {size(count * cost.photo)} | "
                f"{size(count * cost.row)} | {clock(count * results['listing'])} |"
            )
    large = costs["12 megapixels"]
    rate = 32 / large.worker
    fraction = 1 - costs["1 megapixel"].worker / large.worker
    return f"""# Cluster cost estimate

`seamline predict RUN s3://BUCKET/PHOTOS --ray-address ADDRESS --out s3://BUCKET/RESULTS` predicts on a Ray cluster. Each worker has one core (or one GPU), reads and decodes photos ahead of the model, and writes a Parquet file for every 500 photos, with one row per photo: its size, the fraction of each class and the run-length encoded mask. The manifest records the finished shards; to resume an interrupted call, repeat it.

## Measured

`make bench-cluster` with `SEAMLINE_DATA` set runs the model `{results["run"]}` on test images that are enlarged and given sensor noise, predicted at 384 pixels on the longer side, on a Ray cluster of {results["cores"]} workers on {results["machine"]}. The time per photo is that of the worker: reading, decoding, model, mask at full size, writing.

{head}
{chr(10).join(measured)}

Listing {LISTED:,} files in folders of 1,000 took {1e6 * results["listing"]:.0f} µs per file. A bucket returns 1,000 names in about 0.1 s, which is about 100 µs per file.

## Extrapolation

The table assumes the same cost per photo, cores of the same speed, all of them busy, and linear scaling: workers share only the bucket, and a shard costs the driver one small message.

{chr(10).join(extrapolated)}

A 32-core machine processes {rate:,.0f} photos of 12 megapixels per second, {rate * large.photo / 1e6:,.0f} MB/s; a 10 Gbit/s network (1,250 MB/s) {"is enough" if rate * large.photo < 1.25e9 else "is not enough"}. The model runs at 384 pixels whatever the size of the photo, so {fraction:.0%} of the time of a large photo is due to its size: decoding it, resizing the mask to full size, encoding and writing it. Storing photos at 1 megapixel saves this time; a GPU can save at most the rest.

## Bottlenecks

1. **The listing** is made by one process before the first prediction: {clock(CITY * results["listing"])} for a city is negligible, {clock(COUNTRY * results["listing"])} for a country is not, and every worker reads the resulting file. Above about 100 million photos, make one call per region, each with its own `--out`.
2. **The driver** holds one record per finished shard: {CITY // 500:,} for a city, {COUNTRY // 500:,} for a country, which are passed to Ray in 20,000 blocks. This is another reason to split a country into regions.
3. **The bucket**: {rate * 10:,.0f} reads per second from ten machines are within the documented limit of one S3 prefix (5,500 per second). From a hundred machines on, distribute the photos over several prefixes.
4. **A shard that always crashes its worker** (a photo that crashes a decoder, or too little memory) is retried without end. Stop the call; the shard is the one missing in `photos/`. No such photo is known.
5. **Photos added later** are not part of a resumed call, which uses the first listing. Predict them with another `--out`.

The tests (`tests/cluster/test_cluster.py`) cover two workers on one machine, 5,000 photos, killed workers and drivers, and a bucket served on localhost. Several machines and GPUs have not been tested.
"""


def size(count: float) -> str:
    """Return a number of bytes as text."""
    for unit, scale in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e6:,.0f} MB"


def clock(seconds: float) -> str:
    """Return seconds as text."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/scale/facades-fast"), help="trained if it is not there")
    options = parser.parse_args()
    if not (options.run / "model.safetensors").is_file():
        seamline.train("facades", preset="fast", epochs=1, out=options.run, resume=True)
    results = measure(options.run)
    write_results("cluster-cost", results)
    write_page("cluster-cost", page(results))


if __name__ == "__main__":
    main()
