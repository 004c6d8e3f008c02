"""Measure accuracy and speed of the pretrained models in each backend: docs/measurements/export.md.

    SEAMLINE_DATA=... python bench/inference.py

Exports both with reduced test-time augmentation, quantized to int8, and both; compares all predictions on the real test
images, and times them in turns. Nothing is chosen by test images: quantization is calibrated on training images, and
the exports are chosen by validation images.
"""

import argparse
import os
import platform
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seamline
from inference_int8 import quantize_int8
from inference_page import page
from results_store import read_results, write_page, write_results
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.evaluation.metrics import PRIMARY
from seamline.export.quantize import CALIBRATION_PIXELS
from seamline.export.verify import predict_split, primary_metric, select_evenly
from seamline.inference.backends import BACKENDS, load_session
from seamline.inference.forward import predict_logits
from seamline.inference.pretrained import pretrained_dir
from seamline.inference.tiled import PredictFn
from seamline.inference.tta import load_tta
from seamline.models.devices import describe_machine
from seamline.progress import Reporter
from seamline.run_folder import RunFolder
from subprocess_runner import run

DATA = {"garments": "fashion-mnist", "facades": "facades"}
EXPORTS = (("reduced-tta", True, False, 0.5), ("int8", False, True, 100.0), ("reduced-tta int8", True, True, 0.5))
"""Title, reduced test-time augmentation, int8, and the largest drop on the validation images in points."""
BATCHES = (1, 32)
ROUNDS = 3
PHOTOS = {"1 megapixel": (1152, 864), "12 megapixels": (4032, 3024)}


def variants(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Export a model in every way, chosen by the validation images."""
    exports: dict[str, dict[str, Any]] = {"float32": {"file": pretrained_dir(name) / "model.onnx"}}
    for title, reduce_tta, int8, max_drop in EXPORTS:
        file = folder / f"{name}.{title.replace(' ', '.')}.onnx"
        try:
            export = seamline.export(
                name, out=file, reduce_tta=reduce_tta, int8=int8, max_drop=max_drop, progress=Reporter()
            )
        except SeamlineError as error:
            exports[title] = {"rejected": str(error).replace(str(file), file.name)}
            continue
        exports[title] = {
            "file": file,
            "size": export.size,
            "tta": export.tta,
            "metric": export.metric,
            "max_drop": max_drop,
        }
        exports[title] |= {"before": export.before, "after": export.after}
    return exports


def compare_predictions(name: str, files: dict[str, Path], data: Dataset, calibration: Any) -> list[dict[str, Any]]:
    """Compare the predictions of every backend on the test images with those of PyTorch."""
    run = RunFolder(pretrained_dir(name))
    model = load_tta(run)
    reference = predict_split(partial(predict_logits, model), data.test, data.task)
    score = primary_metric(reference, data.task)
    rows: list[dict[str, Any]] = [{"precision": "float32", "backend": "pytorch", "score": score}]
    sessions: list[tuple[str, str, PredictFn]] = [
        (precision, backend, load_session(file, backend)[1])
        for precision, file in files.items()
        for backend in BACKENDS
    ]
    sessions.append(("int8", "pytorch", partial(predict_logits, quantize_int8(model, calibration))))
    for precision, backend, session in sessions:
        results = predict_split(session, data.test, data.task)
        agreement = float((results.predicted == reference.predicted).mean())
        difference = float(np.abs(results.logits - reference.logits).max())
        row = {
            "precision": precision,
            "backend": backend,
            "score": primary_metric(results, data.task),
            "agreement": agreement,
            "difference": difference,
        }
        print(f"  {name} {row}", flush=True)
        rows.append(row)
    return rows


def rates(name: str, files: dict[str, Path], calibration: Path) -> list[dict[str, Any]]:
    """Time every backend in turns, each time in its own process."""
    os.environ.pop("ONEDNN_MAX_CPU_ISA", None)  # set for OpenVINO, which sets it again in its own processes
    backends = [
        (backend, precision, calibration) for precision in ("float32", "int8") for backend in ("eager", "compiled")
    ]
    backends += [(backend, precision, file) for backend in BACKENDS for precision, file in files.items()]
    rows: list[dict[str, Any]] = [
        {"backend": backend, "precision": precision, "file": file, "batch": batch, "rates": [], "peak": 0}
        for batch in BATCHES
        for backend, precision, file in backends
    ]
    for _ in range(ROUNDS):
        for row in rows:
            if "failed" in row:
                continue
            try:
                cost = run(
                    "bench/inference_worker.py", name, row["backend"], row["precision"], row["file"], row["batch"]
                )
            except RuntimeError as error:
                if row["backend"] in BACKENDS:
                    raise
                row["failed"] = str(error).splitlines()[0].rpartition(" with ")[2].rstrip(":")
                continue
            row["rates"].append(cost.last["rate"])
            row["peak"] = max(row["peak"], cost.last["peak"])
    for row in rows:
        del row["file"]
        print(f"  {name} {row}", flush=True)
    return rows


def photos(folder: Path) -> list[dict[str, Any]]:
    """Time the whole command on one photo, from a cold start, in each backend."""
    image = Image.fromarray(seamline.load_dataset("facades").test.images[0])
    rows: list[dict[str, Any]] = []
    for size, shape in PHOTOS.items():
        image.resize(shape, Image.Resampling.BICUBIC).save(folder / f"{size[:2].strip()}.jpg", quality=90)
        rows += [{"photo": size, "backend": backend, "seconds": [], "peak": 0} for backend in ("pytorch", *BACKENDS)]
    for _ in range(ROUNDS):
        for row in rows:
            photo = folder / f"{row['photo'][:2].strip()}.jpg"
            arguments = ("predict", "facades", photo, "--out", folder / "masks", "--backend", row["backend"])
            cost = run("-m", "seamline", *arguments)
            row["seconds"].append(cost.seconds)
            row["peak"] = max(row["peak"], cost.peak)
    return rows


def main() -> None:
    """Measure everything and write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    results: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "threads": torch.get_num_threads()}
    results["python"] = platform.python_version()
    results["versions"] = {export.title: __import__(export.module).__version__ for export in BACKENDS.values()}
    results["versions"]["PyTorch"] = torch.__version__
    results["models"] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, data_name in DATA.items():
            data = seamline.load_dataset(data_name)
            calibration = select_evenly(data.train.images, CALIBRATION_PIXELS)
            np.save(folder / "shown.npy", calibration)
            exports = variants(name, folder)
            files = {title: export["file"] for title, export in exports.items() if "file" in export}
            results["models"][name] = {
                "metric": PRIMARY[data.task][0],
                "size": sum(file.stat().st_size for file in pretrained_dir(name).iterdir()),
                "predictions": compare_predictions(name, files, data, calibration),
                "rates": rates(name, files, folder / "shown.npy"),
                "exports": {
                    title: {key: export[key] for key in export if key != "file"} for title, export in exports.items()
                },
            }
        results["photos"] = photos(folder)
    if "web" in (stored := read_results("export")):  # of bench/web_export.py
        results["web"] = stored["web"]
    write_results("export", results)
    write_page("export", page(results))


if __name__ == "__main__":
    main()
