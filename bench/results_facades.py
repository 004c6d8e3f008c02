"""The facades of docs/measurements/results.md: train each preset on the mini facade set.

A short training with a split by building and with a random split measures the effect of leakage.
"""

from pathlib import Path
from typing import Any

import numpy as np

import seamline
from results_means import mean_text, over_seeds
from results_run import collect
from seamline.data.sources.facades import CLASSES, REFERENCE_RESULTS
from seamline.progress import Reporter
from seamline.training.config import parse_settings

RUNS = (("best", 0, 2), ("original", 0, 1), ("fast", 0, 2), ("fcn", 0, 1))
"""Preset, seed and threads; two runs on one thread each can run at the same time."""
SHORT = ("epochs=5", "hflip=false", "translate=0", "scale_jitter=0", "aspect_jitter=0", "color_jitter=0", "cutmix=0")
"""Settings of a short training without augmentation, which the study did not use either."""
SEEDS = (0, 1, 2)


def collect_all(out: Path, folder: Path | None) -> dict[str, Any]:
    """Train and evaluate every run; return its values."""
    data = seamline.load_dataset("facades", data_dir=None if folder is None else folder / "facades")
    runs = []
    for preset, seed, threads in RUNS:
        print(f"facades: {preset}, seed {seed}", flush=True)
        run = out / f"facades-{preset}-{seed}"
        seamline.train(data, preset=preset, seed=seed, threads=threads, out=run, resume=True, progress=Reporter())
        runs.append(collect(run))
    leak: dict[str, list[dict[str, Any]]] = {"groups": [], "images": []}
    for seed in SEEDS:
        for by, collected in leak.items():
            print(f"facades: split by {by}, seed {seed}", flush=True)
            run = out / f"facades-by-{by}-{seed}"
            settings = (*SHORT, f"split_by={by}")
            options: dict[str, Any] = {"seed": seed, "threads": 1, "out": run, "resume": True, "progress": Reporter()}
            seamline.train(data, preset="fast", **parse_settings(settings), **options)
            collected.append(collect(run))
    return {"runs": runs, "leak": leak}


def page(collected: dict[str, Any]) -> str:
    """Return the section on facades."""
    runs, leak = collected["runs"], collected["leak"]
    first = runs[0]
    split, images = first["split"], first["images"]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    random = split["random"]
    parts = [
        "## Facades",
        f"Mini facade dataset, {first['machine']}; {versions}. "
        "`python bench/results.py --only facades` with `SEAMLINE_DATA` set writes this section. Models and "
        "settings were chosen on validation images only; each run was evaluated once on the test images. Values in "
        "parentheses are 95 % intervals by resampling buildings; one run each.",
        f"The training images form {split['groups']:,} groups: {split['duplicate_images']} images have a near-duplicate, "
        f"the largest group has {split['largest_group']} images. {split['test_with_train_duplicates']} of the {images['test']} test "
        f"images have near-duplicates in training; the {split['excluded_train']} training images in their groups are "
        f"excluded. {images['train']} images are used for training and {images['val']} for validation, with no "
        f"building in both. A random split of the same size would split {random['expected_split_groups']:.0f} groups on average, "
        f"and {100 * random['expected_val_leakage']:.0f} % of its validation images would have a near-duplicate in training.",
        "### Average precision on the 114 test images",
        "All pixels are pooled and ranked by logits, as in the study. The first rows are the best documented course results "
        "on the same images. The models of `fast` and `best` return log probabilities, so ranking by softmax gives the "
        "same result; the models of `original` and `fcn` return unnormalized logits, as in the study.",
        raw_table(runs),
        "The same with pixels ranked by softmax, and mean IoU and pixel accuracy.",
        softmax_table(runs),
        "### Time, parameters and generalization",
        "Minutes count training only, on the given number of threads; two runs on one thread shared the two cores. "
        "[Benchmarks](benchmarks.md) lists the throughput on two threads. Training accuracy is the pixel accuracy of "
        "the final weights on training images without augmentation.",
        cost_table(runs),
        "### Error analysis",
        error_table(runs),
        "### Effect of leakage",
        leak_words(leak),
        leak_table(leak),
    ]
    return "\n\n".join(parts) + "\n"


def named(run: dict[str, Any]) -> str:
    return f"`{run['preset']}`, seed {run['seed']}"


def figure(interval: dict[str, float | None], *, bounds: bool = True) -> str:
    """Return a metric with its interval."""
    if interval["value"] is None:
        return ""
    shown = f"{interval['value']:.3f}"
    if bounds and interval["low"] is not None and interval["high"] is not None:
        shown += f" ({interval['low']:.3f}–{interval['high']:.3f})"
    return shown


def raw_table(runs: list[dict[str, Any]]) -> str:
    rows = [f"| | mean | {' | '.join(CLASSES)} |", "| --- |" + " --- |" * 6]
    rows += [
        f"| course result | {one.overall:g} | {' | '.join(f'{one.per_class[name]:.3f}' for name in CLASSES)} |"
        for one in REFERENCE_RESULTS
    ]
    for run in runs:
        shown = [figure(run["test"]["per_class"][name]["ap"]) for name in CLASSES]
        rows.append(f"| {named(run)} | **{figure(run['test']['overall']['mean_ap'])}** | {' | '.join(shown)} |")
    return "\n".join(rows)


def softmax_table(runs: list[dict[str, Any]]) -> str:
    rows = [f"| | mean | {' | '.join(CLASSES)} | mean IoU | accuracy |", "| --- |" + " --- |" * 8]
    for run in runs:
        shown = [figure(run["test"]["per_class"][name]["ap_softmax"], bounds=False) for name in CLASSES]
        shown += [figure(run["test"]["overall"]["mean_iou"]), figure(run["test"]["overall"]["accuracy"])]
        rows.append(f"| {named(run)} | {figure(run['test']['overall']['mean_ap_softmax'])} | {' | '.join(shown)} |")
    return "\n".join(rows)


def cost_table(runs: list[dict[str, Any]]) -> str:
    rows = [
        "| | parameters | epochs | threads | minutes | training accuracy | validation accuracy | validation mean AP "
        "| ECE before, after temperature scaling |",
        "| --- |" + " --- |" * 8,
    ]
    for run in runs:
        ece = ", ".join(f"{100 * run['ece'][when]['value']:.1f} %" for when in ("raw", "scaled"))
        shown = [f"{run['parameters']:,}", str(run["epochs"]), str(run["threads"]), f"{run['seconds'] / 60:.1f}"]
        shown += [
            figure(run["train"]["overall"]["accuracy"], bounds=False),
            figure(run["val"]["overall"]["accuracy"], bounds=False),
        ]
        shown += [figure(run["val"]["overall"]["mean_ap"], bounds=False), ece]
        rows.append(f"| {named(run)} | {' | '.join(shown)} |")
    return "\n".join(rows)


def error_table(runs: list[dict[str, Any]]) -> str:
    rows = [
        "| | fraction of the errors within 3 pixels of a class boundary | fraction of all pixels there "
        "| recall of pillars: top, middle, bottom |",
        "| --- | --- | --- | --- |",
    ]
    for run in runs:
        boundary, regions = run["errors"]["boundary"], run["errors"]["thin_regions"].get("pillar")
        recall = (
            ""
            if regions is None
            else ", ".join(figure(regions[key], bounds=False) for key in ("top", "middle", "bottom"))
        )
        rows.append(
            f"| {named(run)} | {figure(boundary['fraction'])} | {figure(boundary['boundary_fraction'], bounds=False)} | {recall} |"
        )
    return "\n".join(rows)


def gaps(runs: list[dict[str, Any]]) -> list[float]:
    return [run["val"]["overall"]["mean_ap"]["value"] - run["test"]["overall"]["mean_ap"]["value"] for run in runs]


def pixel_labels(runs: list[dict[str, Any]]) -> int:
    """Return of how many labels one changes the mean AP of a split the most: classes times pixels of the rarest.

    0 where pixels are not stored, as in results of earlier versions: one of so many changes no printed figure.
    """
    supports: list[dict[str, int]] = [run[part].get("support") or {} for run in runs for part in ("val", "test")]
    return len(CLASSES) * min(support.get(name, 0) for support in supports for name in CLASSES)


def leak_words(leak: dict[str, list[dict[str, Any]]]) -> str:
    labels = pixel_labels([run for runs in leak.values() for run in runs])
    differences = [a - b for a, b in zip(gaps(leak["images"]), gaps(leak["groups"]), strict=True)]
    by_groups, by_images, difference = (
        mean_text(over_seeds(values, labels), sign="+")
        for values in (gaps(leak["groups"]), gaps(leak["images"]), differences)
    )
    epochs = leak["groups"][0]["epochs"]
    minutes = np.median([run["seconds"] for runs in leak.values() for run in runs]) / 60
    return (
        f"The preset `fast`, shortened to {epochs} epochs and without augmentation, as in the study (median "
        f"{minutes:.1f} minutes), with {len(SEEDS)} seeds for each validation split: by building and at random. "
        "Duplicates of test images are excluded in both. "
        f"Validation minus test mean AP: {by_groups} by building, {by_images} at random; the difference, the effect of "
        f"leakage, is {difference} (± is a 95 % t interval over seeds)."
    )


def leak_table(leak: dict[str, list[dict[str, Any]]]) -> str:
    rows = ["| split | seed | validation mean AP | test mean AP | difference |", "| --- | --- | --- | --- | --- |"]
    for by, words in (("groups", "by building"), ("images", "random")):
        for run, gap in zip(leak[by], gaps(leak[by]), strict=True):
            shown = [figure(run[part]["overall"]["mean_ap"]) for part in ("val", "test")]
            rows.append(f"| {words} | {run['seed']} | {' | '.join(shown)} | {gap:+.3f} |")
    return "\n".join(rows)
