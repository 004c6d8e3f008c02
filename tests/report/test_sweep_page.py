"""The page of a sweep."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from matplotlib.figure import Figure

from report.test_page import Reader
from seamline.report import sweep_plots
from seamline.report.svg import Theme
from seamline.report.sweep_page import write_sweep_page
from seamline.run_folder import SweepFolder
from sweep_factories import write_sweep

GRID = [{"lr": lr, "hflip": hflip} for lr in (0.1, 0.01) for hflip in (True, False)]
VAL = [[0.80, 0.82, 0.81], [0.90, 0.91, 0.92], [0.60, math.nan, 0.61], [0.50, 0.52, 0.51]]
TEST = [[0.81, 0.82, 0.80], [0.91, 0.91, 0.90], [0.60, 0.60, 0.62], [0.52, 0.51, 0.50]]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over two fields and three seeds, of which a run has failed."""
    folder = write_sweep(tmp_path_factory.mktemp("sweep") / "grid", GRID, VAL, TEST)
    write_sweep_page(folder)
    return folder.path


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random search over three fields, with two rungs of successive halving."""
    rng = np.random.default_rng(0)
    settings = [
        {"lr": float(f"{10 ** rng.uniform(-4, -2):.3g}"), "translate": number, "model": model, "epochs": 1}
        for number, model in enumerate(("cnn", "cnn-fast") * 6)
    ]
    settings += [{**one, "epochs": 4} for one in settings[-3:]]
    val = [[round(0.5 + 0.03 * number, 2)] for number in range(15)]
    varied = {"lr": "log:0.0001..0.01", "translate": "int:0..20", "model": "cnn,cnn-fast"}
    folder = write_sweep(
        tmp_path_factory.mktemp("sweep") / "random", settings, val, val, method="random", varied=varied, halving=4
    )
    info = folder.info.read()
    rungs = tuple(msgspec.structs.replace(one, rung=int(number > 11)) for number, one in enumerate(info.settings))
    folder.info.write(msgspec.structs.replace(info, settings=rungs))
    write_sweep_page(folder)
    return folder.path


def text_of(path: Path) -> str:
    return (path / "index.html").read_text(encoding="utf-8")


def test_a_grid_shows_means_differences_and_failures(grid: Path) -> None:
    text = text_of(grid)
    assert "★" in text
    assert text.count("winner on validation") == 1
    assert "91.0\u00a0% <small>88.5–93.5\u00a0%</small>" in text  # 0.90, 0.91, 0.92: 0.91 ± 4.303 · 0.01 / √3
    assert "▲" in text
    assert "▼" in text
    assert "failed</b>: out of memory" in text
    assert "Effect of each field" in text
    assert "Parallel coordinates" not in text
    assert "All finished runs took" in text
    assert "seamline sweep walls" in text
    assert 'href="lr%3D0.1%2Chflip%3Dtrue-seed0/report.html"' in text
    assert all(load.startswith("data:") for load in Reader(text).loads)


def test_settings_that_were_drawn_show_no_test_images_but_the_winners(random: Path) -> None:
    text = text_of(random)
    assert "Parallel coordinates" in text
    assert "difference over images" not in text
    assert text.count("test, not used to choose") == 1
    assert "12 settings for 1 epoch, then 3 settings for 4 epochs. Of each rung the best 1/4" in text
    rows = text.split("<tbody>")[1].split("</tbody>")[0].split("<tr")[1:]
    values = [float(row.split("<td>")[3].split("\u00a0")[0]) for row in rows]
    assert values[0] == 92
    assert values == sorted(values, reverse=True)


def test_a_page_is_a_function_of_the_folder(grid: Path) -> None:
    before = text_of(grid)
    write_sweep_page(SweepFolder(grid))
    assert text_of(grid) == before


def test_a_sweep_of_one_setting_has_a_page(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "seeds", [{}], [[0.8, 0.9]], [[0.8, 0.85]])
    write_sweep_page(folder)
    text = text_of(folder.path)
    assert "sweep of seeds" in text
    assert "Effect of each field" not in text


def test_names_are_escaped(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "names", GRID[:2], VAL[:2], TEST[:2])
    info = folder.info.read()
    settings = tuple(msgspec.structs.replace(one, name="<b>&") for one in info.settings)
    folder.info.write(msgspec.structs.replace(info, settings=settings))
    write_sweep_page(folder)
    assert "<b>&" not in text_of(folder.path)


def test_a_single_epoch_is_no_curve(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "short", GRID[:2], VAL[:2], TEST[:2])
    for run in folder.info.read().runs:
        history = folder.run(run.name).history
        history.write(history.read()[:1])
    write_sweep_page(folder)
    assert "Training curves" not in text_of(folder.path)


@pytest.mark.browser
def test_a_tablet_shows_whole_tables_and_paper_breaks_them(grid: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(grid, width=820, scheme="light", file="index.html")
    beyond = "[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth)"
    assert page.evaluate(beyond) == [0, 0]
    regions = "[...document.querySelectorAll('[role=region]')].map(one => one.getAttribute('aria-label'))"
    assert page.evaluate(regions) == ["All settings", "All runs"]  # other names than the headings, which name sections
    page.emulate_media(media="print")
    style = "[...document.querySelectorAll('.sweep table')].map(one => getComputedStyle(one).breakInside)"
    assert page.evaluate(style) == ["auto", "auto"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(width: int, grid: Path, random: Path, open_page: Callable[..., Any]) -> None:
    for folder in (grid, random):
        page = open_page(folder, width=width, scheme="dark", file="index.html")
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_best_setting_is_on_top_of_the_parallel_coordinates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[sweep_plots.Coordinate] = []

    def parallel(theme: Theme, **arguments: Any) -> Figure:
        drawn.append(arguments["coordinates"][-1])
        return original(theme, **arguments)

    original = sweep_plots.parallel
    monkeypatch.setattr(sweep_plots, "parallel", parallel)
    settings, val = [{"lr": lr} for lr in (0.1, 0.2, 0.3)], [[0.5], [0.9], [0.7]]
    for metric in ("accuracy", "log_loss"):  # in these runs, the more accurate one has the lower loss
        changes = {"method": "random", "varied": {"lr": "log:0.1..0.3"}, "metric": metric}
        write_sweep_page(write_sweep(tmp_path / metric, settings, val, val, **changes))
        assert np.argsort(drawn[-1].positions).tolist() == [0, 2, 1]
