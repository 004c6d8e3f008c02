"""Models by name. A model's class is imported when it is built, so that the names are known without PyTorch."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from seamline.errors import SeamlineError
from seamline.models.layer_choices import LayerChoices
from seamline.run_folder import Task

if TYPE_CHECKING:
    from seamline.models.blocks import BaseModel

Build: TypeAlias = "Callable[..., BaseModel]"
"""(H, W, C) of an image, the number of classes, and choices of layers by name -> a new model."""


def _row(name: str, **options: Any) -> Build:
    """Return a row of the tables: the class `MODULE.CLASS` of this package and its options."""
    return partial(_build, name, options)


def _build(
    name: str, options: dict[str, Any], input_shape: tuple[int, int, int], n_classes: int, **choices: Any
) -> "BaseModel":
    module, _, class_name = name.partition(".")
    model: BaseModel = getattr(import_module(f"seamline.models.{module}"), class_name)(
        input_shape, n_classes, **options | choices
    )
    return model


CLASSIFIERS: dict[str, Build] = {
    "cnn": _row("classifiers.TwoLayerCNN"),
    "cnn-hidden": _row("classifiers.TwoLayerCNN", hidden=128),
    "cnn-fast": _row("classifiers.TwoLayerCNN", hidden=128, norm="before", strided=True, whitening=True),
    **{f"residual-{width}": _row("classifiers.photo_resnet", width=width) for width in (16, 32, 64)},
    "residual-best": _row("classifiers.ResNet", widths=(24, 64, 128), blocks=(1, 1, 2)),
    "efficientnet-lite0": _row("classifiers.LiteClassifier"),
}
"""Name -> model. `cnn` has two convolutions and a linear head; `cnn-hidden` adds a hidden layer; `cnn-fast` has strided
convolutions (two thirds of the work) and batch normalization, which tolerates larger steps. `efficientnet-lite0` has
a pretrained encoder."""

SEGMENTERS: dict[str, Build] = {
    "facadenet": _row("segmenters.FacadeNet"),
    "fcn": _row("segmenters.FCN"),
    "unet-fast": _row("segmenters.UNet", widths=(16, 48, 96, 192, 192), blocks=(1, 1, 1, 1), tta_scales=(1.0, 1.25)),
    "unet-best": _row(
        "segmenters.UNet", widths=(32, 64, 128, 256, 256), blocks=(1, 1, 2, 2), tta_scales=(1.0, 1.25, 1.5)
    ),
    "unet-sprint": _row("segmenters.UNet", widths=(16, 32, 64, 128), blocks=(1, 1, 1), tta_scales=(0.5,)),
    "unet-lite0": _row("segmenters.LiteUNet"),
    "unet-lite2": _row("segmenters.LiteUNet", encoder="efficientnet-lite2"),
}
"""Name -> model. `unet-fast`, `unet-best` and `unet-sprint` train on two cores in minutes, half an hour, and seconds at
half the image size. `unet-lite0` has a pretrained encoder. `unet-lite2` has a larger one, whose weights
are not in the package: `bench/convert_encoder.py` adds them."""

LAYER_CHOICES: dict[str, tuple[str, ...]] = {
    "cnn": ("norm", "kernel", "dropout", "pooling"),
    "cnn-hidden": ("norm", "kernel", "dropout", "pooling"),
    "cnn-fast": ("norm", "dropout"),
    **dict.fromkeys(
        ("residual-16", "residual-32", "residual-64", "residual-best", "efficientnet-lite0", "fcn"), ("dropout",)
    ),
    "facadenet": ("norm", "kernel", "dropout", "pooling", "pooling_layers"),
}
"""Name -> the `LayerChoices` that the model has, arguments of its class; other models have none. `cnn-fast` does not
pool, and computes its first filters from patches of 5 x 5 pixels."""


def check_choices(name: str, choices: LayerChoices) -> None:
    """Check that a model has the choices of layers that are given.

    Raises:
        SeamlineError: it lacks one of them.
    """
    choices.check(name, LAYER_CHOICES.get(name, ()))


def model_names(task: Task) -> tuple[str, ...]:
    """Return the names of the models for a task, and how those of other packages are named."""
    return (*SEGMENTERS, "smp/DECODER/ENCODER") if task == "segmentation" else (*CLASSIFIERS, "timm/NAME")


def build_model(
    name: str,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    task: Task,
    seed: int = 0,
    pretrained: bool = False,
    choices: LayerChoices | None = None,
) -> "BaseModel":
    """Build a model whose initial weights depend on the seed alone, pretrained ones aside.

    Args:
        name: a key of `CLASSIFIERS` or `SEGMENTERS`, or a name for `seamline.models.external`.
        input_shape: (H, W, C) of an image.
        n_classes: number of classes K.
        task: what the model is for.
        seed: seed of the initial weights.
        pretrained: load pretrained weights, if the model has some.
        choices: choices of layers; None for the model's own.

    Raises:
        SeamlineError: there is no such model for the task, the images are too small for it, or it lacks one of the
            choices.
        WeightsUnavailableError: the pretrained weights are not available.
    """
    import torch

    build = (SEGMENTERS if task == "segmentation" else CLASSIFIERS).get(name)
    if build is None:
        if not name.startswith(("timm/", "smp/")):
            names = ", ".join(model_names(task))
            raise SeamlineError(f"model {name}: no such model for {task}; the models are {names}")
        from seamline.models.external import build_external

        build = partial(build_external, name, task=task, pretrained=pretrained)
    choices = choices or LayerChoices()
    check_choices(name, choices)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(input_shape, n_classes, **choices.given)
    if pretrained:
        model.load_pretrained()
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
