"""What tests of this stage share: a segmenter that tells bright from dark, and a classifier of grey images."""

from pathlib import Path
from typing import Any

import pytest
import torch

from seamline.data.files import write_json
from seamline.learn.networks import build_network
from ship.made import COLOURS, SEGMENTER_CLASSES, write_run


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network calls a pixel bright where the red around it is above 128."""
    network: Any = build_network("unet-fast", (32, 32, 3), 2, segments=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for step in (network.stem, network.up[-1]):  # one channel is handed on from the image to the head
            step[0][0].weight[0, 0, 1, 1] = 1.0
            step[0][1].weight.fill_(1.0)
        network.head.weight[4:, 0] = 1.0  # after the pixel shuffle four channels are one class
        network.head.bias[4:] = -128.0
    data = {"name": "spots", "title": "Spots", "classes": list(SEGMENTER_CLASSES), "colours": [*map(list, COLOURS)]}
    return write_run(tmp_path_factory.mktemp("runs") / "spots-fast", network, "unet-fast", (32, 32, 3), data)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on grey 20 x 20 images, temperature 2."""
    network = build_network("study-fast", (20, 20, 1), 3, segments=False, seed=4)
    network.normalise.mean.fill_(100.0)
    network.normalise.std.fill_(50.0)
    data = {"name": "sides", "title": "Bright sides", "classes": ["left", "right", "both"], "colours": []}
    folder = write_run(tmp_path_factory.mktemp("runs") / "sides-fast", network, "study-fast", (20, 20, 1), data)
    write_json(folder / "calibration.json", {"temperature": {"value": 2.0, "low": 1.9, "high": 2.1}})
    return folder
