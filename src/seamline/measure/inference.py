"""A trained network is asked about images; nothing is learned."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ASKED_AT_ONCE = 1000  # images; fixed, because the rounding of a sum may depend on it


def portions(images: NDArray[np.uint8], device: torch.device) -> Iterator[Tensor]:
    """Yield `images` (N, H, W, C) uint8 as (b, C, H, W) uint8 tensors on `device`, in order."""
    for start in range(0, len(images), ASKED_AT_ONCE):
        portion = np.ascontiguousarray(images[start : start + ASKED_AT_ONCE])
        yield torch.from_numpy(portion).to(device).permute(0, 3, 1, 2)


def predict_scores(network: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the network's scores for every image.

    Args:
        network: (B, C, H, W) uint8 -> (B, K); asked in evaluation mode and left in the mode it was in.
        images: (N, H, W, C) uint8.

    Returns:
        (N, K) float32, the higher the likelier.
    """
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    with torch.inference_mode():
        scores = [network(portion).float().cpu().numpy() for portion in portions(images, device)]
    network.train(training)
    return np.concatenate(scores)
