"""A graph of float32 -> one that works, in between, with whole numbers of eight bits."""

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

CALIBRATION_PIXELS = 2_000_000
"""Pixels of training images by which the ranges are found, about."""

_WHOLE = ("Conv", "Add", "Relu", "Resize", "AveragePool")  # what works with them


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Hands out images one portion after another."""

    def __init__(self, images: NDArray[np.uint8], together: int) -> None:
        parts = range(0, len(images), together)
        self.portions = (np.ascontiguousarray(images[i : i + together].transpose(0, 3, 1, 2)) for i in parts)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        portion = next(self.portions, None)
        return None if portion is None else {"images": portion}


def quantise(graph: onnx.ModelProto, images: NDArray[np.uint8], together: int) -> onnx.ModelProto:
    """Return a graph that works with whole numbers of eight bits between its first convolution and its last ones.

    Convolutions, sums, ReLU, resizing and average pooling do; all else stays float32, and so do the convolutions with
    none between them and the scores, what is done with these, and with pixels before the first one. Each channel of a
    convolution's weights gets a scale of its own; a map's range is the largest met on the images.

    Args:
        graph: float32, as `seamline.export.to_onnx.trace` makes it.
        images: (N, H, W, C) uint8, of those that the network learned from.
        together: images that are asked about at once.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / name for name in ("plain.onnx", "ready.onnx", "small.onnx"))
        onnx.save(graph, plain)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # it warns at the root of all that it might do better
        try:
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(small),
                _Images(images, together),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_WHOLE),
                nodes_to_exclude=_at_the_ends(onnx.load(ready)),
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logging.getLogger().setLevel(level)
        made: onnx.ModelProto = onnx.load(small)
    _share_weights(made)
    described = {one.key: one.value for one in graph.metadata_props}
    del made.metadata_props[:]
    onnx.helper.set_model_props(made, described | {"numbers": json.dumps("int8")})
    return made


def _at_the_ends(graph: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes with no convolution before them, or none after them, these last ones included."""
    after_one: set[str] = set()
    found = []
    for node in graph.graph.node:  # in the order in which they are worked out
        if node.op_type == "Conv" or after_one.intersection(node.input):
            after_one.update(node.output)
        else:
            found.append(node.name)
    makers = {output: node for node in graph.graph.node for output in node.output}
    waiting, seen = [output.name for output in graph.graph.output], set()
    while waiting:
        name = waiting.pop()
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        found.append(node.name)
        if node.op_type != "Conv":
            waiting.extend(node.input)
    return found


def _share_weights(graph: onnx.ModelProto) -> None:
    """Keep weights that are the same once: a network that looks at mirror images asks the same layers twice."""
    first: dict[tuple[object, ...], str] = {}
    names: dict[str, str] = {}
    for weights in graph.graph.initializer:
        content = onnx.numpy_helper.to_array(weights)
        names[weights.name] = first.setdefault((weights.data_type, content.shape, content.tobytes()), weights.name)
    kept = [weights for weights in graph.graph.initializer if names[weights.name] == weights.name]
    for node in graph.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
