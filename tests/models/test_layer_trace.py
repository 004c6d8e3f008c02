"""The layers of a model: sizes and costs against PyTorch's own counts, receptive fields against gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from seamline.models.blocks import BaseModel, Normalize
from seamline.models.factory import CLASSIFIERS, SEGMENTERS, build_model
from seamline.models.layer_trace import MAX_ROWS, block_classes, block_rows, trace_layers
from seamline.models.segmenters import UNet
from seamline.run_folder import ModelLayer, Task

MODELS: list[tuple[str, Task]] = [
    *((name, "classification") for name in CLASSIFIERS),
    *((name, "segmentation") for name in SEGMENTERS),
]


@pytest.mark.parametrize(("name", "task"), MODELS)
def test_counts_are_those_of_pytorch(name: str, task: Task) -> None:
    """FlopCounterMode counts a multiply-add as two."""
    network = build_model(name, (32, 48, 3), 4, task=task).train()
    layers = trace_layers(network, (32, 48, 3))
    rows = block_rows(layers, block_classes(network))
    assert network.training
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        logits = network(torch.zeros(1, 3, 32, 48, dtype=torch.uint8))
    for table in (layers, rows):
        assert sum(one.parameters for one in table) == sum(weight.numel() for weight in network.parameters())
        assert 2 * sum(one.multiply_adds for one in table) == counter.get_total_flops()
        assert table[-1].shape == tuple(logits.shape[1:])
        assert all(source < number for number, one in enumerate(table) for source in one.inputs)
    assert len(rows) <= MAX_ROWS
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def named(layers: tuple[ModelLayer, ...]) -> dict[str, ModelLayer]:
    return {one.name: one for one in layers}


def test_the_network_of_the_study_by_hand() -> None:
    layers = trace_layers(build_model("cnn", (28, 28, 1), 10, task="classification"), (28, 28, 1))
    table = [(one.kind, one.kernel, one.shape, one.parameters, one.receptive_field[0]) for one in layers]
    assert table == [
        ("Normalize", (), (1, 28, 28), 0, 1),
        ("Conv2d", (5, 5), (32, 24, 24), 832, 5),
        ("MaxPool2d", (2, 2), (32, 12, 12), 0, 6),
        ("ReLU", (), (32, 12, 12), 0, 6),
        ("Conv2d", (5, 5), (32, 8, 8), 25_632, 14),
        ("MaxPool2d", (2, 2), (32, 4, 4), 0, 16),
        ("ReLU", (), (32, 4, 4), 0, 16),
        ("Flatten", (), (512,), 0, 28),
        ("Linear", (), (10,), 5_130, 28),
    ]
    assert [one.multiply_adds for one in layers if one.multiply_adds] == [24**2 * 32 * 25, 8**2 * 32 * 32 * 25, 5_120]
    assert [one.inputs for one in layers] == [(), *((number,) for number in range(8))]


def soften(network: Any) -> Any:
    """Return a model in which every input of a window counts: averages for maxima, positive weights, doubles."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_().add_(0.05)
    return network.double().eval()


def measured_field(network: Any, height: int, width: int, outputs: int) -> tuple[int, int]:
    """Return the largest extent of the gradient of one of several output pixels around the center."""
    pixels = torch.rand(1, 3, height, width, dtype=torch.float64, requires_grad=True)
    logits = network.forward_logits(pixels)
    extents = []
    for step in range(outputs):
        row, column = height // 2 + step, width // 2 + step
        (gradient,) = torch.autograd.grad(logits[0, :, row, column].sum(), pixels, retain_graph=True)
        extents.append([places[-1] - places[0] + 1 for places in gradient[0].abs().sum(0).nonzero().T.sort()[0]])
    return int(max(one[0] for one in extents)), int(max(one[1] for one in extents))


class Chain(BaseModel):
    """Windows of other strides, dilations and sides, and every kind of upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize = Normalize(3)
        self.first = nn.Sequential(
            nn.Conv2d(3, 2, (5, 3), 2, (2, 1)), nn.MaxPool2d(3, 2, 1), nn.ZeroPad2d((0, 1, 0, 1))
        )
        self.dilated = nn.Conv2d(2, 2, 3, dilation=2)
        self.up = nn.ConvTranspose2d(2, 2, 5, 2, 2, 1)

    def forward_logits(self, pixels: Tensor) -> Tensor:
        maps = F.pad(self.up(self.dilated(self.first(pixels))), (1, 1, 1, 1), mode="replicate")
        maps = F.interpolate(maps, scale_factor=2, mode="nearest")
        return F.interpolate(maps, size=(pixels.shape[2] + 16, pixels.shape[3] + 16), mode="bilinear")[..., 8:-8, 8:-8]


@pytest.mark.parametrize(
    ("network", "side", "outputs"),
    [
        (Chain(), 96, 16),
        (build_model("facadenet", (32, 32, 3), 2, task="segmentation"), 96, 8),
        (UNet((64, 64, 3), 2, (4, 4), (2,), strips=9), 80, 4),
        (UNet((64, 64, 3), 2, (4, 4, 4), (1, 1), strips=9), 112, 8),
    ],
    ids=["chain", "facadenet", "unet-2", "unet-3"],
)
def test_receptive_fields_are_the_extent_of_the_gradient(network: Any, side: int, outputs: int) -> None:
    network = soften(network)
    measured = measured_field(network, side, side + 16, outputs)
    assert trace_layers(network.float(), (side, side + 16, 3))[-1].receptive_field == measured
    assert measured[0] < side  # no border cuts it


def test_strip_pooling_takes_whole_rows_and_columns() -> None:
    network = UNet((64, 64, 3), 2, (4, 4), (1,), strips=1)
    assert trace_layers(network, (128, 96, 3))[-1].receptive_field == (128, 96)


class Branches(BaseModel):
    """Two branches of other reach, a dilated convolution, a resized map, and a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.normalize = Normalize(1)
        self.short = nn.Conv2d(1, 2, 1)
        self.dilated = nn.Conv2d(1, 2, 3, dilation=4, padding=4)
        self.scale = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.unused = nn.Linear(3, 5)

    def forward_logits(self, pixels: Tensor) -> Tensor:
        both = torch.cat([self.short(pixels), self.dilated(pixels)], 1) * self.scale
        return F.adaptive_avg_pool2d(both, 1).flatten(1)


def test_branches_join_and_no_parameter_is_lost() -> None:
    layers = trace_layers(Branches(), (20, 16, 1))
    table = named(layers)
    assert table["short"].receptive_field == (1, 1)
    assert table["dilated"].receptive_field == (9, 9)
    assert table["concatenate"].receptive_field == (9, 9)
    assert table["concatenate"].inputs == (1, 2)
    assert layers[2].inputs == (0,)
    assert table["adaptive avg pool2d"].receptive_field == (20, 16)
    assert table["other parameters"].parameters == 20
    assert sum(one.parameters for one in layers) == 4 + 20 + 4 + 20


def test_blocks_end_where_their_modules_end() -> None:
    network = build_model("fcn", (64, 64, 3), 5, task="segmentation")
    rows = block_rows(trace_layers(network, (64, 64, 3)), block_classes(network))
    first = named(rows)["eighth.0"]
    assert (first.kind, first.kernel, first.stride) == ("Conv2d, BatchNorm2d, ReLU", (11, 11), (4, 4))
    assert first.parameters == 11 * 11 * 3 * 64 + 2 * 64
    network = build_model("efficientnet-lite0", (64, 64, 3), 5, task="classification")
    rows = block_rows(trace_layers(network, (64, 64, 3)), block_classes(network))
    assert named(rows)["encoder.stages.1.0"].kind == "InvertedResidual, 9 layers"
    by_two = block_rows(trace_layers(network, (64, 64, 3)), {}, depth=2)
    assert [one.name for one in by_two][:4] == ["normalize", "encoder.stem", "encoder.stages", "encoder.top"]
