"""Random changes of a whole batch, on its device. Which change each image gets is decided by the caller."""

import torch
from torch import Tensor
from torch.nn import functional as F


def flip(images: Tensor, which: Tensor) -> Tensor:
    """Mirror some images, or masks, left to right.

    Args:
        images: (B, C, H, W) or (B, H, W).
        which: (B,) bool, the images to mirror.

    Returns:
        Of the shape, dtype and memory format of `images`.
    """
    return torch.where(which.view(-1, *[1] * (images.ndim - 1)), images.flip(-1), images)


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


def warp(images: Tensor, places: Tensor, size: float = 1.0) -> Tensor:
    """Shift, scale and stretch images; outside an image its mirror image goes on.

    Args:
        images: (B, C, H, W) uint8.
        places: (B, 2, 3) float32: where in the old image each place of the new one lies, both in -1..1 from edge to
            edge, x before y, as `torch.nn.functional.affine_grid` has it.
        size: height and width of the new image as a share of the old one's.

    Returns:
        (B, C, size H, size W) uint8, read between pixels, channels last in memory. At half the size that is the mean
        of four pixels.
    """
    moved = _read_at(images.float(), places, "bilinear", size)
    return moved.round_().to(torch.uint8).contiguous(memory_format=torch.channels_last)


def warp_masks(masks: Tensor, places: Tensor, size: float = 1.0) -> Tensor:
    """Shift, scale and stretch masks as `warp` does their images, reading the nearest pixel.

    Args:
        masks: (B, H, W), any integer dtype, values up to 2**24.
        places: as for `warp`.
        size: as for `warp`.

    Returns:
        (B, size H, size W), of the dtype of `masks`.
    """
    return _read_at(masks[:, None].float(), places, "nearest", size)[:, 0].to(masks.dtype)


def scaled(side: int, size: float) -> int:
    """Return how many pixels a side of `side` pixels has at a share of its size; at least 1."""
    return max(1, round(side * size))


def _read_at(maps: Tensor, places: Tensor, mode: str, size: float) -> Tensor:
    """Read (B, C, H, W) float32 at the places that the matrices give, for an image of a share of its size."""
    shape = [*maps.shape[:2], *(scaled(side, size) for side in maps.shape[2:])]
    grid = F.affine_grid(places, shape, align_corners=False)
    return F.grid_sample(maps, grid, mode=mode, padding_mode="reflection", align_corners=False)


def cutmix(images: Tensor, columns: Tensor) -> Tensor:
    """Let images, or masks, go on as the one before them in the batch: two fronts side by side.

    Args:
        images: (B, C, H, W) or (B, H, W).
        columns: (B,) int64, the first column of each that is taken from the one before it; W for none. The first one
            goes on as the last.

    Returns:
        Of the shape, dtype and memory format of `images`.
    """
    taken = torch.arange(images.shape[-1], device=images.device) >= columns[:, None]  # (B, W)
    return torch.where(taken.view(len(images), *[1] * (images.ndim - 2), -1), images.roll(1, 0), images)


def recolour(images: Tensor, mixing: Tensor, lift: Tensor) -> Tensor:
    """Give each image other colours: each channel becomes a mixture of the channels, plus a number.

    Args:
        images: (B, C, H, W) uint8.
        mixing: (B, C, C) float32; row the new channel, column the old one.
        lift: (B, C) float32, in grey levels.

    Returns:
        (B, C, H, W) uint8, cut at 0 and 255, channels last in memory.
    """
    pixels = images.permute(0, 2, 3, 1).flatten(1, 2).float()  # (B, H W, C)
    mixed = torch.baddbmm(lift[:, None, :], pixels, mixing.transpose(1, 2))
    as_bytes = mixed.round_().clamp_(0, 255).to(torch.uint8)
    count, channels, height, width = images.shape
    return as_bytes.view(count, height, width, channels).permute(0, 3, 1, 2)
