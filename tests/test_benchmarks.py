"""Arithmetic of the benchmarks: contenders train the same model, and the page shows what was measured."""

from typing import Any

import numpy as np
import pytest
import torch

import benchmarks_page
import time_to_accuracy
from baselines import models, plain
from baselines.workload import Clock, Workload
from hardware_peak import operations_of
from seamline.models.factory import build_model


def test_the_small_cnn_of_the_baselines_is_ours() -> None:
    theirs, ours = models.cnn(), build_model("cnn", (28, 28, 1), 10, task="classification")
    with torch.no_grad():
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            own.copy_(other)
    images = torch.randint(0, 256, (4, 1, 28, 28), dtype=torch.uint8)
    torch.testing.assert_close(theirs(images.float()), ours(images), rtol=1e-4, atol=1e-3)


def test_the_facadenet_of_the_baselines_is_ours() -> None:
    theirs, ours = models.FacadeNet(), build_model("facadenet", (32, 32, 3), 5, task="segmentation")
    with torch.no_grad():
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            own.copy_(other)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(theirs(images.float()), ours(images), rtol=1e-4, atol=1e-3)


def test_operations_match_a_count_by_hand() -> None:
    first, second, head = 24 * 24 * 32 * 25, 8 * 8 * 32 * 800, 512 * 10
    forward_and_weights, pixels_too = 2, 3  # the gradient of the pixels is not computed
    expected = 2 * (forward_and_weights * first + pixels_too * (second + head))
    operations = operations_of(models.cnn(), torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.int64))
    assert operations == expected


def test_the_plain_loop_learns() -> None:
    images = np.zeros((60, 28, 28, 1), dtype=np.uint8)
    labels = np.arange(60) % 2
    images[labels == 1] = 200
    clock = Clock()
    losses = list(plain.epochs(models.cnn(), Workload("garments", images, labels, 10, 20, 0.0, "cpu"), 8, clock))
    assert losses[-1] < losses[0] / 2
    assert len(clock.seconds) == 8


def section(result: Any) -> dict[str, Any]:
    return {"result": result, "minutes": 3.0, "machine": "A processor", "threads": 2, "versions": {"torch": "2.13.0"}}


HARDWARE_PEAK = {"torch.mm": 200e9, "convolution of 1 x 1": 400e9, "copy": 80e9, "matrix_product": 400e9}


def stored_results() -> dict[str, Any]:
    def contender(title: str, rate: float) -> dict[str, Any]:
        return {"title": title, "rates": [rate * 0.9, rate, rate * 1.2], "losses": [1.0, 0.7]}

    rows = {"plain": contender("plain PyTorch loop", 4_000.0), "with_seamline": contender("Seamline", 20_000.0)}
    frameworks = {**rows, "with_keras": contender("Keras on TensorFlow", 16_000.0)}
    seeds = [{"seconds": 5.0 + seed / 10, "images": 9, "val": 0.911 + seed / 1000, "test": 0.91} for seed in range(10)]
    epochs = [{"seconds": 9.0, "loss": 0.1, "val": 0.90}, {"seconds": 9.0, "loss": 0.1, "val": 0.913, "test": 0.905}]
    times = {
        "goal": 0.912,
        "presets": {"fast": seeds},
        "plain_rates": [3_900.0, 4_000.0, 4_100.0],
        "train_images": 54_000,
    }
    presets = [
        {"data": "facades", "preset": name, "operations": 6e9, "rates": [50.0, 40.0, 60.0]} for name in ("fast", "best")
    ]
    task = {"images": 20_480, "operations": 11.7e6}
    scaling = [
        {"images": count, "milliseconds": [0.05, 0.06], "peak": 4e8, "image_bytes": count * 784} for count in (100, 200)
    ]
    photos = [
        {"megapixels": 1, "size": size, "seconds": [seconds], "peak": 5e8}
        for size, seconds in (("default", 1.5), ("full", 9.0))
    ]
    return {
        "plain_comparison": section(
            {"hardware_peak": HARDWARE_PEAK, "tasks": {"garments": {**task, "contenders": rows}}}
        ),
        "frameworks": section(
            {
                "hardware_peak": HARDWARE_PEAK,
                "tasks": {"garments": {**task, "contenders": frameworks}},
                "versions": {"keras": "3.15"},
            }
        ),
        "time_to_accuracy": section({"garments": times}),
        "plain_loop": section({"garments": {"epochs": epochs, "goal_epoch": 2}}),
        "busy": section(
            {
                "images": 10_240,
                "contenders": {
                    "before": {"title": "before", "rates": {"0": [100.0], "1": [30.0], "2": [20.0]}},
                    "after": {"title": "after", "rates": {"0": [96.0, 98.0, 99.0], "1": [56.0], "2": [49.0]}},
                },
            }
        ),
        "presets": section({"hardware_peak": HARDWARE_PEAK, "rows": presets}),
        "scaling": section({"garments": scaling}),
        "image_sizes": section(photos),
        "microbenchmarks": section({"`seamline list`": [0.3, 0.4]}),
    }


def test_ratios_are_of_medians() -> None:
    text = benchmarks_page.page(stored_results())
    assert "| Keras on TensorFlow | 16,000 (14,400 to 19,200) | 187 | 47% | 1.25 |" in text
    assert "| Seamline | 20,000 (18,000 to 24,000) | 234 | 58% | 1.00 |" in text
    assert "keras 3.15" in text


def test_time_to_accuracy_is_all_epochs_at_the_rate_measured_in_between() -> None:
    """Two epochs of 54,000 at 4,000 a second are 27 s; the median of ours is 5.45 s."""
    stored = stored_results()
    assert time_to_accuracy.plain_seconds(stored["time_to_accuracy"]["result"]["garments"], 2) == pytest.approx(27.0)
    text = benchmarks_page.page(stored)
    assert "| `original` in a plain loop, all 2 epochs | 27 | 1 of 1 | 91.3% | 90.5% | 1 |" in text
    assert "| the same until the goal, after epoch 2 | 27 | | | | 1.0 |" in text
    assert "| `fast` | 5.5 (5.0 to 5.9) | 9 of 10 | 91.5% (91.1% to 92.0%) | 91.0% (91.0% to 91.0%) | 5 |" in text


def test_a_target_is_met_or_it_is_not() -> None:
    text = benchmarks_page.page(stored_results())
    assert (
        "speed-up of `fast` over `original` in a plain loop | 100 times | 5 times, 5.5 s; 9 of 10 seeds | **no** |"
        in text
    )
    assert (
        "| speed-up on the garment model of the study over plain PyTorch loop | 4.5 times | 5.00 times | yes |" in text
    )
    assert "over Keras on TensorFlow | 1.6 times | 1.25 times | **no** |" in text
    assert "| utilization, facade U-Net of `fast` | 80% | 75% | **no** |" in text


def test_targets_beside_busy_processes_are_relative_to_the_idle_machine_before() -> None:
    text = benchmarks_page.page(stored_results())
    assert "| after | 98 (96 to 99) | 56 (56 to 56), 57% | 49 (49 to 49), 50% |" in text
    assert (
        "throughput on the idle machine, relative to a thread per core on the idle machine | 97% | 98% | yes |" in text
    )
    assert "| 55% | 56% | yes |" in text


def test_a_section_names_the_rate_of_matrix_products_in_its_run() -> None:
    stored = stored_results()
    stored["presets"]["matrix_product"] = [161e9, 158e9]
    text = benchmarks_page.page(stored)
    assert "- presets: A processor, 2 threads, 158 to 161 GFLOP/s, " in text
    assert "- scaling with images: A processor, 2 threads, GFLOP/s not measured, " in text


def test_a_page_without_results() -> None:
    assert benchmarks_page.page({}).startswith("# Benchmarks")
