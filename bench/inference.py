"""What the ready networks answer in each engine, and how fast: docs/measurements/export.md.

    SEAMLINE_DATA=... python bench/inference.py

Exports both so that they look less often, with whole numbers of eight bits, and both; compares all answers on the real
test images, and times them in turns. The test images choose nothing here: ranges of whole numbers are found on training
images, and what is faster is chosen and judged by validation images.
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
from inference_int8 import in_whole_numbers
from inference_page import page
from results_store import write_page, write_results
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.export.quantize import CALIBRATION_PIXELS
from seamline.export.verify import predict_split, select_evenly
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
"""Title, looking less often, whole numbers of eight bits, points that these may cost on validation."""
FIGURES = {"classification": "accuracy", "segmentation": "mean_ap"}
BATCHES = (1, 32)
ROUNDS = 3
PHOTOS = {"1 megapixel": (1152, 864), "12 megapixels": (4032, 3024)}


def variants(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Export a network in every way; what is faster is judged by the validation images."""
    made: dict[str, dict[str, Any]] = {"float32": {"file": pretrained_dir(name) / "model.onnx"}}
    for title, quick, int8, most in EXPORTS:
        file = folder / f"{name}.{title.replace(' ', '.')}.onnx"
        try:
            one = seamline.export(name, out=file, reduce_tta=quick, int8=int8, max_drop=most, progress=Reporter())
        except SeamlineError as refused:
            made[title] = {"refused": str(refused).replace(str(file), file.name)}
            continue
        made[title] = {"file": file, "size": one.size, "looks": one.tta, "figure": one.metric, "most": most}
        made[title] |= {"before": one.before, "after": one.after}
    return made


def answers(name: str, files: dict[str, Path], data: Dataset, shown: Any) -> list[dict[str, Any]]:
    """Compare what every engine says of the test images with the network itself."""
    network = load_tta(RunFolder(pretrained_dir(name)))
    truth = predict_split(partial(predict_logits, network), data.test)
    rows: list[dict[str, Any]] = [{"numbers": "float32", "engine": "pytorch", "worth": truth.score}]
    asked: list[tuple[str, str, PredictFn]] = [
        (numbers, engine, load_session(file, engine)[1]) for numbers, file in files.items() for engine in BACKENDS
    ]
    asked.append(("int8", "pytorch", partial(predict_logits, in_whole_numbers(network, shown))))
    for numbers, engine, ask in asked:
        found = predict_split(ask, data.test)
        same = float((found.logits.argmax(1) == truth.logits.argmax(1)).mean())
        difference = float(np.abs(found.logits - truth.logits).max())
        row = {"numbers": numbers, "engine": engine, "worth": found.score, "same": same, "difference": difference}
        print(f"  {name} {row}", flush=True)
        rows.append(row)
    return rows


def rates(name: str, files: dict[str, Path], shown: Path) -> list[dict[str, Any]]:
    """Time every way in turns, each time in a process of its own."""
    os.environ.pop("ONEDNN_MAX_CPU_ISA", None)  # set for OpenVINO, which sets it in its own processes again
    ways = [(way, numbers, shown) for numbers in ("float32", "int8") for way in ("eager", "compiled")]
    ways += [(engine, numbers, file) for engine in BACKENDS for numbers, file in files.items()]
    rows: list[dict[str, Any]] = [
        {"way": way, "numbers": numbers, "file": file, "batch": batch, "rates": [], "peak": 0}
        for batch in BATCHES
        for way, numbers, file in ways
    ]
    for _ in range(ROUNDS):
        for row in rows:
            if "failed" in row:
                continue
            try:
                cost = run("bench/inference_worker.py", name, row["way"], row["numbers"], row["file"], row["batch"])
            except RuntimeError as error:
                if row["way"] in BACKENDS:
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
    """Time the whole command on one photo, from a cold start, in each engine."""
    image = Image.fromarray(seamline.load_dataset("facades").test.images[0])
    rows: list[dict[str, Any]] = []
    for size, shape in PHOTOS.items():
        image.resize(shape, Image.Resampling.BICUBIC).save(folder / f"{size[:2].strip()}.jpg", quality=90)
        rows += [{"photo": size, "engine": engine, "seconds": [], "peak": 0} for engine in ("pytorch", *BACKENDS)]
    for _ in range(ROUNDS):
        for row in rows:
            photo = folder / f"{row['photo'][:2].strip()}.jpg"
            words = ("predict", "facades", photo, "--out", folder / "masks", "--backend", row["engine"])
            cost = run("-m", "seamline", *words)
            row["seconds"].append(cost.seconds)
            row["peak"] = max(row["peak"], cost.peak)
    return rows


def main() -> None:
    """Measure all, and write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "threads": torch.get_num_threads()}
    found["python"] = platform.python_version()
    found["versions"] = {one.title: __import__(one.module).__version__ for one in BACKENDS.values()}
    found["versions"]["PyTorch"] = torch.__version__
    found["networks"] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, data_name in DATA.items():
            data = seamline.load_dataset(data_name)
            shown = select_evenly(data.train.images, CALIBRATION_PIXELS)
            np.save(folder / "shown.npy", shown)
            made = variants(name, folder)
            files = {title: one["file"] for title, one in made.items() if "file" in one}
            found["networks"][name] = {
                "figure": FIGURES[data.task],
                "size": sum(file.stat().st_size for file in pretrained_dir(name).iterdir()),
                "answers": answers(name, files, data, shown),
                "rates": rates(name, files, folder / "shown.npy"),
                "made": {title: {key: one[key] for key in one if key != "file"} for title, one in made.items()},
            }
        found["photos"] = photos(folder)
    write_results("export", found)
    write_page("export", page(found))


if __name__ == "__main__":
    main()
