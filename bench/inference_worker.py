"""Asks one network in one way and prints what it cost: `inference_worker.py NAME WAY NUMBERS FILE BATCH`.

WAY is `eager`, `compiled`, or an engine of exported networks; NUMBERS is `float32` or `int8`; FILE is that engine's,
for PyTorch one of training images, as `numpy.save` writes them. Prints a line of JSON: `rate` in images a second, the
median of the calls, and `peak`, bytes of memory at most.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seamline.inference.backends import load_session
from seamline.inference.predictor import find_model
from subprocess_runner import peak_of

SECONDS = 3.0
"""How long it is asked at least, after one call that is not counted."""


def asker(name: str, way: str, numbers: str, file: Path) -> Callable[[Any], Any]:
    """Return what answers about images (B, H, W, C) uint8."""
    if way not in ("eager", "compiled"):
        return load_session(file, way)[1]
    import torch

    from seamline.inference.tta import load_tta
    from seamline.run_folder import RunFolder

    network: Any = load_tta(RunFolder(find_model(name)))
    if numbers == "int8":
        from inference_int8 import in_whole_numbers

        network = in_whole_numbers(network, np.load(file))
    if way == "compiled":
        network = torch.compile(network)

    def ask(images: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()

    return ask


def main() -> None:
    """Measure."""
    name, way, numbers, file, batch = sys.argv[1:6]
    shape = (28, 28, 1) if name == "garments" else (256, 256, 3)
    images = np.random.default_rng(0).integers(0, 256, (int(batch), *shape), dtype=np.uint8)
    ask = asker(name, way, numbers, Path(file))
    ask(images)
    seconds: list[float] = []
    while sum(seconds) < SECONDS or len(seconds) < 3:
        begun = time.perf_counter()
        ask(images)
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"rate": int(batch) / statistics.median(seconds), "peak": peak_of()}))


if __name__ == "__main__":
    main()
