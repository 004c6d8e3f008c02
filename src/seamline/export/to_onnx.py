"""A network -> an ONNX graph for images of any number and, where it gives masks, of any size."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import onnx
import torch
from onnxscript import opset18
from torch import Tensor, nn
from torch.export import Dim

from seamline.inference.onnx_metadata import to_metadata
from seamline.inference.tta import TTA

WEIGHT = "network.model."
"""What the names of the weights in a graph begin with, before those in `model.safetensors`."""

_OP: Any = opset18
_FLOAT = onnx.TensorProto.FLOAT  # all that is exported works in it
_AXES = ("batch", "height", "width")


class _Answers(nn.Module):
    """Both outputs of an exported network."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) uint8 -> scores and probabilities, (B, K) or (B, K, H, W) float32."""
        scores = self.network(images)
        return scores, (scores / self.temperature).softmax(1)


def trace(network: TTA, description: Mapping[str, Any]) -> onnx.ModelProto:
    """Return a network as an ONNX graph: `images` (B, C, H, W) uint8 -> `scores` and `probabilities`, float32.

    Normalisation, the answer for both sides and all sizes at which the network looks are part of the graph.

    Args:
        network: on the processor; put into evaluation mode.
        description: see `seamline.inference.onnx_metadata`; its `temperature` is what `probabilities` are made with.
    """
    height, width, channels = description["image"]
    segments = bool(description["colours"])
    if segments:  # sides that are no multiple of any stride, so that nothing of the example's is taken for a rule
        height, width = height + 13, width + 29
    network = network.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    free = {0: Dim.DYNAMIC} | ({2: Dim.DYNAMIC, 3: Dim.DYNAMIC} if segments else {})
    with _quiet():
        program = torch.onnx.export(
            _Answers(network, description["temperature"]),
            (torch.zeros(2, channels, height, width, dtype=torch.uint8),),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=["images"],
            output_names=["scores", "probabilities"],
            optimize=True,
            verbose=False,
            custom_translation_table={
                torch.ops.aten.softmax.int: _softmax,
                torch.ops.aten.log_softmax.int: _log_softmax,
            },
        )
    graph: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]  # None is for other formats
    graph.producer_name = "seamline"
    del graph.graph.value_info[:]  # what lies between needs no names
    _name_axes(graph, segments)
    onnx.helper.set_model_props(graph, to_metadata(description))
    return graph


def _log_softmax(scores: Any, dim: int, dtype: int | None = None) -> Any:
    """Write a log softmax in steps: ONNX Runtime's own takes several times as long where the axis is not the last."""
    if _is_last(scores, dim) or dtype is not None:
        return _OP.LogSoftmax(scores if dtype is None else _OP.Cast(scores, to=_FLOAT), axis=dim)
    shifted, _, total = _steps(scores, dim)
    return _OP.Sub(shifted, _OP.Log(total))


def _softmax(scores: Any, dim: int, dtype: int | None = None) -> Any:
    """Write a softmax in steps, too."""
    if _is_last(scores, dim) or dtype is not None:
        return _OP.Softmax(scores if dtype is None else _OP.Cast(scores, to=_FLOAT), axis=dim)
    _, powers, total = _steps(scores, dim)
    return _OP.Div(powers, total)


def _steps(scores: Any, dim: int) -> tuple[Any, Any, Any]:
    """Write scores less the highest along an axis, their powers of e, and the sum of these."""
    axis = _OP.Constant(value_ints=[dim])
    shifted = _OP.Sub(scores, _OP.ReduceMax(scores, axis))
    powers = _OP.Exp(shifted)
    return shifted, powers, _OP.ReduceSum(powers, axis)


def _is_last(scores: Any, dim: int) -> bool:
    """Tell whether an axis is the last one."""
    return dim in (-1, len(scores.shape) - 1)


def _name_axes(graph: onnx.ModelProto, segments: bool) -> None:
    """Give the free axes the names that people expect; the tracer's are formulas."""
    for value in (*graph.graph.input, *graph.graph.output):
        dims = value.type.tensor_type.shape.dim
        for place, axis in zip((0, 2, 3), _AXES, strict=True):
            if place < len(dims) and (place == 0 or segments):
                dims[place].dim_param = axis


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the tracer's remarks on its own insides from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
