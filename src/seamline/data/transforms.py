"""Augmentations of a whole batch on its device. The caller draws the parameters of each image."""

import torch
from torch import Tensor
from torch.nn import functional as F


def hflip(images: Tensor, which: Tensor) -> Tensor:
    """Mirror the images (B, C, H, W) or masks (B, H, W) at `which` (B,) bool left to right."""
    return torch.where(which.view(-1, *[1] * (images.ndim - 1)), images.flip(-1), images)


def translate(images: Tensor, offsets: Tensor, limit: int) -> Tensor:
    """Translate images by whole pixels; the rest is black.

    Args:
        images: (B, C, H, W) uint8 or another dtype; the result is channels last in memory.
        offsets: (B, 2) int64, pixels down and to the right, -limit..limit.
        limit: largest translation.
    """
    _, _, height, width = images.shape
    padded = F.pad(images, (limit, limit, limit, limit)).permute(0, 2, 3, 1)
    rows = torch.arange(height, device=images.device) + limit - offsets[:, :1]  # (B, H)
    columns = torch.arange(width, device=images.device) + limit - offsets[:, 1:]  # (B, W)
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def warp(images: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Apply a homography to images, with bilinear interpolation and reflection at the borders.

    Args:
        images: (B, C, H, W) uint8.
        matrix: (B, 3, 3) float32, matrices from output to input coordinates, both -1..1 from edge to edge, x before y,
            as in `torch.nn.functional.affine_grid`. A last row of 0, 0, 1 makes an affine transformation.
        size: height h and width w of the output.

    Returns:
        (B, C, h, w) uint8, channels last in memory. At half the size, pixels are the mean of four.
    """
    sampled = _sample(images.float(), matrix, "bilinear", size)
    return sampled.round_().to(torch.uint8).contiguous(memory_format=torch.channels_last)


def warp_masks(masks: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Apply the homography of their images to masks, with the nearest pixel.

    Args:
        masks: (B, H, W), any integer dtype, values up to 2**24.
        matrix: (B, 3, 3) float32, as for `warp`.
        size: as for `warp`; the result is (B, h, w) of the same dtype.
    """
    return _sample(masks[:, None].float(), matrix, "nearest", size)[:, 0].to(masks.dtype)


def scaled_side(side: int, scale: float) -> int:
    """Return a side at a fraction of its length, at least 1 pixel."""
    return max(1, round(side * scale))


def _sample(maps: Tensor, matrix: Tensor, mode: str, size: tuple[int, int]) -> Tensor:
    """Sample (B, C, H, W) float32 maps at the positions that `matrix` (B, 3, 3) float32 gives."""
    shape = [*maps.shape[:2], *size]
    grid = F.affine_grid(matrix[:, :2], shape, align_corners=False)  # (B, h, w, 2)
    scale = F.affine_grid(matrix[:, 1:], shape, align_corners=False)[..., 1:]  # (B, h, w, 1), by the last row
    return F.grid_sample(maps, grid / scale, mode=mode, padding_mode="reflection", align_corners=False)


def gamma(images: Tensor, exponents: Tensor) -> Tensor:
    """Raise gray levels, as fractions of 255, to a power.

    Args:
        images: (B, C, H, W) uint8.
        exponents: (B,) float32, above 0; above 1 darkens.

    Returns:
        (B, C, H, W) uint8, channels last in memory.
    """
    levels = torch.linspace(0, 1, 256, device=images.device) ** exponents[:, None]  # (B, 256)
    tables = (255 * levels).round_().to(torch.uint8)
    pixels = images.permute(0, 2, 3, 1)  # (B, H, W, C)
    which = torch.arange(len(images), device=images.device)[:, None, None, None]
    return tables[which, pixels.long()].permute(0, 3, 1, 2)


def horizontal_cutmix(images: Tensor, columns: Tensor) -> Tensor:
    """Replace the right part of each image or mask by that of the previous one in the batch.

    Args:
        images: (B, C, H, W) or, for masks, (B, H, W); uint8 or another dtype.
        columns: (B,) int64, the first column that is replaced; W for none. The first image continues as the last.
    """
    replaced = torch.arange(images.shape[-1], device=images.device) >= columns[:, None]  # (B, W)
    return torch.where(replaced.view(len(images), *[1] * (images.ndim - 2), -1), images.roll(1, 0), images)


def erase(images: Tensor, boxes: Tensor, colors: Tensor) -> Tensor:
    """Fill a rectangle of each image with one color; the result is channels last in memory.

    Args:
        images: (B, C, H, W) uint8.
        boxes: (B, 4) int64, first row, first column, and the row and column after the last; empty where nothing is
            erased.
        colors: (B, C) uint8.
    """
    rows = torch.arange(images.shape[2], device=images.device)
    columns = torch.arange(images.shape[3], device=images.device)
    top, left, bottom, right = boxes[:, :, None].unbind(1)  # (B, 1) each
    inside_rows, inside_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    inside = inside_rows[:, :, None, None] & inside_columns[:, None, :, None]  # (B, H, W, 1)
    filled = torch.where(inside, colors[:, None, None], images.permute(0, 2, 3, 1))
    return filled.permute(0, 3, 1, 2)


def color_jitter(images: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Apply an affine transformation to the colors of images; the result is clipped and channels last in memory.

    Args:
        images: (B, C, H, W) uint8.
        matrix: (B, C, C) float32, output channel by input channel.
        offset: (B, C) float32, in gray levels.
    """
    pixels = images.permute(0, 2, 3, 1).flatten(1, 2).float()  # (B, H W, C)
    mixed = torch.baddbmm(offset[:, None, :], pixels, matrix.transpose(1, 2))
    count, channels, height, width = images.shape
    return mixed.round_().clamp_(0, 255).to(torch.uint8).view(count, height, width, channels).permute(0, 3, 1, 2)
