"""Finished runs, made by hand, and photos."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from PIL import Image

from run_folder.factories import run_info
from seamline.inference.predictor import Predictor
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.models.saved import save_weights
from seamline.run_folder import DatasetInfo, FractionIntervals, ModelInfo, NoveltyReference, RunFolder, RunInfo, Task
from seamline.training.presets import PRESETS

SEGMENTER_CLASSES = ("dark", "bright")
COLOURS = ((0, 0, 0), (0, 128, 255))


def red_network(classes: int) -> Any:
    """A segmenter whose parameters are 0, but for those that hand the red of a pixel on to the head."""
    network: Any = build_model("unet-fast", (32, 32, 3), classes, task="segmentation")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for step in (network.stem, network.up[-1]):
            step[0][0].weight[0, 0, 1, 1] = 1.0
            step[0][1].weight.fill_(1.0)
    return network


def start_run(folder: RunFolder, info: RunInfo) -> None:
    """Write what a training writes when it starts."""
    folder.clear()
    folder.info.write(info)
    folder.history.write(())


def write_run(folder: Path, network: BaseModel, name: str, image: tuple[int, int, int], data: dict[str, Any]) -> Path:
    run = RunFolder(folder)
    task: Task = "segmentation" if data["colours"] else "classification"
    fields = run_info(task)
    dataset = DatasetInfo(
        name=data["name"],
        title=data["title"],
        source="made by a test",
        fingerprint="0" * 32,
        classes=tuple(data["classes"]),
        palette=tuple((red, green, blue) for red, green, blue in data["colours"]),
        train=0,
        val=0,
        test=0,
    )
    presets = PRESETS[task]
    start_run(
        run,
        msgspec.structs.replace(
            fields,
            preset="fast",
            config=presets["fast"].to_dict(),
            dataset=dataset,
            model=ModelInfo(name=name, parameters=0, input_size=image),
            init_from=None,
            auto_config=(),
        ),
    )
    save_weights(run, network.state_dict())
    return folder


def with_uncertainty(model: Predictor, features: NDArray[np.float32] | None = None) -> Predictor:
    """Return a model to which everything unlike some features is novel, with intervals of the last class's fraction."""
    assert model.features is not None
    height, width, channels = model.metadata.input_size
    size = model.features(np.zeros((1, height, width, channels), np.uint8)).shape[1]
    known = np.full(size, 50, np.float32) if features is None else features
    novelty = NoveltyReference(
        false_alarm_rate=0.05,
        threshold=0.01 if features is None else 0.1 * float(np.linalg.norm(known)),
        size=(1, size),
        scales=np.ones(size, "<f4").tobytes(),
        features=known.astype("<f2").tobytes(),
    )
    intervals = FractionIntervals(level=0.9, quantiles={model.classes[-1]: 2.0}, images=40, groups=30)
    fields = {"novelty": novelty} | ({"fraction_intervals": intervals} if model.task == "segmentation" else {})
    return replace(model, metadata=msgspec.structs.replace(model.metadata, **fields))


def load_unsealed(file: Path) -> onnx.ModelProto:
    """Load an exported file with its weights, without example images and checksum."""
    graph = onnx.load(file)
    del graph.metadata_props[-2:]
    return graph


def save_photo(file: Path, height: int = 60, width: int = 100, *, mode: str = "RGB") -> Path:
    """Write a photo whose left half is black and whose right half is white, with a little noise."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 250
    pixels += np.random.default_rng(0).integers(0, 5, pixels.shape, dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(file)
    return file
