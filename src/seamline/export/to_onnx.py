"""Traces a model as an ONNX graph for batches of any size and, for segmentation, images of any size."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx
import torch
from onnxscript import opset18
from torch import Tensor, nn
from torch.export import Dim

from seamline.inference.tta import TTA
from seamline.run_folder import ExportMetadata

WEIGHT_PREFIX = "model.model."
"""Prefix of the names of weights in a graph, before their names in `model.safetensors`."""

_OP: Any = opset18
_FLOAT = onnx.TensorProto.FLOAT
_AXES = {0: "batch", 2: "height", 3: "width"}


class _Outputs(nn.Module):
    """A model with the outputs of an exported file.

    Args:
        model: the model with its test-time augmentation.
        temperature: what logits are divided by.
    """

    def __init__(self, model: TTA, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, H, W) uint8 -> logits and probabilities, (B, K) or (B, K, H, W), and features (B, D), all float32."""
        logits = self.model(images)
        return logits, (logits / self.temperature).softmax(1), self.model.features(images)


def to_onnx(model: TTA, metadata: ExportMetadata) -> onnx.ModelProto:
    """Return a model as an ONNX graph: `images` (B, C, H, W) uint8 -> `logits`, `probabilities`, `features`, float32.

    Normalization and test-time augmentation are part of the graph; features are those of the images as they are.

    Args:
        model: the model on the CPU; set to evaluation mode.
        metadata: metadata of the file; its temperature scales `probabilities`.
    """
    height, width, channels = metadata.input_size
    segmentation = metadata.task == "segmentation"
    if segmentation:  # sides that are no multiple of any stride, so that nothing of the example becomes a constant
        height, width = height + 13, width + 29
    model = model.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    axes = _AXES if segmentation else {0: "batch"}
    with silence():
        program = torch.onnx.export(
            _Outputs(model, metadata.temperature),
            (torch.zeros(2, channels, height, width, dtype=torch.uint8),),
            dynamo=True,
            dynamic_shapes=(dict.fromkeys(axes, Dim.DYNAMIC),),
            input_names=["images"],
            output_names=["logits", "probabilities", "features"],
            optimize=False,
            verbose=False,
            custom_translation_table={
                torch.ops.aten.softmax.int: _softmax,
                torch.ops.aten.log_softmax.int: _log_softmax,
            },
        )
        _optimize(program)
    graph: onnx.ModelProto = program.model_proto  # type: ignore[union-attr]  # None is for other formats
    graph.producer_name = "seamline"
    del graph.graph.value_info[:]  # intermediate values need no names
    for node in graph.graph.node:  # traces name source files of this machine
        del node.metadata_props[:]
    for value in (*graph.graph.input, *graph.graph.output):  # the tracer names free axes by formulas
        dims = value.type.tensor_type.shape.dim
        for axis, name in axes.items():
            if axis < len(dims):
                dims[axis].dim_param = name
    onnx.helper.set_model_props(graph, metadata.to_metadata())
    return graph


def _optimize(program: Any) -> None:
    """Simplify a graph without changing its weights.

    The optimizer folds batch normalization into weights that are used once, unless they are inputs of the graph, as
    they are here meanwhile. Backends fold it when they load the file.
    """
    graph = program.model.graph
    count = len(graph.inputs)
    graph.inputs.extend(graph.initializers.values())
    program.optimize()
    del graph.inputs[count:]


def _log_softmax(logits: Any, dim: int, dtype: int | None = None) -> Any:
    """Write log-softmax in steps: ONNX Runtime's own takes several times as long if the axis is not the last."""
    if _is_last(logits, dim) or dtype is not None:
        return _OP.LogSoftmax(logits if dtype is None else _OP.Cast(logits, to=_FLOAT), axis=dim)
    shifted, _, total = _softmax_steps(logits, dim)
    return _OP.Sub(shifted, _OP.Log(total))


def _softmax(logits: Any, dim: int, dtype: int | None = None) -> Any:
    """Write softmax in steps as well."""
    if _is_last(logits, dim) or dtype is not None:
        return _OP.Softmax(logits if dtype is None else _OP.Cast(logits, to=_FLOAT), axis=dim)
    _, exponentials, total = _softmax_steps(logits, dim)
    return _OP.Div(exponentials, total)


def _softmax_steps(logits: Any, dim: int) -> tuple[Any, Any, Any]:
    """Write logits minus their maximum along an axis, the exponentials of these, and their sum."""
    axis = _OP.Constant(value_ints=[dim])
    shifted = _OP.Sub(logits, _OP.ReduceMax(logits, axis))
    exponentials = _OP.Exp(shifted)
    return shifted, exponentials, _OP.ReduceSum(exponentials, axis)


def _is_last(logits: Any, dim: int) -> bool:
    return dim in (-1, len(logits.shape) - 1)


@contextmanager
def silence() -> Iterator[None]:
    """Hide the warnings of libraries about their internals."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
