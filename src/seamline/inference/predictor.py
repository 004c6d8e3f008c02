"""A trained network with all that its use needs, wherever it comes from."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.masks import Color
from seamline.data.shapes import read_shaped
from seamline.errors import SeamlineError
from seamline.inference.backends import ENGINES, open_graph
from seamline.inference.onnx_metadata import ABOVE_0, from_metadata
from seamline.inference.pretrained import READY, ready_folder
from seamline.inference.tiled import Ask
from seamline.io import sha256_file

if TYPE_CHECKING:
    from seamline.training.run_dir import Run

GRAPH = "model.onnx"
"""The exported network in a run folder; it is used instead of the weights where it belongs to them."""

WEIGHTS, CALIBRATION = "model.safetensors", "calibration.json"
"""What of a run folder a model is made of, beside `run.json`."""

PYTORCH = "pytorch"
"""The engine that asks a run's weights themselves."""

_MEASURE = "measure the run again with `seamline train --resume`"


@dataclass(frozen=True, eq=False)
class Model:
    """A network that is ready to be asked.

    Attributes:
        path: where it was loaded from, as the user named it.
        name: its short name, such as `facades-fast`.
        ask: images (B, H, W, C) uint8 -> (B, K) scores, or (B, K, H, W) where it gives masks; float32.
        engine: what works them out: `pytorch`, or a key of `seamline.inference.backends.ENGINES`.
        classes: K class names.
        colours: red, green and blue, 0..255, of each class in masks; empty where it labels whole images.
        image: (H, W, C) of the images it was trained with; C is 1 for grey and 3 for red, green, blue.
        temperature: what scores are divided by before they become probabilities.
        dataset: title of the dataset it was trained with.
        recipe_name: how it was trained.
        fingerprint: of its weights.
    """

    path: Path
    name: str
    ask: Ask
    engine: str
    classes: tuple[str, ...]
    colours: tuple[Color, ...]
    image: tuple[int, int, int]
    temperature: float
    dataset: str
    recipe_name: str
    fingerprint: str

    @property
    def segments(self) -> bool:
        """Whether it gives masks: a class for each pixel."""
        return bool(self.colours)

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what scores (B, K, ...) are worth as probabilities, at the temperature that was measured."""
        tempered = scores.astype(np.float64) / self.temperature
        powers = np.exp(tempered - tempered.max(1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
        return shares


def load_model(
    named: Path | str, *, device: str = "auto", engine: str | None = None, threads: int | None = None
) -> Model:
    """Load a trained network.

    On a processor an exported network that lies in the run folder and belongs to its weights is asked by the first of
    `ENGINES` that is installed; else, and on other devices, PyTorch asks the weights.

    Args:
        named: a finished run folder, a file that `seamline export` wrote, or the name of a ready network.
        device: `auto`, `cpu`, `cuda` or `mps`.
        engine: what is to work out the scores, `pytorch` or a key of `ENGINES`; None takes the fastest.
        threads: of the processor; None leaves it to the engine.

    Raises:
        SeamlineError: there is no such network, its files are damaged, or there is no such device or engine.
    """
    if threads is not None and threads < 1:
        raise SeamlineError(f"--threads {threads}: at least 1 is needed")
    if engine not in (None, PYTORCH, *ENGINES):
        raise SeamlineError(f"--backend {engine}: there is no such engine; there are {PYTORCH}, {', '.join(ENGINES)}")
    place = find_model(named)
    if place.suffix != ".onnx" and not place.exists():
        raise SeamlineError(
            f"{named}: not found; name a run folder, a file that `seamline export` wrote, or a network that ships with "
            f"the package ({', '.join(READY)})"
        )
    if place.is_file() or place.suffix == ".onnx":
        if engine == PYTORCH or device not in ("auto", "cpu"):
            raise SeamlineError(f"{named}: an exported network is asked on the processor; name the run folder instead")
        return _from_graph(Path(named), place, engine, threads)
    if engine != PYTORCH and (model := _exported_of(Path(named), place, device, engine, threads)):
        return model
    return _from_run(Path(named), place, device, threads)


def find_model(named: Path | str) -> Path:
    """Return where a model's files lie, the folder of a ready one; a file or folder of that name comes first."""
    return ready_folder(str(named)) if str(named) in READY and not Path(named).exists() else Path(named)


def _exported_of(named: Path, path: Path, device: str, engine: str | None, threads: int | None) -> Model | None:
    """Load the exported network that belongs to a run; None where there is none that could be used, and need not be."""
    graph = path / GRAPH
    if engine is None:
        on_processor = device == "cpu" or (device == "auto" and not _may_have_gpu())
        if not on_processor or not graph.is_file() or not any(one.installed for one in ENGINES.values()):
            return None
    elif device not in ("auto", "cpu"):
        raise SeamlineError(f"--backend {engine}: works on the processor; leave --device out")
    elif not graph.is_file():
        raise SeamlineError(f"{graph}: not found, and {ENGINES[engine].title} needs it; run `seamline export {path}`")
    model = _from_graph(named, graph, engine, threads)
    if (model.fingerprint, model.temperature) == (sha256_file(path / WEIGHTS), _temperature(path / CALIBRATION)):
        return model
    if engine is None:
        return None
    raise SeamlineError(f"{graph}: was exported from another state of this run; run `seamline export {path}` again")


def _may_have_gpu() -> bool:
    """Tell whether a GPU may be there; only then PyTorch, which takes seconds to import, is asked."""
    return sys.platform == "darwin" or Path("/proc/driver/nvidia").exists() or Path("/dev/kfd").exists()


def _from_graph(named: Path, file: Path, engine: str | None, threads: int | None) -> Model:
    """Load an exported network."""
    used, ask, metadata = open_graph(file, engine, threads)
    return _model(named, used, ask, from_metadata(file, metadata))


def _from_run(named: Path, path: Path, device: str, threads: int | None) -> Model:
    """Load the network of a run folder."""
    from functools import partial

    from seamline.inference.forward import predict_scores
    from seamline.inference.tta import TTA
    from seamline.models.devices import find_device, set_num_threads
    from seamline.training.run_dir import Run

    set_num_threads(threads)
    place, run = find_device(device), Run(path)
    network = TTA(run.network(), run.recipe().flip)
    return _model(named, PYTORCH, partial(predict_scores, network.to(place)), description_of(run))


def description_of(run: "Run") -> dict[str, Any]:
    """Return what a run's model is, as `seamline.inference.onnx_metadata` has it.

    Raises:
        SeamlineError: the run has not finished, or its files are damaged.
    """
    described = run.read()
    data = described["dataset"]
    return {
        "seamline": str(described.get("seamline") or ""),
        "name": run.path.resolve().name,
        "dataset": data.get("title") or data.get("name") or "",
        "recipe_name": described.get("recipe_name") or "",
        "classes": data["classes"],
        "colours": data.get("colours") or [],
        "image": described["network"]["image"],
        "temperature": _temperature(run.path / CALIBRATION),
        "fingerprint": run.digest,
        "numbers": "float32",
    }


def _model(named: Path, engine: str, ask: Ask, described: Mapping[str, Any]) -> Model:
    """Put a model together."""
    height, width, channels = described["image"]
    return Model(
        path=named,
        name=named.resolve().name.removesuffix(".onnx"),
        ask=ask,
        engine=engine,
        classes=tuple(described["classes"]),
        colours=tuple((red, green, blue) for red, green, blue in described["colours"]),
        image=(height, width, channels),
        temperature=float(described["temperature"]),
        dataset=described["dataset"],
        recipe_name=described["recipe_name"],
        fingerprint=described["fingerprint"],
    )


def _temperature(file: Path) -> float:
    """Return the temperature that a run was measured to need, 1 where it was not measured."""
    try:
        content = read_shaped(file, {"temperature": {"value": ABOVE_0}}, _MEASURE)
    except FileNotFoundError:
        return 1.0
    return float(content["temperature"]["value"])
