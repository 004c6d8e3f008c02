"""What tests of several stages share: small images with a class that can be seen, a browser, a cache of their own."""

import single_thread  # noqa: F401 - before NumPy

# isort: split
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

from run_factories import COLOURS, SEGMENTER_CLASSES, red_network, write_run
from run_folder.factories import calibration
from seamline.api import training
from seamline.data.dataset import Dataset, Split
from seamline.models.factory import build_model
from seamline.run_folder import RunFolder

CLASSES = ("left", "right", "both <&>")

settings.register_profile("seamline", deadline=None)  # a busy machine is no failure
settings.load_profile("seamline")
os.environ["OMP_NUM_THREADS"] = "1"  # commands do not choose their threads by the load of the machine
LONGEST = (
    "training/test_torchrun.py",
    "cluster/test_cluster.py",
    "cluster/test_measuring.py",
    "test_interruptions.py",
    "test_examples.py",
    "export/test_export.py",
    "docs/test_blocks.py",
    "test_cli.py",
    "training/test_distributed.py",
    "serve/test_server.py",
    "test_api.py",
    "docs/test_site.py",
    "test_wheel.py",
    "test_extending.py",
    "data/near_duplicates/test_near_duplicates.py",
    "study/test_reproduce.py",
)
"""Files that take longest. They come first, so that no worker is left with one of them while the other has no more."""

torch.set_num_threads(1)  # networks this small gain nothing from a second thread, and it would wait for other work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file and of the others stays."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's cache; drawn garments are shared between tests."""
    folder = tmp_path_factory.getbasetemp() / "shared-cache"
    monkeypatch.setenv("SEAMLINE_CACHE", str(folder))


@contextmanager
def without_report() -> Iterator[None]:
    """Make trainings end with an empty page, for tests of something else: the report takes most of a short training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "write_report", lambda run, **_: RunFolder(Path(run)).report_file.write_text(""))
        yield


@contextmanager
def without_figure_files() -> Iterator[None]:
    """Draw the figures of a report for its page alone, not into files of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seamline.report.page.write_figure", lambda draw, path: "")
        yield


@pytest.fixture
def no_report() -> Iterator[None]:
    """See `without_report`."""
    with without_report():
        yield


@pytest.fixture
def no_figure_files() -> Iterator[None]:
    """See `without_figure_files`."""
    with without_figure_files():
        yield


def bright_sides(count: int, seed: int, first_group: int = 0) -> Split:
    """Draw (count, 20, 20, 1) images in which the left half, the right half or both are bright, with noise."""
    chance = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    images = chance.integers(0, 120, (count, 20, 20, 1))
    images[labels != 1, :, :10] += 90
    images[labels != 0, :, 10:] += 90
    names = tuple(f"{seed}/{i:04d}" for i in range(count))
    return Split(images.astype(np.uint8), labels, names, np.arange(first_group, first_group + count))


def draw_sides() -> Dataset:
    """Draw a dataset of three classes that a small network learns in a few steps."""
    train, test = bright_sides(300, 1), bright_sides(90, 2, first_group=300)
    return Dataset(
        "sides",
        "Bright sides",
        CLASSES,
        train,
        test,
        "drawn in a test",
        synthetic=True,
        description="none",
        task="classification",
    )


@pytest.fixture
def sides() -> Dataset:
    """A dataset of three classes that a small network learns in a few steps."""
    return draw_sides()


def small_streets(count: int, seed: int, first_group: int = 0) -> Split:
    """Draw (count, 32, 32, 3) images of dark boxes on a light wall under a blue sky, with masks; two crops a group."""
    chance = np.random.default_rng(seed)
    images = chance.integers(0, 40, (count, 32, 32, 3))
    labels = np.zeros((count, 32, 32), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        roof, left = chance.integers(3, 12), chance.integers(2, 8)
        label[roof:] = 1
        for row in range(roof + 3, 28, 9):
            for column in range(left, 28, 9):
                label[row : row + 5, column : column + 4] = 2
        image += np.array([[60, 90, 190], [200, 180, 150], [40, 40, 60]])[label]
    names = tuple(f"{seed}/{i:04d}" for i in range(count))
    return Split(images.astype(np.uint8), labels, names, first_group + np.arange(count) // 2)


@pytest.fixture
def streets() -> Dataset:
    """A dataset of masks of three classes that a small network learns in a few steps; two crops of each building."""
    train, test = small_streets(24, 3), small_streets(12, 4, first_group=12)
    colours = ((0, 0, 0), (0, 128, 255), (255, 128, 0))
    place = "drawn in a test"
    return Dataset(
        "walls",
        "Walls and windows",
        ("sky", "wall", "window"),
        train,
        test,
        place,
        synthetic=True,
        palette=colours,
        task="segmentation",
    )


@pytest.fixture
def real_data() -> Path:
    """The folder of the real images; skips the test where it is not named."""
    folder = os.environ.get("SEAMLINE_DATA")
    if not folder:
        pytest.skip("SEAMLINE_DATA is not set, so there are no real images to test with")
    return Path(folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, the one on the PATH."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser on the PATH: looked for {', '.join(names)}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network calls a pixel bright where the red around it is above 128."""
    network = red_network(2)
    with torch.no_grad():
        network.head.weight[4:, 0] = 1.0  # after the pixel shuffle four channels are one class
        network.head.bias[4:] = -128.0
    data = {"name": "spots", "title": "Spots", "classes": list(SEGMENTER_CLASSES), "colours": [*map(list, COLOURS)]}
    return write_run(tmp_path_factory.mktemp("runs") / "spots-fast", network, "unet-fast", (32, 32, 3), data)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on grey 20 x 20 images, temperature 2."""
    network = build_model("cnn-fast", (20, 20, 1), 3, task="classification", seed=4)
    network.normalize.mean.fill_(100.0)
    network.normalize.std.fill_(50.0)
    data = {"name": "sides", "title": "Bright sides", "classes": ["left", "right", "both"], "colours": []}
    folder = write_run(tmp_path_factory.mktemp("runs") / "sides-fast", network, "cnn-fast", (20, 20, 1), data)
    RunFolder(folder).calibration.write(calibration(2.0))
    return folder
