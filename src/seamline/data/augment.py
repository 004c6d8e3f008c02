"""Random changes of a whole batch, on its device. Which change each image gets is decided by the caller."""

import torch
from torch import Tensor
from torch.nn import functional as F


def flip(images: Tensor, which: Tensor) -> Tensor:
    """Mirror some images left to right.

    Args:
        images: (B, C, H, W).
        which: (B,) bool, the images to mirror.

    Returns:
        (B, C, H, W), of the dtype and memory format of `images`.
    """
    return torch.where(which[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, down: Tensor, right: Tensor, reach: int) -> Tensor:
    """Move each image by whole pixels; what comes in from outside is black (0).

    Args:
        images: (B, C, H, W).
        down: (B,) int64, pixels to move down, -reach..reach.
        right: (B,) int64, pixels to move to the right, -reach..reach.
        reach: the largest move, in pixels.

    Returns:
        (B, C, H, W), of the dtype of `images`, channels last in memory.
    """
    _, _, height, width = images.shape
    padded = F.pad(images, (reach, reach, reach, reach)).permute(0, 2, 3, 1)
    rows = torch.arange(height, device=images.device) + reach - down[:, None]
    columns = torch.arange(width, device=images.device) + reach - right[:, None]
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
