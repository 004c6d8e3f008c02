import numpy as np
import pytest
import torch

from seamline.data.dataset import Dataset, Split
from seamline.data.splits import train_val_split
from seamline.study.resolution import SEEDS, resolution_effect


def textures(count: int, seed: int, first_group: int = 0) -> Split:
    """Draw 16 x 16 images: checkerboards, uniform gray of the same mean, and bright ones; all with noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(90, 110, (count, 16, 16, 1))
    board = np.indices((16, 16)).sum(0)[..., None] % 2
    images[labels == 0] += 60 * board - 30
    images[labels == 2] += 80
    return Split(
        images.astype(np.uint8), labels, tuple(f"{seed}/{i}" for i in range(count)), first_group + np.arange(count)
    )


def test_a_texture_of_single_pixels_is_lost_at_half_the_resolution() -> None:
    test = textures(120, 2, 3000)
    classes = ("fine", "uniform", "bright")
    data = Dataset("textures", "Textures", classes, textures(1200, 1), test, "a test", task="classification")
    steps: list[tuple[int, int]] = []
    effect = resolution_effect(
        train_val_split(data, fraction=0.1, seed=0),
        test,
        3,
        0,
        [1],
        device=torch.device("cpu"),
        progress=lambda *step: steps.append(step),
    )
    assert steps[-1] == (2 * SEEDS, 2 * SEEDS)
    assert effect.full < 0.1
    assert effect.half > 0.3
    assert effect.difference.value == pytest.approx(effect.half - effect.full)
    assert effect.difference.value == pytest.approx(np.mean(effect.by_seed))
    spread = 4.303 * np.std(effect.by_seed, ddof=1) / np.sqrt(SEEDS)
    assert effect.difference.low <= effect.difference.value - spread + 1e-3
    assert effect.difference.low > 0
    assert effect.accuracy[0] > effect.accuracy[1]
