"""Static int8 quantization by PyTorch itself, for comparison."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from seamline.models.segmenters import Segmenter

warnings.filterwarnings("ignore", module=r"torch\.ao")  # deprecated in favor of torchao


class _Core(nn.Module):
    """All layers of a segmenter, without normalization and padding."""

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, K, h, w)."""
        return self.network.forward_padded(pixels)


def quantize_int8(tta_model: Any, images: Any) -> Any:
    """Return a model in evaluation mode whose layers compute in int8.

    Args:
        tta_model: float32 model with test-time augmentation; a segmenter is changed in place.
        images: (N, H, W, C) uint8, training images for the calibration.
    """
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    model = tta_model.model
    masks = isinstance(model, Segmenter)
    core: Any = _Core(model).eval() if masks else tta_model.eval()
    inputs = (model.normalize(pixels) if masks else pixels,)
    with torch.inference_mode():
        observer = prepare_fx(core, get_default_qconfig_mapping("x86"), inputs)
        for start in range(0, len(inputs[0]), 16):
            observer(inputs[0][start : start + 16])
        quantized = convert_fx(observer)
    if not masks:
        return quantized
    model.__dict__["forward_padded"] = quantized  # overrides the method of the class
    return tta_model
