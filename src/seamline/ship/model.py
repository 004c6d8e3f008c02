"""A trained network with all that its use needs, wherever it comes from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from seamline.data.masks import Colour
from seamline.data.shapes import NUMBER, Kind, read_shaped
from seamline.learn.devices import find_device
from seamline.learn.runs import Run

_MEASURE = "measure the run again with `seamline train --resume`"
_ABOVE_0 = Kind("a number above 0", lambda value: NUMBER.fits(value) and value > 0)


@dataclass(frozen=True, eq=False)
class Model:
    """A network that is ready to be asked.

    Attributes:
        path: where it was loaded from.
        name: its short name, such as `facades-fast`.
        network: (B, C, H, W) uint8 -> (B, K) scores, or (B, K, H, W) where it gives masks; in evaluation mode.
        classes: K class names.
        colours: red, green and blue, 0..255, of each class in masks; empty where it labels whole images.
        image: (H, W, C) of the images it was trained with; C is 1 for grey and 3 for red, green, blue.
        temperature: what scores are divided by before they become probabilities.
        dataset: title of the dataset it was trained with.
        recipe_name: how it was trained.
    """

    path: Path
    name: str
    network: nn.Module
    classes: tuple[str, ...]
    colours: tuple[Colour, ...]
    image: tuple[int, int, int]
    temperature: float
    dataset: str
    recipe_name: str

    @property
    def segments(self) -> bool:
        """Whether it gives masks: a class for each pixel."""
        return bool(self.colours)

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next((weights.device for weights in self.network.parameters()), torch.device("cpu"))


def load_model(path: Path | str, *, device: str = "auto") -> Model:
    """Load a trained network.

    Args:
        path: a finished run folder.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        UserError: there is no finished run, its files are damaged, or there is no such device.
    """
    return _from_run(Run(Path(path)), find_device(device))


def _from_run(run: Run, device: torch.device) -> Model:
    """Load the network of a run folder."""
    described, network = run.read(), run.network()
    data = described["dataset"]
    height, width, channels = described["network"]["image"]
    return Model(
        path=run.path,
        name=run.path.resolve().name,
        network=network.to(device),
        classes=tuple(data["classes"]),
        colours=tuple((red, green, blue) for red, green, blue in data.get("colours") or ()),
        image=(height, width, channels),
        temperature=_temperature(run.path / "calibration.json"),
        dataset=data.get("title") or data.get("name") or "",
        recipe_name=described.get("recipe_name") or "",
    )


def _temperature(file: Path) -> float:
    """Return the temperature that a run was measured to need, 1 where it was not measured."""
    try:
        content = read_shaped(file, {"temperature": {"value": _ABOVE_0}}, _MEASURE)
    except FileNotFoundError:
        return 1.0
    return float(content["temperature"]["value"])
