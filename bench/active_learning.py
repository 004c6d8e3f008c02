"""Measure whether corrections of photos that `suggest` chooses teach more than corrections of random ones.

    python bench/active_learning.py

A network learns synthetic garments, light on black. Among further photos a tenth shows a rare second style, dark on
white. Photos are chosen by `suggest` or at random, get their true labels, and the network is trained again on them and
on its first images. Three seeds of garments, weights and random choices. Takes minutes on one thread. Writes
docs/measurements/correcting.md and a figure.
"""

import argparse
import io
import json
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

import seamline
from results_store import IMAGES, write_page, write_results
from seamline.data.dataset import Dataset, Split
from seamline.data.loader import Batches
from seamline.evaluation.repeats import Repeats, t_mean
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA, load_tta
from seamline.io import write_text
from seamline.models.devices import describe_machine
from seamline.synthetic import fashion
from seamline.training.distributed import Distributed
from seamline.training.loop import Training
from seamline.training.plan import RunOptions, make_plan
from seamline.training.trainer import initial_model

SEEDS = (0, 1, 2)
COUNTS = (5, 10, 20, 40, 80)
"""Numbers of corrected photos."""
BASE, POOL, TEST = 2_000, 500, 1_000
"""Images that the network learns first, photos to choose from, and test photos of each style."""
RARE = 0.1
"""Fraction of the photos that are of the second style."""
EPOCHS = 4
"""Passes over the first images and the corrected photos, half of each batch from either."""
STYLES = ("light on black", "dark on white")
CLASSES = tuple(name.split("/")[0] for name in fashion.CLASSES)  # a folder's name has no slash

Images = NDArray[np.uint8]
Test = tuple[Images, NDArray[np.int64]]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds to measure")
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    start, rows = time.monotonic(), []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(seed, Path(folder)))
    results = {
        "machine": describe_machine(torch.device("cpu")),
        "threads": 1,
        "minutes": (time.monotonic() - start) / 60,
        "command": "python bench/active_learning.py",
        "torch": torch.__version__,
        "seeds": rows,
    }
    write_results("correcting", results)
    write_text(IMAGES / "correcting.svg", draw(rows))
    write_page("correcting", page(results))


def restyle(images: Images) -> Images:
    """Return garments (N, 28, 28, 1) uint8 in the second style: dark on white."""
    return 255 - images


def measure(seed: int, folder: Path) -> dict[str, Any]:
    """Return the accuracies of one seed, before any correction and with each number of corrections."""
    images, labels = fashion.generate(BASE, 10 * seed)
    pool, truth = fashion.generate(POOL, 10 * seed + 1)
    rare = np.random.default_rng(seed).permutation(POOL) < RARE * POOL
    pool[rare] = restyle(pool[rare])
    test, expected = fashion.generate(TEST, 10 * seed, "test")
    tests = [(test, expected), (restyle(test), expected)]
    base = base_data(images, labels, test, expected)
    run = seamline.train(base, out=folder / "base", seed=seed, threads=1)
    before = accuracies(load_tta(run.folder), tests)
    files = write_pool(folder / "photos", pool)
    ranked = seamline.suggest(run, folder / "photos", count=max(COUNTS), threads=1)
    number = {str(file.absolute()): index for index, file in enumerate(files)}
    orders = {
        "suggest": [number[photo.path] for photo in ranked.photos],
        "random": np.random.default_rng([seed, 1]).permutation(POOL)[: max(COUNTS)].tolist(),
    }
    row: dict[str, Any] = {"seed": seed, "left_out": len(ranked.left_out), "before": before}
    for name, order in orders.items():
        labeled = [(files[index], int(truth[index])) for index in order]
        row[name] = [
            {"photos": count, "rare": int(rare[order[:count]].sum())}
            | {"accuracy": corrected(base, run, folder, labeled[:count], seed, tests)}
            for count in COUNTS
        ]
    print(json.dumps(row))
    return row


def base_data(images: Images, labels: NDArray[np.int64], test: Images, expected: NDArray[np.int64]) -> Dataset:
    """Return the images that the network learns first, as a dataset; every image is a group of its own."""
    names = [tuple(f"{split}/{i:05}" for i in range(count)) for split, count in (("train", BASE), ("test", TEST))]
    train = Split(images, labels, names[0], np.arange(BASE))
    held_out = Split(test, expected, names[1], BASE + np.arange(TEST))
    return Dataset(
        "garments-light", "Garments, light on black", CLASSES, train, held_out, "drawn", synthetic=True,
        task="classification",
    )  # fmt: skip


def write_pool(folder: Path, images: Images) -> list[Path]:
    """Write the photos to choose from, and return their files in order."""
    folder.mkdir()
    files = [folder / f"photo-{number:04}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image[:, :, 0]).save(file)
    return files


def corrected(
    base: Dataset,
    run: seamline.Run,
    folder: Path,
    chosen: Sequence[tuple[Path, int]],
    seed: int,
    tests: Sequence[Test],
) -> list[float]:
    """Train on photos with their true labels and on the first images; return the accuracy on each style."""
    corrections = folder / "corrections"
    shutil.rmtree(corrections, ignore_errors=True)
    corrections.mkdir()
    (corrections / "classes.json").write_text(json.dumps(CLASSES), encoding="utf-8")
    for file, label in chosen:
        (corrections / CLASSES[label]).mkdir(exist_ok=True)
        shutil.copy(file, corrections / CLASSES[label])
    options = RunOptions(init_from=run.path, near_duplicates=False)  # every garment is drawn by itself
    plan = make_plan([base, str(corrections)], "fast", {"epochs": EPOCHS}, seed, options)
    model, _ = initial_model(plan, Distributed())
    batches = Batches(
        plan.splits.train, plan.config.batch_size, task="classification", seed=seed,
        augmentation=plan.config.augmentation,
    )  # fmt: skip
    training = Training(model, batches, plan.config, data=plan.data)
    for _ in training:
        pass
    return accuracies(TTA(training.final_model, plan.config.hflip), tests)


def accuracies(model: TTA, tests: Sequence[Test]) -> list[float]:
    """Return the accuracy of a model on the test photos of each style."""
    return [float((predict_logits(model, images).argmax(1) == labels).mean()) for images, labels in tests]


def page(results: dict[str, Any]) -> str:
    """Return the text of the page."""
    seeds = results["seeds"]
    before = [percent([row["before"][style] for row in seeds]) for style in range(2)]
    rows = ["| photos | style | chosen by `suggest` | at random | difference, points |", "| --- " * 5 + "|"]
    verdicts: dict[int, list[int]] = {1: [], -1: [], 0: []}
    for place, count in enumerate(counts_of(seeds)):
        for style, title in enumerate(STYLES):
            chosen, chance = (values_of(seeds, name, place, style) for name in ("suggest", "random"))
            difference = t_mean(Repeats([100 * (a - b) for a, b in zip(chosen, chance, strict=True)], 100 / TEST))
            if style == 1:
                verdicts[int(difference.low > 0) - int(difference.high < 0)].append(count)
            change = f"{difference.value:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"
            rows.append(f"| {count} | {title} | {percent(chosen)} | {percent(chance)} | {change} |")
    last = len(counts_of(seeds)) - 1
    rare = {name: [row[name][last]["rare"] for row in seeds] for name in ("suggest", "random")}
    parts = [
        "# Which photos to correct",
        f"`{results['command']}` writes this page: seeds {', '.join(str(row['seed']) for row in seeds)}, "
        f"{results['threads']} thread, {results['minutes']:.0f} minutes. {results['machine']}, PyTorch "
        f"{results['torch']}.",
        f"Synthetic garments in ten classes. A network (`fast`) learns {BASE:,} of them, light on black. Of {POOL} "
        f"further photos {RARE:.0%} show a second style that the network has not seen, dark on white. Some photos get "
        "their true labels, which simulates a person who corrects without mistakes, and "
        f"`seamline train FIRST-SET CORRECTIONS --init-from RUN --epochs {EPOCHS}` learns them together with the first "
        f"images. Photos are chosen by `seamline suggest`, or at random. The accuracy is that on {TEST:,} other "
        "garments in each style; each seed draws other garments, other weights and other random photos.",
        f"Before any correction it is {before[0]} on photos that are light on black and {before[1]} on photos that are "
        "dark on white. Intervals are 95 % t intervals of the mean over the seeds; differences are paired by seed and "
        "not corrected for the number of comparisons.",
        "![Accuracy on photos that are dark on white against the number of corrected photos](../images/correcting.svg)",
        "\n".join(rows),
        f"Of {counts_of(seeds)[-1]} photos, `suggest` chose {listed(rare['suggest'])} of the rare style in the seeds, "
        f"chance {listed(rare['random'])}. {verdict(verdicts)}",
        "The rare style is unlike the first images, which favors a choice by distance. Other photos were not measured, "
        "and a person makes mistakes.",
    ]
    return "\n\n".join(parts) + "\n"


def counts_of(seeds: Sequence[dict[str, Any]]) -> list[int]:
    """Return the numbers of corrected photos."""
    return [one["photos"] for one in seeds[0]["suggest"]]


def values_of(seeds: Sequence[dict[str, Any]], name: str, place: int, style: int) -> list[float]:
    """Return the accuracy of each seed on a style, with a number of photos chosen in a way."""
    return [row[name][place]["accuracy"][style] for row in seeds]


def percent(values: Sequence[float]) -> str:
    """Return the mean of fractions over seeds as a percentage with its interval."""
    mean = t_mean(Repeats(values, 1 / TEST))
    span = f" ({100 * mean.low:.1f} to {100 * mean.high:.1f})" if mean.has_interval else ""
    return f"{100 * mean.value:.1f} %{span}"


def listed(numbers: Sequence[int]) -> str:
    """Return numbers as `1, 2 and 3`."""
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))


def verdict(verdicts: dict[int, list[int]]) -> str:
    """State at which numbers of photos the choice matters on the rare style."""
    words = {1: "`suggest` is better", -1: "chance is better", 0: "the difference is not significant"}
    parts = [f"with {listed(verdicts[sign])} photos {words[sign]}" for sign in (1, -1, 0) if verdicts[sign]]
    text = "; ".join(parts)
    return f"On the rare style: {text}."


def draw(seeds: Sequence[dict[str, Any]]) -> str:
    """Return the figure: accuracy on the rare style against the number of corrected photos, as SVG."""
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    counts = [0, *counts_of(seeds)]
    for offset, (name, color, title) in enumerate(
        (("random", "#767676", "at random"), ("suggest", "#0b66c3", "by suggest"))
    ):
        of_seed = [[row["before"][1], *(one["accuracy"][1] for one in row[name])] for row in seeds]
        means = [t_mean(Repeats([values[place] for values in of_seed], 1 / TEST)) for place in range(len(counts))]
        places = np.arange(len(counts)) + 0.06 * (2 * offset - 1)
        errors = [[m.value - m.low for m in means], [m.high - m.value for m in means]]
        axes.errorbar(places, [m.value for m in means], errors, color=color, label=title, capsize=3, marker="o")
    axes.set_xticks(range(len(counts)), map(str, counts))
    axes.set_xlabel("corrected photos")
    axes.set_ylabel("accuracy on the rare style")
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "correcting", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return re.sub(r"<metadata>.*?</metadata>", "", text.getvalue(), flags=re.S)


if __name__ == "__main__":
    main()
