import numpy as np
import pytest
import torch

from seamline.models.blocks import Normalize, Residual


def test_normalisation_is_exact_and_lies_in_the_weights() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 9, 8, 3), dtype=np.uint8)
    images[..., 2] = 7  # a channel without any contrast
    normalize = Normalize(3)
    normalize.fit(images)
    expected = images.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(normalize.state_dict()["mean"].flatten(), expected.mean(0), rtol=1e-6)
    np.testing.assert_allclose(normalize.state_dict()["std"].flatten()[:2], expected.std(0)[:2], rtol=1e-6)
    out = normalize(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert torch.isfinite(out).all()
    torch.testing.assert_close(out[:, :2].mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(4, 4, 1), (4, 6, 1), (4, 6, 2)])
def test_a_fresh_residual_block_is_its_shortcut(inputs: int, outputs: int, stride: int) -> None:
    block = Residual(inputs, outputs, stride).eval()
    maps = torch.randn(2, inputs, 8, 12)
    assert block(maps).shape == (2, outputs, 8 // stride, 12 // stride)
    torch.testing.assert_close(block(maps), torch.relu(block.shortcut(maps)))
