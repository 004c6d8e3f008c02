"""A trained network is asked about images; nothing is learned."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seamline.data.lazy_array import ArrayLike

PIXELS_AT_ONCE = 784_000  # 1,000 garments of 28 x 28; fixed, because the rounding of a sum may depend on it


def eval_batch_size(images: ArrayLike) -> int:
    """Return how many images (N, H, W, C) are shown to a network at once: as many as the pixels allow, at least 1."""
    height, width = images.shape[1:3]
    return max(1, PIXELS_AT_ONCE // int(height * width))


def iter_batches(images: ArrayLike, device: torch.device) -> Iterator[Tensor]:
    """Yield `images` (N, H, W, C) uint8 as (b, C, H, W) uint8 tensors on `device`, in order."""
    size = eval_batch_size(images)
    for start in range(0, len(images), size):
        portion = np.ascontiguousarray(images[start : start + size])
        yield torch.from_numpy(portion).to(device).permute(0, 3, 1, 2)


def ask(network: nn.Module, images: ArrayLike) -> Iterator[NDArray[np.float32]]:
    """Yield the network's scores portion by portion, in the order of the images.

    Args:
        network: (B, C, H, W) uint8 -> (B, K) or (B, K, H, W); asked in evaluation mode and left in the mode it was in.
        images: (N, H, W, C) uint8.

    Yields:
        (b, K) or (b, K, H, W) float32, the higher the likelier.
    """
    device = next(network.parameters()).device
    for portion in iter_batches(images, device):
        training = network.training
        network.eval()
        try:
            with torch.inference_mode():
                scores = network(portion).float().contiguous().cpu().numpy()
        finally:
            network.train(training)
        yield scores


def predict_scores(network: nn.Module, images: ArrayLike) -> NDArray[np.float32]:
    """Return the network's scores for every image: (N, K) or (N, K, H, W) float32; `ask`, put together."""
    return np.concatenate(list(ask(network, images)))
