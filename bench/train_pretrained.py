"""Makes the networks that ship with the package: weights of half precision, a graph for other engines, a model card.

    SEAMLINE_DATA=... python bench/train_pretrained.py [--garments RUN] [--facades RUN]
    python bench/train_pretrained.py --graphs      (the graphs alone, after a change of how they are written)

Without a run each is trained first: garments with the recipe `fast` for 8 epochs, facades with `fast`, seed 0. The
8 epochs are the first number tried; no test image was learned from, and no choice was made by one.
"""

import argparse
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save

import seamline
from seamline.export.to_onnx import WEIGHT_PREFIX, to_onnx
from seamline.inference.predictor import run_metadata
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.inference.tta import TTA
from seamline.io import read_json, write_bytes, write_json, write_text
from seamline.run_folder import RunFolder
from seamline.training.run_dir import Run

CALIBRATION, GRAPH, WEIGHTS = "calibration.json", "model.onnx", "model.safetensors"

TRAINED: dict[str, dict[str, Any]] = {
    "garments": {"data": "fashion-mnist", "settings": ("epochs=8",)},
    "facades": {"data": "facades", "settings": ()},
}
"""Name -> how `seamline.train` makes it."""


def make_ready(run: Path, folder: Path) -> None:
    """Write a ready network of a finished run."""
    name = folder.name
    described, scores = read_json(run / "run.json"), read_json(run / "scores.json")
    trained = TRAINED[name]
    described["dataset"]["place"] = described["dataset"]["title"]
    words = ["seamline", "train", trained["data"], *(word for one in trained["settings"] for word in ("--set", one))]
    described["command"] = " ".join(words)
    write_json(folder / "run.json", described)
    weights = load_file(run / WEIGHTS)
    half = {key: one.half() if one.is_floating_point() else one for key, one in weights.items()}
    write_bytes(folder / WEIGHTS, save(half))
    write_json(folder / CALIBRATION, {"temperature": read_json(run / CALIBRATION)["temperature"]})
    write_graph(folder)
    write_text(folder / "CARD.md", card(name, described, scores))


def write_graph(folder: Path) -> None:
    """Write the graph of a ready network, which reads its weights."""
    ready = Run(folder)
    graph = to_onnx(TTA(ready.network(), ready.recipe().flip), run_metadata(RunFolder(folder)))
    share_weights(graph, folder / WEIGHTS)
    write_bytes(folder / GRAPH, graph.SerializeToString())


def share_weights(graph: onnx.ModelProto, file: Path) -> None:
    """Let a graph read its weights from the file of the run, so that they are stored once, and widen them itself."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header: dict[str, Any] = json.loads(opened.read(length))
    kept, widened, stored = [], [], load_file(file)
    for weights in graph.graph.initializer:
        name = weights.name.removeprefix(WEIGHT_PREFIX)
        entry = header.get(name)
        values = numpy_helper.to_array(weights)
        # the exporter may fold batch normalization into the weights of a convolution, under the same name
        if entry is None or entry["dtype"] != "F16" or not np.array_equal(values, stored[name].float().numpy()):
            kept.append(weights)
            continue
        begin, end = entry["data_offsets"]
        half = TensorProto(name=f"{weights.name}.half", data_type=TensorProto.FLOAT16, dims=weights.dims)
        half.data_location = TensorProto.EXTERNAL
        for key, value in (("location", file.name), ("offset", 8 + length + begin), ("length", end - begin)):
            half.external_data.add(key=key, value=str(value))
        kept.append(half)
        widened.append(helper.make_node("Cast", [half.name], [weights.name], to=TensorProto.FLOAT))
    nodes = [*widened, *graph.graph.node]
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend(kept)
    graph.graph.node.extend(nodes)


def card(name: str, described: dict[str, Any], scores: dict[str, Any]) -> str:
    """Return the model card."""
    data, split, recipe = described["dataset"], described["split"], described["recipe"]
    segments = bool(data["colours"])
    rows = [
        ("mean average precision of pixels, by raw scores", "mean_ap", 1),
        ("mean IoU", "mean_iou", 1),
        ("accuracy of pixels" if segments else "accuracy", "accuracy", 1 if segments else 100),
    ]
    figures = [
        f"| {words} | {_shown(scores['val'][key], scale)} | {_shown(scores['test'][key], scale)} |"
        for words, key, scale in rows
        if scores["test"].get(key)
    ]
    main = "ap" if segments else "accuracy"
    classes = [
        f"| {each} | {_shown(of[main], 1 if segments else 100)} |" for each, of in scores["test"]["per_class"].items()
    ]
    left_out = len(split["left_out"])
    lines = [
        f"# {name}",
        "",
        f"For {PRETRAINED[name]}. It ships with Seamline {seamline.__version__}: `seamline predict {name} photo.jpg`.",
        "",
        "## Data and licence",
        "",
        f"{data['title']}. {data['note']}",
        "",
        f"It learned from {data['train']:,} images; {data['val']:,} others of the training set were set aside to "
        f"validate on. The {data['test']:,} test images were scored once. No test image was learned from"
        + (f", and {left_out} training images that show what a test image shows were left out." if left_out else "."),
        "",
        "## How it was made",
        "",
        f"`{described['command']} --seed {described['seed']}`: network {described['network']['name']}, "
        f"{described['network']['parameters']:,} weights, {recipe['epochs']} epochs, batch {recipe['batch_size']}, "
        f"{recipe['optimizer']}; on {described['machine']}, torch {described['versions']['torch']}. The weights are "
        "stored with half precision and widened to float32 when they are used. `bench/train_pretrained.py` makes it again.",
        "",
        "## Figures",
        "",
        "Of the weights before they were stored; 95 % intervals"
        + (", by resampling buildings." if segments else ", Wilson's."),
        "",
        "| | validation | test |",
        "| --- | --- | --- |",
        *figures,
        "",
        f"| class | {'average precision' if segments else 'accuracy'} on test |",
        "| --- | --- |",
        *classes,
        "",
        "## Limits",
        "",
        LIMITS[name],
    ]
    return "\n".join(lines) + "\n"


def _shown(figure: dict[str, float | None], scale: int) -> str:
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return ""
    digits, unit = (3, "") if scale == 1 else (1, " %")
    interval = "" if low is None or high is None else f" ({scale * low:.{digits}f}–{scale * high:.{digits}f})"
    return f"{scale * value:.{digits}f}{unit}{interval}"


LIMITS = {
    "garments": "It knows grey pictures of 28 × 28 pixels of one garment each, light on black, cut out and centred. "
    "Photographs of people, several garments or dark things on a light ground are something else, and it will label "
    "them with confidence all the same. Shirts are its hardest class. Its probabilities were calibrated on such "
    "pictures alone.",
    "facades": "It has seen upright, rectified fronts of mostly European town houses, cropped to 256 × 256 "
    "pixels. Oblique views, shop fronts close by, glass towers, night and snow are something else. Pillars are "
    "its hardest class. Shares of area are those of the picture, not of the wall: perspective is not undone. Photos "
    "of a whole street want a larger `--max-side`.",
}
"""Name -> what it is not for."""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in TRAINED:
        parser.add_argument(f"--{name}", type=Path, help="a finished run to take instead of training one")
    parser.add_argument("--graphs", action="store_true", help="write the graphs anew, from the weights that are there")
    options = parser.parse_args()
    if options.graphs:
        for name in PRETRAINED:
            write_graph(pretrained_dir(name))
        return
    for name, how in TRAINED.items():
        run = getattr(options, name)
        if run is None:
            run = seamline.train(how["data"], settings=how["settings"], out=f"runs/ready-{name}", resume=True)
        make_ready(run, pretrained_dir(name))
        size = sum(file.stat().st_size for file in pretrained_dir(name).iterdir())
        print(f"{name}: {size / 1e6:.2f} MB in {pretrained_dir(name)}")


if __name__ == "__main__":
    main()
