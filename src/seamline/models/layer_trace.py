"""The layers of a model in the order in which an image passes through them, with their sizes and costs."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from seamline.models.blocks import BaseModel
from seamline.models.receptive_field import Field, arguments, field_behind, join_fields, window_of
from seamline.run_folder import ModelLayer

MAX_ROWS = 30
"""Rows of a table of blocks at most."""
LISTED_KINDS = 4
"""Layers of a block whose kinds are listed, at most."""

RULE = (
    "Multiply-adds are those of convolutions and linear layers, for one image. The receptive field is the largest part "
    "of the image that one output of a layer depends on, the smallest rectangle around it: a window of k pixels at "
    "dilation d adds (k − 1) d steps, where a step is the distance of neighboring outputs in the image, and a stride "
    "multiplies the step. Where branches join, and in upsampling, it is the union for each output."
)

_KINDS = {
    "cat": "Concatenate", "interpolate": "Upsample", "pixel_shuffle": "Pixel shuffle", "__getitem__": "Crop",
    "relu": "ReLU", "relu_": "ReLU", "batch_norm": "Batch normalization", "scaled_dot_product_attention": "Attention",
    "matmul": "Matrix product", "__matmul__": "Matrix product", "mean": "Mean", "linear": "Linear", "conv2d": "Conv2d",
    "add": "Add", "__add__": "Add", "add_": "Add", "__iadd__": "Add", "mul": "Multiply", "__mul__": "Multiply",
}  # fmt: skip
"""Functions -> what a table calls them."""
_SILENT = {
    "unsqueeze", "squeeze", "transpose", "permute", "contiguous", "view", "reshape", "chunk", "split", "unbind", "to",
    "float", "detach", "dropout", "dropout2d", "expand", "type_as", "clone", "softmax",
}  # fmt: skip
"""Functions that are no layers of their own."""


_ATTENTION = ("scaled_dot_product_attention", "matmul", "__matmul__", "bmm", "einsum")
"""Functions that let each position depend on all others, where they multiply maps by maps."""


@dataclass(eq=False)
class _Row:
    """A layer while the image passes through it."""

    path: str
    kind: str
    inputs: set[int]
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0
    field: Field | None = None

    def layer(self, prefix: str) -> ModelLayer:
        """Return the layer, its path without a prefix."""
        assert self.field is not None  # noqa: S101 - each function sets it
        return ModelLayer(
            name=self.path.removeprefix(prefix),
            kind=self.kind,
            kernel=self.kernel,
            stride=self.stride,
            shape=self.shape,
            parameters=self.parameters,
            multiply_adds=self.multiply_adds,
            receptive_field=self.field.size,
            inputs=tuple(sorted(self.inputs)),
        )


class _Trace(TorchFunctionMode):
    """Records what happens to the image: which function, in which module, with which receptive field."""

    def __init__(self, model: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.paths = {module: name for name, module in model.named_modules()}
        self.stack: list[nn.Module] = []
        self.rows: list[_Row] = []
        self.open_row: _Row | None = None  # of the module without parts that is running
        self.tracked: Any = WeakIdKeyDictionary()  # tensor -> its receptive field and the row that it comes from
        self.tracked[image] = (Field.of_image(*image.shape[2:]), -1)
        self.counted: set[int] = set()  # ids of the parameters that a row counts

    def enter(self, module: nn.Module, _: Any) -> None:
        self.stack.append(module)
        self.open_row = None

    def leave(self, *_: Any) -> None:
        self.stack.pop()
        self.open_row = None

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result, name = func(*args, **(kwargs or {})), getattr(func, "__name__", "")
        inputs = [one for one in _tensors((*args, *(kwargs or {}).values())) if one in self.tracked]
        outputs = _tensors([result])
        if inputs and outputs:
            self._record(name, arguments(name, args, kwargs or {}), inputs, outputs)
        return result

    def _record(self, name: str, given: dict[str, Any], inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Follow the image through a function, and add a row where it is a layer."""
        known = [self.tracked[one] for one in inputs]
        output, sources = outputs[0], {row for _, row in known if row >= 0}
        reach = field_behind(name, given, output, join_fields([one for one, _ in known]))
        reach = reach.union if name in _ATTENTION and len(inputs) > 1 else reach
        row = self._row(name, sources, inputs, output)
        number = max(sources, default=-1) if row is None else len(self.rows) - 1
        if row is not None:
            row.inputs |= sources - {number}
            kernel, stride = window_of(name, given)
            row.kernel, row.stride = row.kernel or kernel, row.stride or stride
            row.shape, row.field = tuple(output.shape[1:]), reach
            row.multiply_adds += _multiply_adds(name, given, output)
            row.parameters += self._count(self.stack[-1] if self.stack else None)
        for one in outputs:
            self.tracked[one] = (reach, number)

    def _row(self, name: str, sources: set[int], inputs: list[Tensor], output: Tensor) -> _Row | None:
        """Return the row of a function: that of its module where this has no parts, else its own or none."""
        if self.open_row is not None:
            return self.open_row
        module = self.stack[-1]
        path, leaf = self.paths.get(module, ""), not any(True for _ in module.children())
        if leaf:
            if getattr(module, "p", 1) == 0:  # dropout that drops nothing
                return None
            row = self.open_row = _Row(path, type(module).__name__, set())
        else:
            joins = len(sources) > 1 and name not in _SILENT
            if name in _SILENT or not (joins or name in ("relu", "relu_") or output.shape != inputs[0].shape):
                return None
            kind = _KINDS.get(name, name.strip("_").replace("_", " ").capitalize())
            row = _Row(f"{path}.{kind.lower()}" if path else kind.lower(), kind, set())
        self.rows.append(row)
        return row

    def _count(self, module: nn.Module | None) -> int:
        """Return the number of a module's own parameters that no row counts yet."""
        new = [one for one in module.parameters(recurse=False) if id(one) not in self.counted] if module else []
        self.counted |= {id(one) for one in new}
        return sum(one.numel() for one in new)


def trace_layers(model: BaseModel, input_shape: tuple[int, int, int], prefix: str = "") -> tuple[ModelLayer, ...]:
    """Return the layers of a model, in the order in which one image passes through them.

    Args:
        model: a model of any device; its mode and its state stay as they are.
        input_shape: (H, W, C) of the image.
        prefix: start of the paths of layers, which is left out.

    Returns:
        The layers; parameters that no layer uses by itself are a last row of their own.
    """
    height, width, channels = input_shape
    device, training = next(model.parameters()).device, model.training
    image = torch.zeros(1, channels, height, width, dtype=torch.uint8, device=device)
    trace = _Trace(model, image)
    with ExitStack() as stack:
        stack.callback(model.train, training)
        for module in model.modules():
            stack.callback(module.register_forward_pre_hook(trace.enter).remove)
            stack.callback(module.register_forward_hook(trace.leave).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(trace)
        model.eval()(image)
    rest = sum(one.numel() for one in model.parameters() if id(one) not in trace.counted)
    layers = [row.layer(prefix) for row in trace.rows]
    if rest:
        last = layers[-1]
        layers.append(
            ModelLayer(
                name="other parameters", kind="Parameter", shape=last.shape, parameters=rest, multiply_adds=0,
                receptive_field=last.receptive_field, inputs=(len(layers) - 1,),
            )
        )  # fmt: skip
    return tuple(layers)


def block_rows(
    layers: Sequence[ModelLayer], classes: Mapping[str, str], *, depth: int | None = None
) -> tuple[ModelLayer, ...]:
    """Group layers to blocks: those in a row whose paths begin with the same names.

    Normalization, activation and dropout belong to the layer before them in the same block.

    Args:
        layers: the layers of a model.
        classes: path of a module -> its class, where that says more than that it has parts.
        depth: number of names that count; None for all layers if there are at most `MAX_ROWS`, and else for the largest
            number that gives at most as many blocks.

    Returns:
        The blocks; a block of one layer is the layer.
    """
    if depth is None:
        if len(layers) <= MAX_ROWS:
            return tuple(layers)
        deepest = max(one.name.count(".") + 1 for one in layers)
        tables = (block_rows(layers, classes, depth=number) for number in range(deepest, 1, -1))
        return next((rows for rows in tables if len(rows) <= MAX_ROWS), block_rows(layers, classes, depth=1))
    groups: list[list[int]] = []
    names: list[str] = []
    for number, layer in enumerate(layers):
        name = _start(layer.name, depth)
        if groups and (name == names[-1] or _follows(layers, groups[-1][-1], number, names[-1])):
            groups[-1].append(number)
            parent = _parent(names[-1])
            if parent and sum(one.name.startswith(f"{parent}.") for one in layers) == len(groups[-1]):
                names[-1] = parent  # the group is all of it
        else:
            groups.append([number])
            names.append(name)
    place = {number: group for group, members in enumerate(groups) for number in members}
    return tuple(_merge(layers, members, place, names[group], classes) for group, members in enumerate(groups))


def _start(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _follows(layers: Sequence[ModelLayer], before: int, number: int, group: str) -> bool:
    """Return whether a layer only normalizes, activates or drops what the layer before it, of a group, returns."""
    layer, last = layers[number], layers[before]
    alike = layer.shape == last.shape and layer.inputs == (before,)
    return alike and not layer.multiply_adds and not layer.kernel and _parent(layer.name) in (group, _parent(group))


def _merge(
    layers: Sequence[ModelLayer], group: Sequence[int], place: Mapping[int, int], name: str, classes: Mapping[str, str]
) -> ModelLayer:
    """Return a block of layers in a row as one."""
    members = [layers[number] for number in group]
    own = place[group[0]]
    windows = [one for one in members if one.kernel]
    count = f"{len(members)} layers"
    kind = f"{classes[name]}, {count}" if name in classes else count
    return ModelLayer(
        name=name,
        kind=", ".join(one.kind for one in members) if len(members) <= LISTED_KINDS else kind,
        kernel=windows[0].kernel if len(windows) == 1 else (),
        stride=windows[0].stride if len(windows) == 1 else (),
        shape=members[-1].shape,
        parameters=sum(one.parameters for one in members),
        multiply_adds=sum(one.multiply_adds for one in members),
        receptive_field=members[-1].receptive_field,
        inputs=tuple(sorted({place[number] for one in members for number in one.inputs} - {own})),
    )


def block_classes(model: nn.Module, prefix: str = "") -> dict[str, str]:
    """Return the class of each module with parts by its path, containers of PyTorch left out."""
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return {
        path.removeprefix(prefix): type(module).__name__
        for path, module in model.named_modules()
        if path and any(True for _ in module.children()) and type(module) not in containers
    }


def _multiply_adds(name: str, given: Mapping[str, Any], output: Tensor) -> int:
    """Return the multiply-adds of a convolution or a linear layer; 0 for other functions."""
    if name in ("conv1d", "conv2d", "linear"):  # each output is a sum over a row of weights
        return output[0].numel() * int(given["weight"][0].numel())
    if name == "conv_transpose2d":  # each input is multiplied by a row of weights
        return int(given["input"][0].numel()) * int(given["weight"][0].numel())
    return 0


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    """Return the tensors among values and in lists of them, parameters left out."""
    flat = [one for value in values for one in (value if isinstance(value, list | tuple) else (value,))]
    return [one for one in flat if isinstance(one, Tensor) and not isinstance(one, nn.Parameter)]
