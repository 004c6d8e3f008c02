import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seamline.evaluation.filter_analysis import NULL_RATE, TYPES, UNIFORM, analyze_filters, classify_filters

DOWN, RIGHT = np.mgrid[-2:3, -2:3]
NOISE = 0.05 * np.random.default_rng(0).standard_normal((5, 5))


@pytest.mark.parametrize(
    ("kind", "kernel"),
    [
        ("top edge", np.where(DOWN >= 0, 1.0, -1.0)),  # bright below, as at the top of a light garment
        ("bottom edge", np.where(DOWN < 0, 1.0, -1.0)),
        ("left edge", np.where(RIGHT > 0, 1.0, -1.0)),
        ("right edge", np.where(RIGHT > 0, -1.0, 1.0)),
        ("top-left edge", np.where(DOWN + RIGHT > 0, 1.0, -1.0)),
        ("bottom-right edge", np.where(DOWN + RIGHT > 0, -1.0, 1.0)),
        ("top-right edge", np.where(DOWN - RIGHT > 0, 1.0, -1.0)),
        ("bottom-left edge", np.where(DOWN - RIGHT > 0, -1.0, 1.0)),
        ("horizontal line", np.where(DOWN == 0, 1.0, 0.0)),
        ("vertical line", np.where(RIGHT == 0, -1.0, 0.5)),
        ("falling line", np.where(DOWN == RIGHT, 1.0, 0.0)),
        ("rising line", np.where(DOWN == -RIGHT, 1.0, 0.0)),
        ("blob", np.exp(-(DOWN**2 + RIGHT**2) / 2.0)),
        ("blob", -np.exp(-((DOWN - 1) ** 2 + RIGHT**2) / 2.0)),
        (UNIFORM, np.full((5, 5), 0.7)),
        (UNIFORM, np.full((5, 5), -0.7)),
    ],
)
def test_drawn_kernels_get_their_name(kind: str, kernel: NDArray[np.float64]) -> None:
    scale = 2.0 if kind != UNIFORM else 1.0
    others = np.random.default_rng(1).standard_normal((50, 25))
    kinds, matches = classify_filters(np.vstack([scale * (kernel + NOISE).reshape(1, 25), others]))
    assert kinds[0] == kind
    assert 0 <= matches.min() <= matches.max() <= 1


def test_a_faint_kernel_beside_strong_ones_is_uniform() -> None:
    strong = np.random.default_rng(1).standard_normal((50, 25))
    faint = 0.1 * np.where(DOWN >= 0, 1.0, -1.0).reshape(1, 25)
    assert classify_filters(np.vstack([faint, strong]))[0][0] == UNIFORM


def test_noise_is_rarely_called_anything() -> None:
    noise = np.random.default_rng(7).standard_normal((4000, 25))
    kinds, _ = classify_filters(noise)
    named = np.mean([kind not in ("mixed", UNIFORM) for kind in kinds])
    assert named == pytest.approx(NULL_RATE, abs=0.015)


def test_what_is_written_describes_every_kernel() -> None:
    kernels = {"layer 1": torch.randn(8, 1, 5, 5), "layer 2": torch.randn(8, 8, 5, 5)}
    described = analyze_filters(kernels, "They began at random.")
    assert described.rule.endswith("They began at random.")
    for layer, (name, weights) in zip(described.layers, kernels.items(), strict=True):
        assert layer.name == name
        assert layer.shape == tuple(weights.shape)
        np.testing.assert_allclose(layer.weights, weights.flatten(), atol=1e-5)
        assert len(layer.types) == len(layer.correlations) == weights.shape[0] * weights.shape[1]
        assert set(layer.types) <= set(TYPES)
        assert sum(fraction.count for fraction in layer.fractions.values()) == len(layer.types)
