"""What the ready networks answer in each engine, and how fast: docs/export.md.

    SEAMLINE_DATA=... python bench/inference.py

Exports both with whole numbers of eight bits, compares all answers on the real test images, and times them in turns.
The test images choose nothing here: whole numbers are found on training images and accepted on validation images.
"""

import argparse
import platform
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seamline
from inference_page import page
from programs import run
from seamline.console import Teller
from seamline.data.dataset import Dataset, Split
from seamline.data.files import write_json, write_text
from seamline.data.rows import in_pieces
from seamline.learn.devices import describe_machine
from seamline.learn.runs import Run
from seamline.measure.inference import predict_scores
from seamline.ship.checks import worth
from seamline.ship.engines import ENGINES, PORTION, open_graph
from seamline.ship.model import GRAPH
from seamline.ship.ready import ready_folder

DOCS = Path(__file__).parent.parent / "docs"
DATA = {"garments": "fashion-mnist", "facades": "facades"}
BATCHES = (1, 32)
ROUNDS = 3
PHOTOS = {"1 megapixel": (1152, 864), "12 megapixels": (4032, 3024)}


def answers(name: str, files: dict[str, Path], data: Dataset) -> list[dict[str, Any]]:
    """Compare what every engine says of the test images with the network itself."""
    network = partial(predict_scores, Run(ready_folder(name)).network())
    truth = _scores(network, data.test)
    rows = [{"numbers": "float32", "engine": "pytorch", "worth": worth(network, data.test, len(data.classes))}]
    for numbers, file in files.items():
        for engine in ENGINES:
            ask = open_graph(file, engine)[1]
            scores = _scores(ask, data.test)
            rows.append(
                {
                    "numbers": numbers,
                    "engine": engine,
                    "worth": worth(ask, data.test, len(data.classes)),
                    "same": float((scores.argmax(1) == truth.argmax(1)).mean()),
                    "difference": float(np.abs(scores - truth).max()),
                }
            )
    return rows


def _scores(ask: Callable[[Any], Any], split: Split) -> Any:
    return np.concatenate([ask(piece) for piece in in_pieces(split.images, PORTION)])


def rates(name: str, files: dict[str, Path]) -> list[dict[str, Any]]:
    """Time every way in turns, each time in a process of its own."""
    ways = [("eager", "float32", "-"), ("compiled", "float32", "-")]
    ways += [(engine, numbers, str(file)) for engine in ENGINES for numbers, file in files.items()]
    rows: list[dict[str, Any]] = [
        {"way": way, "numbers": numbers, "file": file, "batch": batch, "rates": [], "peak": 0}
        for batch in BATCHES
        for way, numbers, file in ways
    ]
    for _ in range(ROUNDS):
        for row in rows:
            cost = run("bench/inference_worker.py", name, row["way"], row["file"], row["batch"], quiet=True)
            row["rates"].append(cost.last["rate"])
            row["peak"] = max(row["peak"], cost.last["peak"])
    for row in rows:
        del row["file"]
        print(
            f"  {name} {row['way']} {row['numbers']} {row['batch']}: {statistics.median(row['rates']):.1f}", flush=True
        )
    return rows


def photos(folder: Path) -> list[dict[str, Any]]:
    """Time the whole command on one photo, from a cold start, in each engine."""
    image = Image.fromarray(seamline.load("facades").test.images[0])
    rows: list[dict[str, Any]] = []
    for size, shape in PHOTOS.items():
        image.resize(shape, Image.Resampling.BICUBIC).save(folder / f"{size[:2].strip()}.jpg", quality=90)
        rows += [{"photo": size, "engine": engine, "seconds": [], "peak": 0} for engine in ("pytorch", *ENGINES)]
    for _ in range(ROUNDS):
        for row in rows:
            photo = folder / f"{row['photo'][:2].strip()}.jpg"
            words = (
                "-m",
                "seamline",
                "predict",
                "facades",
                photo,
                "--out",
                folder / "masks",
                "--engine",
                row["engine"],
            )
            cost = run(*words)
            row["seconds"].append(cost.seconds)
            row["peak"] = max(row["peak"], cost.peak)
    return rows


def main() -> None:
    """Measure all, and write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found: dict[str, Any] = {"machine": describe_machine(torch.device("cpu")), "threads": torch.get_num_threads()}
    found["python"] = platform.python_version()
    found["versions"] = {one.title: __import__(one.module).__version__ for one in ENGINES.values()}
    found["versions"]["PyTorch"] = torch.__version__
    found["networks"] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, data_name in DATA.items():
            small = folder / f"{name}.int8.onnx"
            made = seamline.export(name, out=small, int8=True, max_cost=100, teller=Teller())
            files = {"float32": ready_folder(name) / GRAPH, "int8": small}
            found["networks"][name] = {
                "size": sum(file.stat().st_size for file in ready_folder(name).iterdir()),
                "int8_size": made.size,
                "validation": {"figure": made.figure, "before": made.before, "after": made.after},
                "answers": answers(name, files, seamline.load(data_name)),
                "rates": rates(name, files),
            }
        found["photos"] = photos(folder)
    write_json(DOCS / "export.json", found)
    write_text(DOCS / "export.md", page(found))


if __name__ == "__main__":
    main()
