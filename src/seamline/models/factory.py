"""A name -> a new model."""

import torch

from seamline.errors import SeamlineError
from seamline.models.blocks import BaseModel
from seamline.models.classifiers import CLASSIFIERS
from seamline.models.external import build_external, is_external
from seamline.models.segmenters import SEGMENTERS
from seamline.run_folder import Task


def build_model(
    name: str,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    task: Task,
    seed: int = 0,
    pretrained: bool = False,
) -> BaseModel:
    """Build a model whose initial weights depend on the seed alone, pretrained ones aside.

    Args:
        name: a key of `CLASSIFIERS` or `SEGMENTERS`, or a name for `seamline.models.external`.
        input_shape: (H, W, C) of an image.
        n_classes: number of classes K.
        task: what the model is for.
        seed: seed of the initial weights.
        pretrained: load the pretrained weights of an external model; other models have none.

    Raises:
        SeamlineError: there is no such model for the task, or the images are too small for it.
        WeightsUnavailableError: the pretrained weights of an external model are not available.
    """
    table = SEGMENTERS if task == "segmentation" else CLASSIFIERS
    if name not in table and not is_external(name):
        external = "smp/DECODER/ENCODER" if task == "segmentation" else "timm/NAME"
        raise SeamlineError(
            f"model {name}: there is no such model for {task}; there are {', '.join(table)}, {external}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if is_external(name):
            model = build_external(name, input_shape, n_classes, task=task, pretrained=pretrained)
        else:
            model = table[name](input_shape, n_classes)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
