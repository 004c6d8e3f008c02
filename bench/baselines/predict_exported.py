"""Predict with the exported facade model for some seconds: `BACKEND` with Seamline's thread options or its own.

python -m baselines.predict_exported onnxruntime seamline
"""

import json
import sys
import time

import numpy as np

from seamline.inference.backends import load_session
from seamline.inference.pretrained import pretrained_dir
from seamline.threads import idle_threads, watch_load

SECONDS = 3.0
SHAPE = (1, 256, 256, 3)


def main() -> None:
    """Load the model, warm up, and print the images and the seconds as JSON."""
    backend, options = sys.argv[1:]
    watch_load()
    file = pretrained_dir("facades") / "model.onnx"
    images = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
    if options == "seamline":
        _, session = load_session(file, backend, idle_threads(None, "predicting", lambda _: None))

        def predict() -> None:
            session(images)
    elif backend == "onnxruntime":
        import onnxruntime

        model = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

        def predict() -> None:
            model.run(["logits"], {"images": images.transpose(0, 3, 1, 2)})
    else:
        import openvino

        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        request = openvino.Core().compile_model(str(file), "CPU", hints).create_infer_request()

        def predict() -> None:
            request.infer({"images": images.transpose(0, 3, 1, 2)})

    for _ in range(3):
        predict()
    start, count = time.perf_counter(), 0
    while (seconds := time.perf_counter() - start) < SECONDS:
        predict()
        count += 1
    print(json.dumps({"images": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
