"""What evaluation writes about the model itself: its layers, and how its optimizers were set."""

from typing import Any

from msgspec import Struct

from seamline.run_folder.fields import Count, Number, Side


class ModelLayer(Struct, frozen=True, kw_only=True):
    """A layer of a model, or a block of layers, in the order in which an image passes through them."""

    name: str  # path of its module, such as `conv1`; a function is named after its module and its kind
    kind: str  # class of the layer, a function such as `Concatenate`, or `12 layers`
    kernel: tuple[Side, ...] = ()  # sides of its window in its input; empty where it has none, or for a block
    stride: tuple[Side, ...] = ()  # steps of the window, for transposed convolutions the upsampling factor
    shape: tuple[Side, ...]  # of what it returns for one image: channels, height and width, or features
    parameters: Count  # number of parameters that no earlier layer has counted
    multiply_adds: Count  # multiply-adds of its convolutions and linear layers for one image
    # height and width, in pixels, of the largest part of the image that one of its outputs depends on
    receptive_field: tuple[Count, Count]
    # places in the list, from 0, of the earlier layers whose outputs it takes; empty for the first, which takes pixels
    inputs: tuple[Count, ...] = ()


class OptimizerGroup(Struct, frozen=True, kw_only=True):
    """Weights with an optimizer and settings of their own."""

    optimizer: str  # its class, such as `Adam`
    weights: str  # names of the weights, shortened
    parameters: Count  # number of parameters
    settings: dict[str, Any]  # name -> value of each setting, such as `lr`, its highest value, and `betas`


class ModelSummary(Struct, frozen=True, kw_only=True):
    """The layers of the model, and its optimizers."""

    rule: str  # how layers are grouped and receptive fields computed, in sentences
    rows: tuple[ModelLayer, ...]  # a table of all layers, or of blocks of them, short enough to read
    layers: tuple[ModelLayer, ...] = ()  # all layers, where `rows` has blocks; else empty
    parameters: Count  # number of all parameters
    multiply_adds: Count  # of all layers
    optimizers: tuple[OptimizerGroup, ...] = ()  # in training; empty where the configuration is of another version
    frozen: Count = 0  # number of parameters that training did not change
    mean: tuple[Number, ...] = ()  # of each channel, 0..255, subtracted from pixels
    std: tuple[Number, ...] = ()  # of each channel, 0..255, that pixels are divided by
