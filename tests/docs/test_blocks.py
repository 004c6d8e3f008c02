"""The commands and programs of the tutorials and guides work."""

import re
import shlex
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import without_figure_files
from seamline.cli import app
from seamline.data.registry import DATASETS
from seamline.data.sources import synthetic

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*DOCS.glob("tutorials/*.md"), *DOCS.glob("guides/*.md")])
FEW = 10
"""Images of each class."""
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block that is run; one that is not is written as ```{code-block} with the class not-run."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of the blocks of a page that are run."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


RUN_PAGES = [page for page in PAGES if blocks(page)]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the images that the pages name and, below `runs/`, the runs that the guides start from."""
    from draw_datasets import draw_datasets
    from measure_street import draw_photos

    folder = tmp_path_factory.mktemp("finished")
    photos, walls = draw_datasets(folder)
    draw_photos(folder / "street")
    for file in photos.glob("*/*.png"):
        if int(file.stem) < FEW:
            Image.open(file).resize((32, 32)).save(file)
        else:
            file.unlink()
    for file in [*walls.glob("images/*"), *walls.glob("masks/*")]:
        if int(file.stem) < FEW:
            Image.open(file).resize((64, 64), Image.Resampling.NEAREST).save(file)
        else:
            file.unlink()
    Image.open(walls / "images" / "00.jpg").save(folder / "house.jpg")
    Image.fromarray(np.arange(784, dtype=np.uint8).reshape(28, 28)).save(folder / "shirt.png")
    few = ["--set", "epochs=1", "--label-check-folds", "0"]
    with pytest.MonkeyPatch.context() as patch, without_figure_files():
        patch.setenv("SEAMLINE_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        app(["train", str(folder / "photos"), "--out", str(folder / "runs" / "photos"), *few], standalone_mode=False)
    shutil.copytree(folder / "runs" / "photos", folder / "runs" / "slower")
    return folder


@pytest.fixture
def workplace(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of these as the current folder, and few images of the datasets."""
    place = tmp_path / "workplace"
    shutil.copytree(finished, place)
    monkeypatch.chdir(place)
    few = partial(synthetic.load_fashion, train=600, test=200)
    monkeypatch.setitem(
        DATASETS, "synthetic-fashion", replace(DATASETS["synthetic-fashion"], load=lambda *_, **__: few())
    )
    return place


@pytest.mark.usefixtures("no_figure_files")
@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_the_blocks_of_a_page_run(page: Path, workplace: Path) -> None:
    if page.parent.name == "tutorials":
        shutil.rmtree(workplace / "runs")  # a tutorial starts from nothing
    namespace: dict[str, Any] = {}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, page.name, "exec"), namespace)  # noqa: S102 - the pages are ours
            continue
        for line in text.strip().splitlines():
            program, *words = shlex.split(line, comments=True)
            assert program == "seamline", f"{page.name}: {line}: mark the block as not-run"
            assert app(words, standalone_mode=False) in (None, 0), f"{page.name}: {line}"
