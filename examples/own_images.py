"""A way through with your own images: look at them, train, try a second recipe, compare, predict, export, serve.

    python examples/own_images.py [FOLDER [PHOTO...]] [--epochs N]

FOLDER holds folders named by class, or images beside masks; without one, two small sets are drawn. Everything is
written into `own-images/` in the current folder. Each step is the command that is printed before it.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from draw_sets import draw_sets

from seamline.cli import app

OUT = Path("own-images")


def seamline(*words: object) -> None:
    """Print a command and run it."""
    texts = [str(word) for word in words]
    print(f"\n$ seamline {shlex.join(texts)}", flush=True)
    app(texts, standalone_mode=False)


def ask_served(run: Path, photo: Path) -> None:
    """Serve a network on a free port, ask it about a photo as another program would, and tell it to stop."""
    words = ["serve", str(run), "--port", "0"]
    print(f"\n$ seamline {shlex.join(words)}", flush=True)
    with subprocess.Popen([sys.executable, "-m", "seamline", *words], stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""  # it says where it is when it is ready
            print(line, end="")
            asked = Request(f"{line.split()[0]}api/predict?mask=false", photo.read_bytes())
            with urlopen(asked) as answer:
                print(f"{photo}: {json.load(answer)}")
        finally:
            server.terminate()


def way_through(folder: Path, photos: list[Path], epochs: float | None) -> None:
    """Go the whole way with one folder."""
    runs = OUT / folder.name
    quick = () if epochs is None else ("--set", f"epochs={epochs:g}")
    seamline("audit", folder)  # what is there, what cannot work, what is odd
    seamline("train", folder, "--dry-run")  # what would be chosen, and by which rules
    seamline("train", folder, "--out", runs / "first", *quick)  # a network, and its page
    seamline("train", folder, "--out", runs / "second", *quick, "--set", "learning_rate=0.002")  # another recipe
    seamline("compare", runs / "first", runs / "second", "--out", runs / "compared.html")  # which is better, how sure
    seamline("predict", runs / "first", *photos, "--out", runs / "predictions")  # at work
    seamline("export", runs / "first")  # one file that gives the same answers elsewhere
    seamline("predict", runs / "first" / "model.onnx", *photos, "--out", runs / "elsewhere")
    photo = next(file for place in photos for file in (sorted(place.iterdir()) if place.is_dir() else [place]))
    ask_served(runs / "first", photo)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="your images")
    parser.add_argument("photos", type=Path, nargs="*", help="photos to predict; by default the images themselves")
    parser.add_argument("--epochs", type=float, help="passes over the images; by default chosen by the rules")
    options = parser.parse_args()
    if options.folder is not None:
        way_through(options.folder, options.photos or [options.folder], options.epochs)
        return
    shapes, walls = draw_sets(OUT / "sets")
    way_through(shapes, [shapes / "circle"], options.epochs)
    way_through(walls, [walls / "images"], options.epochs)


if __name__ == "__main__":
    main()
