"""Train on 1,000 and on 100,000 images and measure the memory: docs/measurements/large-sets.md.

    python bench/large_sets.py

The images are synthetic: 48 x 48 pixels, noise around a brightness that depends on the class, JPEG. Decoded images may
take 2 MB of memory, so that both datasets are read from the memory-mapped cache, as datasets larger than memory are.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from results_store import write_page, write_results
from seamline.io import read_json
from seamline.models.devices import describe_machine

COUNTS = (1_000, 100_000)
SIDE = 48
MAX_MEMORY = "2M"
TRAIN_IMAGES = 5_000  # images that each training processes, whatever the size of the dataset


def write_dataset(folder: Path, count: int) -> None:
    """Write `count` images of two classes into class folders."""
    rng = np.random.default_rng(0)
    for number in range(count):
        label = number % 2
        subfolder = folder / ("dark", "bright")[label] / f"{number // 2000:03}"
        if number % 2000 < 2:
            subfolder.mkdir(parents=True)
        coarse = rng.integers(0, 90, (6, 6, 3)) + 100 * label + np.array([20, 10, 0])
        Image.fromarray(coarse.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(
            subfolder / f"{number:06}.jpg", quality=85
        )


def run(command: list[str], environment: dict[str, str]) -> tuple[float, int, int]:
    """Run a command; return its seconds and the peaks of its private and of its mapped memory in bytes."""
    start, private, mapped = time.perf_counter(), 0, 0
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
            except OSError:
                break
            sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith("Rss")}
            private, mapped = max(private, sizes.get("RssAnon", 0)), max(mapped, sizes.get("RssFile", 0))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    return time.perf_counter() - start, private, mapped


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Write a dataset, train on it, and return time and memory."""
    write_dataset(folder / "images", count)
    epochs = TRAIN_IMAGES / (0.72 * count)
    command = [
        sys.executable,
        "-m",
        "seamline",
        "train",
        str(folder / "images"),
        "--out",
        str(folder / "run"),
        "--overwrite",
    ]
    command += [
        "--set",
        "model=residual-16",
        "--set",
        f"epochs={epochs:.4f}",
        "--set",
        "batch_size=64",
        "--label-check-folds",
        "0",
    ]
    environment = {"SEAMLINE_CACHE": str(folder / "cache"), "SEAMLINE_MAX_MEMORY": MAX_MEMORY}
    seconds, private, mapped = run(command, environment)
    accuracy = read_json(folder / "run" / "metrics.json")["test"]["overall"]["accuracy"]["value"]
    return {
        "images": count,
        "decoded": count * SIDE * SIDE * 3,
        "seconds": seconds,
        "private": private,
        "mapped": mapped,
        "accuracy": accuracy,
    }


def page(results: dict[str, Any]) -> str:
    """Return docs/measurements/large-sets.md."""
    rows = [
        f"| {one['images']:,} | {one['decoded'] / 1e6:,.0f} MB | {one['private'] / 1e6:,.0f} MB | {one['seconds']:.0f} s |"
        for one in results["datasets"]
    ]
    smallest, largest = results["datasets"][0], results["datasets"][-1]
    bytes_per_image = (largest["private"] - smallest["private"]) / (largest["images"] - smallest["images"])
    return f"""# Datasets larger than memory

A folder of images is decoded once, in parallel, into a memory-mapped file in the cache. Later calls read that file; an interrupted call continues to write it; if the folder has changed, it is written again. Decoded images are held in memory if they take less than a quarter of the machine's memory (`SEAMLINE_MAX_MEMORY` sets another limit); larger datasets are read from the file batch by batch.

`python bench/large_sets.py` trains on synthetic images of {SIDE} × {SIDE} pixels with `SEAMLINE_MAX_MEMORY={MAX_MEMORY}`, so that every dataset counts as larger than memory. Each training processes {TRAIN_IMAGES:,} images and then evaluates all of them. Memory is the private memory of the process (`RssAnon`); it does not include the pages of the mapped file, which the system can reclaim.

| images | decoded | peak private memory | time |
| --- | --- | --- | --- |
{chr(10).join(rows)}

{results["machine"]}, one round, with other work on the machine, which makes the times long. The time includes decoding, the search for duplicates, training, evaluation and the report. {largest["images"] // smallest["images"]} times the images take {largest["private"] / smallest["private"]:.2f} times the memory: the images themselves take none; names, labels, predictions and the 96 numbers used to find duplicates take {bytes_per_image / 1000:.1f} kB per image. Decoded, an image takes {SIDE * SIDE * 3 / 1000:.1f} kB here, and 49 kB at 128 × 128 pixels.

Crops of one scene are detected only in datasets of at most 10,000 images and 300 million pixels; for larger ones the report says that they were not searched. Masks are read from the file too, and predicted masks of more than 0.5 GiB in total are stored in a file. The memory of the group bootstrap grows with the number of groups.
"""


def main() -> None:
    """Measure, store the results and write the page."""
    results: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "datasets": []}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            results["datasets"].append(measure(count, Path(folder)))
        print(results["datasets"][-1], flush=True)
    write_results("large-sets", results)
    write_page("large-sets", page(results))


if __name__ == "__main__":
    main()
