"""The page of results can be written from stored values."""

from typing import Any

import results_facades
import results_garments
import results_photos
from results_means import decimal, percent
from seamline.data.sources.facades import CLASSES

INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6}
NONE = {"value": None, "low": None, "high": None}


SUPPORT = dict.fromkeys(CLASSES, 900) | {"pillar": 100}
"""Pixels of each class: one of the pillars changes a mean over five classes by 1 / 500."""


def metrics(mean: float) -> dict[str, Any]:
    per_class = dict.fromkeys(("ap", "ap_softmax", "iou", "recall"), INTERVAL)
    return {
        "images": 90,
        "support": SUPPORT,
        "overall": {
            "accuracy": INTERVAL,
            "mean_ap": {"value": mean, "low": mean - 0.05, "high": mean + 0.05},
            "mean_ap_softmax": INTERVAL,
            "mean_iou": INTERVAL,
        },
        "per_class": dict.fromkeys(CLASSES, per_class),
    }


def run(name: str, seed: int, *, val: float, test: float) -> dict[str, Any]:
    split = {"groups": 300, "duplicate_images": 900, "largest_group": 11}
    split |= {"test_with_train_duplicates": 11, "excluded_train": 30}
    return {
        "preset": name,
        "seed": seed,
        "parameters": 12_345,
        "machine": "a machine",
        "threads": 2,
        "versions": {"python": "3.11"},
        "epochs": 4,
        "seconds": 120.0,
        "split": {**split, "random": {"expected_split_groups": 80.5, "expected_val_leakage": 0.98}},
        "images": {"train": 789, "val": 90, "test": 114},
        "train": {"overall": {"accuracy": INTERVAL}},
        "val": metrics(val),
        "test": metrics(test),
        "errors": {"boundary": {"fraction": INTERVAL, "boundary_fraction": INTERVAL}, "thin_regions": {}},
        "ece": {"raw": INTERVAL, "scaled": NONE | {"value": 0.01}},
    }


def test_the_leak_is_the_difference_of_the_differences() -> None:
    leak = {
        "groups": [run("fast", seed, val=0.60 + 0.01 * seed, test=0.61) for seed in range(3)],
        "images": [run("fast", seed, val=0.70 + 0.01 * seed, test=0.61) for seed in range(3)],
    }
    page = results_facades.page({"runs": [run("best", 0, val=0.7, test=0.8)], "leak": leak})
    # all seeds give the same difference, so the standard deviation is what one pixel changes: 4.303 x 0.002 / sqrt(3)
    assert "the effect of leakage, is +0.100 ± 0.005" in page
    assert "+0.000 ± 0.025 by building" in page  # t with 2 degrees of freedom: 4.303 x 0.01 / sqrt(3)
    assert "| `best`, seed 0 | **0.800 (0.750–0.850)** |" in page
    assert "| course result | 0.63 | 0.590 | 0.720 | 0.260 | 0.870 | 0.710 |" in page


def test_photos_have_an_interval_over_seeds_and_one_over_photos() -> None:
    def photos(seed: int, accuracy: float) -> dict[str, Any]:
        estimate = {"value": accuracy, "low": accuracy - 0.04, "high": accuracy + 0.02}
        measured = {"images": 90, "overall": {"accuracy": estimate, "log_loss": INTERVAL}}
        config = {"model": "m", "epochs": 3, "batch_size": 16, "lr": 1e-4}
        values = {"val": measured, "config": config, "fit_seconds": 40 + seed, "load": 0.1, "input_size": [192, 256, 3]}
        return run("fast", seed, val=0, test=0) | values

    page = results_photos.page({"fast": [photos(0, 0.94), photos(1, 0.96)], "scratch": [photos(0, 0.7)]})
    # t with 1 degree of freedom: 12.706 x sqrt(2) / sqrt(2) points, cut at 100 %
    assert "of 2 seeds is **95.00 % (82.29 to 100.00)**" in page
    assert "| pretrained features | 1 | 96.00 % (92.00 to 98.00) | 0.500 | 4 | 41 | 0.1 |" in page
    assert "| random weights | 0 | 70.00 % (66.00 to 72.00) | 0.500 | 4 | 40 | 0.1 |" in page
    assert "photos of 256 × 192 pixels, 3 epochs, batch size 16, AdamW at 0.0001" in page
    assert "Training takes 40 to 41 s" in page


def test_a_mean_over_seeds_is_as_uncertain_as_one_label() -> None:
    assert percent([145 / 153] * 5, 153) == "94.77 ± 0.81 %"  # 2.776 x 1 / 153 / sqrt(5)
    assert percent([0.94, 0.96, 0.95], 10_000) == "95.00 ± 2.48 %"  # 4.303 x 0.01 / sqrt(3): more than a label
    assert percent([0.0] * 3, 32) == "0.00 % (0.00 to 7.76)"  # 4.303 x 1 / 32 / sqrt(3)
    assert percent([0.95], 100) == "95.00 %"
    assert decimal([0.01, 0.03], 100) == "0.020 (0.000 to 0.147)"  # 12.706 x 0.01 / ..., no upper limit of a loss


def best_run(seed: int, threads: int, accuracy: float) -> dict[str, Any]:
    interval = {"value": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01}
    split = {"images": 10_000, "overall": {"accuracy": interval}}
    config = {"epochs": 24, "translate": 2, "label_smoothing": 0.1}
    values = {"config": config, "threads": threads, "val": split, "test": split, "temperature": {"value": 0.65}}
    return run("best", seed, val=0, test=0) | values | {"ece": {"raw": INTERVAL, "scaled": INTERVAL}}


def test_the_best_runs_state_their_threads() -> None:
    page = results_garments.best_page([best_run(0, 1, 0.94), best_run(1, 2, 0.942)])
    assert "| 0 | 94.00 % (93.00 to 95.00) | 94.00 % (93.00 to 95.00) | 1 | 120.0 | 0.65 | 50.0 %, 50.0 % |" in page
    assert "| 1 | 94.20 % (93.20 to 95.20) | 94.20 % (93.20 to 95.20) | 2 | 120.0 | 0.65 | 50.0 %, 50.0 % |" in page
    assert "Test accuracy over 2 seeds: 94.10 ± 1.27 %" in page  # 12.706 x 0.2 / sqrt(2) / sqrt(2) points
    single = results_garments.best_page([best_run(0, 1, 0.94)])
    assert "Test accuracy over" not in single
