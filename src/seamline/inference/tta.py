"""Test-time augmentation: predictions averaged over image scales and horizontal flips."""

from itertools import combinations, product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.models.blocks import BaseModel
from seamline.models.saved import load_saved_model
from seamline.run_folder import RunFolder


class TTA(nn.Module):
    """A model whose predictions are averaged over image scales and, with `hflip`, over the mirrored image.

    Logits are averaged. Where `model.log_probs` is True the result is the log-softmax of the mean, else the mean.

    Args:
        model: the model; its weights are shared.
        hflip: whether to average over each image and its mirror image.
        scales: image scales, 1 for the image's own size; by default `model.tta_scales`. Only models for segmentation
            take others than 1.
    """

    def __init__(self, model: BaseModel, hflip: bool, scales: tuple[float, ...] | None = None) -> None:
        super().__init__()
        self.model = model
        self.hflip = hflip
        self.scales = model.tta_scales if scales is None else scales
        self.training = model.training

    def forward(self, images: Tensor) -> Tensor:
        """Predict.

        Args:
            images: (B, C, H, W) uint8.

        Returns:
            Log-probabilities, or logits unless `model.log_probs`, (B, K) or (B, K, H, W) float32.
        """
        pixels = self.model.normalize(images)
        size = list(pixels.shape[-2:])
        views = []
        for scale in self.scales:
            view = pixels if scale == 1 else _resize(pixels, [_scaled(side, scale) for side in size])
            logits = self._average_flips(view)
            views.append(logits if scale == 1 else _resize(logits, size))
        mean = sum(views[1:], views[0]) / len(views)
        return mean.log_softmax(1) if self.model.log_probs else mean

    def _average_flips(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) float32, normalized -> logits, (B, K) or (B, K, H, W) float32."""
        if not self.hflip:
            return self.model.forward_logits(pixels)
        count = pixels.shape[0]
        logits = self.model.forward_logits(torch.cat([pixels, pixels.flip(-1)]))
        first, second = logits[:count], logits[count:]
        return (first + (second.flip(-1) if second.ndim == 4 else second)) / 2

    def features(self, images: Tensor) -> Tensor:
        """Return the pooled features of images (B, C, H, W) uint8, without augmentation: (B, D) float32."""
        return self.model.pooled_features(self.model.normalize(images))

    @property
    def cost(self) -> float:
        """Pixels that the model processes per pixel of an image."""
        return sum(scale**2 for scale in self.scales) * (1 + self.hflip)

    @property
    def description(self) -> str:
        """Scales and flip in words, such as `scales 1 and 1.25, horizontal flip`."""
        scales = " and ".join(f"{scale:g}" for scale in self.scales)
        return f"scale{'s' * (len(self.scales) > 1)} {scales}{', horizontal flip' if self.hflip else ''}"

    def reduced(self) -> list["TTA"]:
        """Return the same model with every proper subset of the scales and flips, in order of cost."""
        counts = range(1, len(self.scales) + 1)
        subsets = [scales for count in counts for scales in combinations(self.scales, count)]
        flips = (False, True) if self.hflip else (False,)
        variants = [TTA(self.model, hflip, scales) for scales, hflip in product(subsets, flips)]
        return sorted((tta for tta in variants if tta.cost < self.cost), key=lambda tta: tta.cost)


def load_tta(folder: RunFolder) -> TTA:
    """Load the model of a finished run with its test-time augmentation, on the CPU.

    Raises:
        SeamlineError: training has not finished, or the files of the run are damaged.
    """
    model = load_saved_model(folder)
    hflip = folder.info.read().config.get("hflip")
    if not isinstance(hflip, bool):
        raise folder.info.error(f"$.config.hflip is {hflip!r}, not true or false")
    return TTA(model, hflip)


def _scaled(side: int, scale: float) -> int:
    """Return `scale * side`, rounded, in integer arithmetic alone, so that an exported graph has the formula."""
    numerator, denominator = float(scale).as_integer_ratio()
    return (2 * side * numerator + denominator) // (2 * denominator)


def _resize(maps: Tensor, size: list[int]) -> Tensor:
    """(B, C, h, w) float32 -> (B, C, *size) float32, bilinear."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
