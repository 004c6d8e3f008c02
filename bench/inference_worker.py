"""Time one model in one backend: `inference_worker.py NAME BACKEND PRECISION FILE BATCH`.

BACKEND is `eager`, `compiled`, or a backend of exported models; PRECISION is `float32` or `int8`; FILE is the exported
file, or for PyTorch a file of training images from `numpy.save`. Prints one JSON line: `rate` in images per second, the
median of the calls, and `peak` memory in bytes.
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
"""Minimum duration of the measurement, after one warm-up call."""


def load_function(name: str, backend: str, precision: str, file: Path) -> Callable[[Any], Any]:
    """Return a function of images (B, H, W, C) uint8."""
    if backend not in ("eager", "compiled"):
        return load_session(file, backend)[1]
    import torch

    from seamline.inference.tta import load_tta
    from seamline.run_folder import RunFolder

    run = RunFolder(find_model(name))
    model: Any = load_tta(run)
    if precision == "int8":
        from inference_int8 import quantize_int8

        model = quantize_int8(model, np.load(file))
    if backend == "compiled":
        model = torch.compile(model)

    def predict(images: Any) -> Any:
        with torch.inference_mode():
            return model(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()

    return predict


def main() -> None:
    """Measure and print."""
    name, backend, precision, file, batch = sys.argv[1:6]
    shape = (28, 28, 1) if name == "garments" else (256, 256, 3)
    images = np.random.default_rng(0).integers(0, 256, (int(batch), *shape), dtype=np.uint8)
    predict = load_function(name, backend, precision, Path(file))
    predict(images)
    seconds: list[float] = []
    while sum(seconds) < SECONDS or len(seconds) < 3:
        start = time.perf_counter()
        predict(images)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"rate": int(batch) / statistics.median(seconds), "peak": peak_of()}))


if __name__ == "__main__":
    main()
