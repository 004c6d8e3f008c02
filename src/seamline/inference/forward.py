"""Runs a PyTorch model on images, without gradients, in batches of a fixed size."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seamline.data.lazy_array import ArrayLike
from seamline.inference.tta import TTA

BATCH_PIXELS = 784_000  # 1,000 images of 28 x 28; fixed, because the rounding of sums may depend on it


def eval_batch_size(images: ArrayLike) -> int:
    """Return how many images (N, H, W, C) uint8 make a batch: as many as `BATCH_PIXELS` allow, at least one."""
    height, width = images.shape[1:3]
    return max(1, BATCH_PIXELS // int(height * width))


def iter_batches(images: ArrayLike, device: torch.device) -> Iterator[Tensor]:
    """Yield images (N, H, W, C) uint8 as batches (b, C, H, W) uint8 on `device`, in order."""
    size = eval_batch_size(images)
    for start in range(0, len(images), size):
        batch = np.ascontiguousarray(images[start : start + size])
        yield torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)


def predict_batches(model: nn.Module, images: ArrayLike) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of images, batch by batch.

    Args:
        model: (B, C, H, W) uint8 -> logits (B, K) or (B, K, H, W); it runs in evaluation mode and keeps its mode.
        images: (N, H, W, C) uint8.

    Yields:
        (b, K) or (b, K, H, W) float32.
    """
    yield from _run_batches(model, model, images)


def predict_logits(model: nn.Module, images: ArrayLike) -> NDArray[np.float32]:
    """Return the logits of images (N, H, W, C) uint8: (N, K) or (N, K, H, W) float32."""
    return np.concatenate(list(predict_batches(model, images)))


def predict_features(model: TTA, images: ArrayLike) -> NDArray[np.float32]:
    """Return the pooled features of images (N, H, W, C) uint8, see `BaseModel.pooled_features`: (N, D) float32."""
    return np.concatenate(list(_run_batches(model, model.features, images)))


def _run_batches(
    model: nn.Module, function: Callable[[Tensor], Tensor], images: ArrayLike
) -> Iterator[NDArray[np.float32]]:
    """Yield what a function of a model returns for images, batch by batch, in evaluation mode; it keeps its mode."""
    device = next(model.parameters()).device
    for batch in iter_batches(images, device):
        training = model.training
        model.eval()
        try:
            with torch.inference_mode():
                values = function(batch).float().contiguous().cpu().numpy()
        finally:
            model.train(training)
        yield values
