"""Measure folders of `seamline export --web` in Chromium against ONNX Runtime: docs/measurements/export.md.

    SEAMLINE_DATA=... python bench/web_export.py

Needs Chromium on the PATH, and npm once. Photos are predicted in turns by the page, with WebAssembly on one thread, and
by `seamline.load_model` with ONNX Runtime on one thread; times include decoding. The photos are training images, as PNG
and as JPEG, and one enlarged to 12 megapixels.
"""

import argparse
import base64
import functools
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import seamline
from inference_page import page as page_text
from results_store import add_part
from seamline.inference.predictor import Predictor
from seamline.progress import Reporter
from seamline.web.runtime import VERSION

DATASETS = {"garments": "fashion-mnist", "facades": "facades", "streets": "streets"}
COUNTS = {"garments": 20, "facades": 4, "streets": 3}
"""Photos of each model."""

ROUNDS = 3
LARGE = (4032, 3024)
PREDICT = """async ([content, name]) => {
  const { model, request } = await import(new URL("model.js", document.baseURI).href);
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const result = await request("predict", { file: new File([bytes], name), maxSide: model.max_side });
  const toBase64 = (data) => new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^.*,/, ""));
    reader.readAsDataURL(new Blob([data]));
  });
  const { seconds, probabilities, class_fractions: fractions, mask } = result;
  return { seconds, values: probabilities ?? fractions, mask: mask && (await toBase64(mask)) };
}"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Print nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder by HTTP; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def write_photos(name: str, folder: Path) -> dict[str, list[Path]]:
    """Write training images as PNG and JPEG, and an enlarged one of a segmenter; kind -> files."""
    images = seamline.load_dataset(DATASETS[name]).train.images[: COUNTS[name]]
    files: dict[str, list[Path]] = {"PNG": [], "JPEG": []}
    for index, pixels in enumerate(images):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        for kind in files:
            files[kind].append(folder / f"{name}-{index}.{kind.lower()}")
            image.save(files[kind][-1], kind, **({"quality": 90} if kind == "JPEG" else {}))
    if name != "garments":
        files["JPEG of 12 megapixels"] = [folder / f"{name}-large.jpeg"]
        Image.fromarray(images[0]).resize(LARGE).save(files["JPEG of 12 megapixels"][0], quality=90)
    return files


def compare(page: Page, model: Predictor, files: list[Path]) -> dict[str, Any]:
    """Predict photos by the page and in Python, in turns; return times and differences."""
    seconds: dict[str, list[float]] = {"browser": [], "python": []}
    differences, agreements = [], []
    for number in range(ROUNDS):
        for file in files:
            result = page.evaluate(PREDICT, [base64.b64encode(file.read_bytes()).decode(), file.name])
            start = time.perf_counter()
            expected = model(file)
            seconds["python"].append(time.perf_counter() - start)
            seconds["browser"].append(result["seconds"])
            if number == 0:
                values = dict(expected.probabilities or expected.fractions)
                differences.append(max(abs(values[key] - result["values"][key]) for key in values))
                if expected.mask is not None:
                    mask = np.frombuffer(base64.b64decode(result["mask"]), np.uint8).reshape(expected.mask.shape)
                    agreements.append(float((mask == expected.mask).mean()))
    return {"seconds": seconds, "difference": max(differences), "agreement": min(agreements, default=None)}


def measure(name: str, folder: Path, browser: Any) -> dict[str, Any]:
    """Export a model and measure its page."""
    site = seamline.export_web(name, folder / name, progress=Reporter())
    model = seamline.load_model(name, backend="onnxruntime", threads=1)
    rows = []
    with serving(site.folder) as address:
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(address)
        page.locator("#engine", has_text="Ready").wait_for()
        ready = time.perf_counter() - start
        for kind, files in write_photos(name, folder).items():
            rows.append({"photos": kind, "count": len(files), **compare(page, model, files)})
            medians = {key: statistics.median(values) for key, values in rows[-1]["seconds"].items()}
            print(f"  {name} {kind} {medians} {rows[-1]['difference']:.2g} {rows[-1]['agreement']}", flush=True)
        page.close()
    return {"size": site.size, "first_load": site.first_load, "files": site.files, "ready": ready, "rows": rows}


def main() -> None:
    """Measure every pretrained model and write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        results = {
            "chromium": browser.version,
            "runtime": VERSION,
            "load": os.getloadavg()[0],
            "models": {name: measure(name, Path(temporary), browser) for name in DATASETS},
        }
        browser.close()
    add_part("export", "web", results, page_text)


if __name__ == "__main__":
    main()
