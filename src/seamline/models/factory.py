"""A name -> a fresh network, whatever it gives its scores to."""

import torch

from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.classifiers import CLASSIFIERS
from seamline.models.external import build_external, is_external
from seamline.models.segmenters import SEGMENTERS


def build_model(
    name: str,
    shape: tuple[int, int, int],
    classes: int,
    *,
    segments: bool,
    seed: int = 0,
    mirrored: bool = False,
    pretrained: bool = False,
) -> BaseModel:
    """Make a fresh network whose first weights depend on the seed alone, but for published ones.

    Args:
        name: a key of `SEGMENTERS` where `segments` is True, else of `CLASSIFIERS`; or a name of `seamline.models.external`.
        shape: (H, W, C) of an image.
        classes: number of classes K.
        segments: whether it is to score each pixel, not each image.
        seed: decides the first weights.
        mirrored: whether it is to answer for an image and its mirror image together when not training.
        pretrained: whether a network of others is to begin with its published weights, where they can be had.

    Raises:
        SeamlineError: there is no network of that name for this kind of labels, or the images are too small for it.
    """
    table = SEGMENTERS if segments else CLASSIFIERS
    if name not in table and not is_external(name):
        labels, others = ("masks", "smp/DECODER/ENCODER") if segments else ("one label an image", "timm/NAME")
        known = f"{', '.join(table)} and {others}"
        raise SeamlineError(f"network {name}: there is no such network for {labels}; there are {known}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if is_external(name):
            network = build_external(name, shape, classes, segments=segments, pretrained=pretrained)
        else:
            network = table[name](shape, classes)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.mirrored = mirrored
    return network
