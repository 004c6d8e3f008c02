"""The weights of a run: written once, and loaded into the model that `run.json` describes."""

from functools import partial
from textwrap import shorten

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from seamline.errors import SeamlineError
from seamline.io import write_bytes
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.models.layer_choices import LayerChoices
from seamline.run_folder import RunFolder

_REASON_LENGTH = 160  # characters of PyTorch's list of weights that a message repeats


def save_weights(folder: RunFolder, weights: dict[str, Tensor]) -> None:
    """Write the final weights of a run, a state dict of tensors of any shape and dtype."""
    folder.integrity.path.unlink(missing_ok=True)  # it has the checksum of earlier weights
    write_bytes(folder.weights_file, save({name: tensor.cpu().contiguous() for name, tensor in weights.items()}))


def load_saved_model(folder: RunFolder) -> BaseModel:
    """Load the model of a finished run, on the CPU, in evaluation mode, without test-time augmentation.

    Raises:
        SeamlineError: training has not finished, or the weights do not fit `run.json`.
    """
    info = folder.info.read()
    file = folder.weights_file
    if not folder.finished:
        raise SeamlineError(f"{file}: not found; training has not finished, resume it with --resume")
    build = partial(build_model, info.model.name, info.model.input_size, len(info.dataset.classes), task=info.task)
    _ = folder.weights_digest  # verifies them
    try:
        build = partial(build, choices=LayerChoices.of(info.config))
        weights = load_file(file)
        with torch.device("meta"):  # shapes without memory: a damaged run.json may ask for any amount of it
            build().load_state_dict(weights, assign=True)
        model = build()
        model.load_state_dict(weights)
    except SeamlineError as error:
        raise folder.info.error(str(error)) from None
    except Exception as error:  # safetensors and torch raise errors of several kinds
        lines = str(error).split("\n\t")  # PyTorch lists each unfitting weight on a line below a heading
        reason = shorten(lines[min(1, len(lines) - 1)], _REASON_LENGTH, placeholder=" …").rstrip(".")
        raise SeamlineError(
            f"{file}: not the weights that run.json describes ({reason}); train again with --overwrite"
        ) from None
    return model.eval()
