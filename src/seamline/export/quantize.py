"""Static quantization of an ONNX graph to int8."""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxscript import ir

from seamline.data.lazy_array import iter_chunks
from seamline.export.to_onnx import silence
from seamline.inference.backends import CHUNK_BYTES
from seamline.training.run_data import STORED_PIXELS

CALIBRATION_PIXELS = STORED_PIXELS
"""Pixels of training images on which the ranges of activations are measured."""

_QUANTIZED = ("Conv", "Add", "Relu", "Resize", "AveragePool")


class _ImageReader(CalibrationDataReader):  # type: ignore[misc]
    """Yields images (N, H, W, C) uint8 in batches, as a graph takes them."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.batches = iter_chunks(images, CHUNK_BYTES)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))}


def quantize_int8(graph: onnx.ModelProto, images: NDArray[np.uint8]) -> onnx.ModelProto:
    """Return a graph that computes in int8 between its first convolution and its last ones.

    Convolutions, sums, ReLU, resizing and average pooling are quantized. Everything before the first convolution, the
    last convolutions, and everything after them stay float32. Weights have a scale for each output channel; the range
    of an activation is its largest on the images.

    Args:
        graph: float32, as `seamline.export.to_onnx.to_onnx` returns it.
        images: (N, H, W, C) uint8, images from the training split.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, quantized = (Path(folder) / f"{name}.onnx" for name in ("source", "prepared", "quantized"))
        onnx.save(graph, source)
        with silence():
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(quantized),
                _ImageReader(images),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_QUANTIZED),
                nodes_to_exclude=_float_nodes(onnx.load(prepared)),
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        model = ir.serde.deserialize_model(onnx.load(quantized))
    # the graph applies the same layers several times, for test-time augmentation
    ir.passes.common.DeduplicateHashedInitializersPass()(model)
    model.metadata_props.clear()
    model.metadata_props.update({entry.key: entry.value for entry in graph.metadata_props})
    model.metadata_props["precision"] = json.dumps("int8")
    result = ir.serde.serialize_model(model)
    del result.graph.value_info[:]  # intermediate values need no names
    return result


def _float_nodes(graph: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes with no convolution before them or none after them; last convolutions included."""
    after_conv: set[str] = set()
    names = []
    for node in graph.graph.node:  # in topological order
        if node.op_type == "Conv" or after_conv.intersection(node.input):
            after_conv.update(node.output)
        else:
            names.append(node.name)
    producers = {output: node for node in graph.graph.node for output in node.output}
    # features are quantized to their end, so that their layers share the quantized weights
    pending, visited = [output.name for output in graph.graph.output if output.name != "features"], set()
    while pending:
        value = pending.pop()
        node = producers.get(value)
        if node is None or value in visited:
            continue
        visited.add(value)
        names.append(node.name)
        if node.op_type != "Conv":
            pending.extend(node.input)
    return names
