"""A network of PyTorch -> the same with whole numbers of eight bits, by PyTorch's own tools, to compare with."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from seamline.models.segmenters import Segmenter

warnings.filterwarnings("ignore", module=r"torch\.ao")  # it is kept there for those who have not moved to torchao


class _Core(nn.Module):
    """What a segmenter does with pixels that are normalised and padded: all its layers."""

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w)."""
        return self.network.forward_padded(pixels)


def in_whole_numbers(network: Any, images: Any) -> Any:
    """Return a network in evaluation mode whose layers multiply whole numbers of eight bits.

    Args:
        network: of float32, with test-time augmentation; a segmenter is changed in place.
        images: (N, H, W, C) uint8, training images by which the ranges are found.
    """
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    shown = torch.from_numpy(images).permute(0, 3, 1, 2)
    model = network.model
    masks = isinstance(model, Segmenter)
    core: Any = _Core(model).eval() if masks else network.eval()
    seen = (model.normalize(shown) if masks else shown,)
    with torch.inference_mode():
        observed = prepare_fx(core, get_default_qconfig_mapping("x86"), seen)
        for start in range(0, len(seen[0]), 16):
            observed(seen[0][start : start + 16])
        made = convert_fx(observed)
    if not masks:
        return made
    model.__dict__["forward_padded"] = made  # before the method of the class
    return network
