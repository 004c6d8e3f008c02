"""Trains on 1,000 and on 100,000 own images, and watches the memory: docs/measurements/large-sets.md.

    python bench/large_sets.py

The images are made: 48 x 48 pixels, noise around a brightness that tells the class, JPEG. What decoded images may take
in memory is set to 2 MB, so that both sets are read from the memory-mapped cache, as sets larger than memory are.
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
ALLOWED = "2M"
LEARNED = 5_000  # images that each training goes through, whatever the set has


def make(folder: Path, count: int) -> None:
    """Write so many images of two classes into class folders."""
    chance = np.random.default_rng(0)
    for number in range(count):
        label = number % 2
        place = folder / ("dark", "bright")[label] / f"{number // 2000:03}"
        if number % 2000 < 2:
            place.mkdir(parents=True)
        coarse = chance.integers(0, 90, (6, 6, 3)) + 100 * label + np.array([20, 10, 0])
        Image.fromarray(coarse.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(
            place / f"{number:06}.jpg", quality=85
        )


def watched(words: list[str], settings: dict[str, str]) -> tuple[float, int, int]:
    """Run a command; return its seconds, and the peaks of its own memory and of mapped pages, in bytes."""
    begun, own, mapped = time.perf_counter(), 0, 0
    with subprocess.Popen(words, env=os.environ | settings, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
            except OSError:
                break
            sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.startswith("Rss")}
            own, mapped = max(own, sizes.get("RssAnon", 0)), max(mapped, sizes.get("RssFile", 0))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: status {process.returncode}")
    return time.perf_counter() - begun, own, mapped


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Make a set, train on it, and return what it cost."""
    make(folder / "set", count)
    share = LEARNED / (0.72 * count)
    words = [
        sys.executable,
        "-m",
        "seamline",
        "train",
        str(folder / "set"),
        "--out",
        str(folder / "run"),
        "--overwrite",
    ]
    words += [
        "--set",
        "network=residual-16",
        "--set",
        f"epochs={share:.4f}",
        "--set",
        "batch_size=64",
        "--label-check-folds",
        "0",
    ]
    settings = {"SEAMLINE_CACHE": str(folder / "cache"), "SEAMLINE_MEMORY": ALLOWED}
    seconds, own, mapped = watched(words, settings)
    accuracy = read_json(folder / "run" / "scores.json")["test"]["accuracy"]["value"]
    return {
        "images": count,
        "decoded": count * SIDE * SIDE * 3,
        "seconds": seconds,
        "own": own,
        "mapped": mapped,
        "accuracy": accuracy,
    }


def page(found: dict[str, Any]) -> str:
    """Return docs/measurements/large-sets.md."""
    rows = [
        f"| {one['images']:,} | {one['decoded'] / 1e6:,.0f} MB | {one['own'] / 1e6:,.0f} MB | {one['seconds']:.0f} s |"
        for one in found["sets"]
    ]
    least, most = found["sets"][0], found["sets"][-1]
    growth = (most["own"] - least["own"]) / (most["images"] - least["images"])
    return f"""# Datasets larger than memory

A folder of images is decoded once, in parallel, into a memory-mapped file in the cache. Later calls read that file, an interrupted call continues it, and a change of the folder rebuilds it. Decoded images are held in memory if they take less than a quarter of it (`SEAMLINE_MAX_MEMORY` sets another limit); larger datasets are read from the file batch by batch.

`python bench/large_sets.py` trains on synthetic images of {SIDE} × {SIDE} pixels with `SEAMLINE_MAX_MEMORY={ALLOWED}`, so that every dataset counts as larger than memory. Each training processes {LEARNED:,} images and then evaluates all of them. Memory is the private memory of the process (`RssAnon`); pages of the mapped file come on top and can be reclaimed by the system.

| images | decoded | peak private memory | time |
| --- | --- | --- | --- |
{chr(10).join(rows)}

{found["machine"]}, one round, on a machine with other work (the times are therefore long). The time includes decoding, the search for duplicates, training, evaluation and the report. {most["images"] // least["images"]} times the images take {most["own"] / least["own"]:.2f} times the memory: the images themselves take none, and {growth / 1000:.1f} kB per image hold names, labels, predictions and the 96 numbers used to find duplicates. Decoded, an image takes {SIDE * SIDE * 3 / 1000:.1f} kB here, and 49 kB at 128 × 128 pixels.

Several crops of one scene are searched for among at most 10,000 images (or 300 million pixels); beyond that the report says that the search was limited. Masks are read from the file too, and predictions of masks larger than 0.5 GiB are stored in a file, but the group bootstrap still grows with the number of groups.
"""


def main() -> None:
    """Measure and write."""
    found: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "sets": []}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            found["sets"].append(measure(count, Path(folder)))
        print(found["sets"][-1], flush=True)
    write_results("large-sets", found)
    write_page("large-sets", page(found))


if __name__ == "__main__":
    main()
