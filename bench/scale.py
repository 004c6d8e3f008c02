"""Measures what a photo costs on a cluster, and works out a city and a country: docs/measurements/cluster-cost.md.

    SEAMLINE_DATA=... python bench/scale.py [--run RUN]

Photos are made of the test set's: enlarged to the size of a phone's, with noise, so that decoding costs what it does.
Machines of the tables are of the kind measured, all cores at work.
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
from seamline.cluster.storage import find_place
from seamline.data.image_io import read_image
from seamline.io import read_json
from seamline.models.devices import describe_machine

KINDS = {"1 megapixel": ((1152, 864), 240), "12 megapixels": ((4032, 3024), 48)}
"""What photos are made: width and height, and how many."""
LISTED = 100_000  # empty files, to see what a listing costs
CITY, COUNTRY = 10_000_000, 1_000_000_000
NIGHT = 12 * 3600


@dataclass(frozen=True)
class Cost:
    """What one photo costs.

    Attributes:
        worker: seconds of one worker on one core, reading and writing included.
        decode: of these, seconds to decode it.
        photo: bytes of the photo.
        row: bytes of its row in the results.
    """

    worker: float
    decode: float
    photo: float
    row: float


def make_photos(folder: Path, size: tuple[int, int], count: int) -> None:
    """Enlarge test images to photos, with the grain of a sensor."""
    data = seamline.load("facades")
    chance = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        image = Image.fromarray(data.test.images[number % len(data.test)]).resize(size, Image.Resampling.BICUBIC)
        grain = chance.normal(0, 4, (size[1], size[0], 1))
        pixels = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.jpg", quality=90)


def cost_of(run: Path, folder: Path) -> Cost:
    """Predict the photos of a folder on a local cluster; return what one costs."""
    out = folder.with_name(folder.name + "-out")
    predict_on_cluster(run, str(folder), out=str(out), part=12)
    manifest = read_json(out / "manifest.json")
    files = sorted(folder.glob("*.jpg"))
    begun = time.perf_counter()
    for file in files[:12]:
        read_image(file)
    decode = (time.perf_counter() - begun) / 12
    rows = sum(file.stat().st_size for file in (out / "photos").iterdir())
    count = len(files)
    photo = sum(file.stat().st_size for file in files) / count
    return Cost(manifest["worker_seconds"] / count, decode, photo, rows / count)


def listing_cost(folder: Path) -> tuple[float, int]:
    """Return the seconds that a listing of many files takes, a photo, and the bytes of a path."""
    for number in range(LISTED):
        place = folder / f"{number // 1000:04}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
        (place / f"{number:08}.jpg").touch()
    begun = time.perf_counter()
    found = list(find_place(str(folder)).photos())
    seconds = time.perf_counter() - begun
    shutil.rmtree(folder)
    return seconds / len(found), len(found[0])


def figures(run: Path) -> dict[str, Any]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for kind, (size, count) in KINDS.items():
            place = Path(folder) / kind.replace(" ", "-")
            make_photos(place, size, count)
            costs[kind] = vars(cost_of(run, place))
        listing, _ = listing_cost(Path(folder) / "listing")
    machine = describe_machine(torch.device("cpu"))
    return {"costs": costs, "listing": listing, "machine": machine, "cores": os.cpu_count(), "run": run.name}


def page(found: dict[str, Any]) -> str:
    """Return docs/measurements/cluster-cost.md."""
    head = "| photos of | one core, a photo | of it decoding | a photo | its results |\n| --- | --- | --- | --- | --- |"
    costs = {kind: Cost(**cost) for kind, cost in found["costs"].items()}
    measured = [
        f"| {kind} | {1000 * cost.worker:.0f} ms | {1000 * cost.decode:.0f} ms | {cost.photo / 1e6:.2f} MB | "
        f"{cost.row / 1e3:.1f} kB |"
        for kind, cost in costs.items()
    ]
    worked = ["| | core hours | machines of 32 cores for one night (12 h) | photos | results | listing |"]
    worked.append("| --- | --- | --- | --- | --- | --- |")
    for words, count in (("city, 10 million", CITY), ("country, 1,000 million", COUNTRY)):
        for kind, cost in costs.items():
            hours = count * cost.worker / 3600
            machines = int(np.ceil(count * cost.worker / (32 * NIGHT)))
            worked.append(
                f"| {words} of {kind} | {hours:,.0f} | {machines:,} | {size(count * cost.photo)} | "
                f"{size(count * cost.row)} | {clock(count * found['listing'])} |"
            )
    large = costs["12 megapixels"]
    rate = 32 / large.worker
    share = 1 - costs["1 megapixel"].worker / large.worker
    return f"""# A city, a country

`seamline predict RUN s3://BUCKET/PHOTOS --ray-address ADDRESS --out s3://BUCKET/RESULTS` predicts on the machines of a Ray cluster. Each worker has one core (or one GPU), reads and decodes photos ahead while the network is at work, and writes a Parquet file for every 500 photos: a row a photo with its size, the share of each class and the mask as runs. The manifest says what was done; the same call goes on after an interruption.

## Measured

`make bench-cluster` with `SEAMLINE_DATA` set (`bench/scale.py`): the network of `{found["run"]}`, photos enlarged from the test images with grain, each seen at 384 pixels on its longer side, a Ray cluster of {found["cores"]} workers on {found["machine"]}. The time of a photo is the workers' own: reading, decoding, network, mask at the photo's full size, writing.

{head}
{chr(10).join(measured)}

Listing {LISTED:,} files in folders of 1,000 took {1e6 * found["listing"]:.0f} µs a file; a bucket answers a request in about 0.1 s with 1,000 names, so about 100 µs.

## Worked out

From these, for machines whose cores are as fast as those measured, all of them at work (an assumption: workers share nothing but the bucket, and a part costs the driver one small message):

{chr(10).join(worked)}

A machine of 32 cores eats {rate:,.0f} photos of 12 megapixels a second, {rate * large.photo / 1e6:,.0f} MB/s: a 10 Gbit/s line, 1,250 MB/s, {"is enough" if rate * large.photo < 1.25e9 else "is not enough"}. The network sees 384 pixels whatever the photo has, so {share:.0%} of the time of a large photo comes from its size: decoding, the mask at full size, writing it as runs. A GPU would take away no more than the rest; photos stored at 1 megapixel take away the first.

## Where it would first break

1. **The listing** is made by one process before the first photo is predicted: {clock(CITY * found["listing"])} for the city is nothing, {clock(COUNTRY * found["listing"])} for the country is a wait, and its file is read by every worker. From about 100 million photos on, call it once for each region, with an `--out` of its own.
2. **The driver** holds a line for each part that is done: {CITY // 500:,} for the city, {COUNTRY // 500:,} for the country, which Ray is given in 20,000 pieces. The second is again a reason for regions.
3. **The bucket**: {rate * 10:,.0f} reads a second from ten machines are within what one prefix of S3 serves (5,500 a second, by its documentation); from a hundred machines on, photos should lie under several prefixes.
4. **A part that makes its worker die every time** (a photo that breaks a decoder, memory that runs out) would be tried again for ever; the call can be ended, and the part is the one that is missing in `photos/`. No such photo is known.
5. Photos that come later are not seen by a call that goes on: the first listing counts. They need an `--out` of their own.

What was tested and what was not: two workers on one machine, 5,000 photos, killed workers and drivers, a bucket served on localhost (`tests/cluster/test_cluster.py`). More machines than one, and GPUs, were not at hand.
"""


def size(count: float) -> str:
    """Return bytes in words."""
    for unit, scale in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e6:,.0f} MB"


def clock(seconds: float) -> str:
    """Return seconds in words."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/scale/facades-fast"), help="trained if it is not there")
    options = parser.parse_args()
    if not (options.run / "model.safetensors").is_file():
        seamline.train("facades", recipe="fast", settings=("epochs=1",), out=options.run, resume=True)
    found = figures(options.run)
    write_results("cluster-cost", found)
    write_page("cluster-cost", page(found))


if __name__ == "__main__":
    main()
