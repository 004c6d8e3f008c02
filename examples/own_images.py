"""Use your own images: inspect, train, train with another setting, compare, predict, export and serve.

    python examples/own_images.py [FOLDER [PHOTO...]] [--epochs N]

FOLDER contains class folders, or images and masks. Without FOLDER, two small synthetic datasets are used. All results
are written to `own-images/` in the current folder. Each command is printed before it runs.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from draw_datasets import draw_datasets

from seamline.cli import app

OUT = Path("own-images")


def seamline(*arguments: object) -> None:
    """Print a command and run it."""
    text_arguments = [str(argument) for argument in arguments]
    print(f"\n$ seamline {shlex.join(text_arguments)}", flush=True)
    app(text_arguments, standalone_mode=False)


def predict_over_http(run: Path, photo: Path) -> None:
    """Serve a model on a free port, send it a photo over HTTP, and stop the server."""
    arguments = ["serve", str(run), "--port", "0"]
    print(f"\n$ seamline {shlex.join(arguments)}", flush=True)
    with subprocess.Popen([sys.executable, "-m", "seamline", *arguments], stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""  # the address, printed when the server is ready
            print(line, end="")
            request = Request(f"{line.split()[0]}api/predict?mask=false", photo.read_bytes())
            with urlopen(request) as response:
                print(f"{photo}: {json.load(response)}")
        finally:
            server.terminate()


def run_all(folder: Path, photos: list[Path], epochs: float | None) -> None:
    """Run all steps with one folder."""
    runs = OUT / folder.name
    settings = () if epochs is None else ("--set", f"epochs={epochs:g}")
    seamline("inspect", folder)  # classes, errors, warnings, near-duplicates
    seamline("train", folder, "--dry-run")  # the configuration and its reasons
    seamline("train", folder, "--out", runs / "first", *settings)  # a model and its report
    seamline("train", folder, "--out", runs / "second", *settings, "--set", "lr=0.001")  # another learning rate
    seamline(
        "compare", runs / "first", runs / "second", "--out", runs / "comparison.html"
    )  # differences with intervals
    seamline("predict", runs / "first", *photos, "--out", runs / "predictions")  # labels or masks
    seamline("export", runs / "first")  # one verified ONNX file
    seamline("predict", runs / "first" / "model.onnx", *photos, "--out", runs / "onnx-predictions")
    photo = next(file for path in photos for file in (sorted(path.iterdir()) if path.is_dir() else [path]))
    predict_over_http(runs / "first", photo)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="your images")
    parser.add_argument("photos", type=Path, nargs="*", help="photos to predict; default: the images themselves")
    parser.add_argument("--epochs", type=float, help="training epochs; default: chosen automatically")
    options = parser.parse_args()
    if options.folder is not None:
        run_all(options.folder, options.photos or [options.folder], options.epochs)
        return
    photos, walls = draw_datasets(OUT / "datasets")
    run_all(photos, [photos / "circle"], options.epochs)
    run_all(walls, [walls / "images"], options.epochs)


if __name__ == "__main__":
    main()
