"""A training with named groups: what run.json and the page say, evaluation again, and resuming."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seamline
from seamline.errors import SeamlineError
from seamline.training.config import TrainConfig

CONFIG = TrainConfig(model="cnn", epochs=1, batch_size=16, lr=1e-3)


def save(folder: Path, seeds: list[int]) -> Path:
    """Save images of four days, and of two classes; images of one seed are near-duplicates."""
    for number, seed in enumerate(seeds):
        pixels = np.random.default_rng(seed).integers(30, 220, (32, 32, 3))
        pixels[12:20, 12:20] = 255 * (number % 2)
        file = folder / ("ok", "broken")[number % 2] / f"day{number % 8 // 2}_{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels + number % 3).astype(np.uint8)).save(file)
    return folder


def days(names: tuple[str, ...]) -> set[str]:
    return {Path(name).name[:4] for name in names}


@pytest.mark.usefixtures("no_figure_files")
def test_named_groups_are_kept_by_every_later_step(tmp_path: Path) -> None:
    folder = save(tmp_path / "set", list(range(32)))
    run = seamline.train(folder, preset=CONFIG, out=tmp_path / "run", groups=r"(day\d)", threads=1)
    assert run.info.split.grouping.by == r"(day\d)"
    assert "--groups '(day\\d)'" in run.info.command
    val, test = (run.folder.read_arrays(split, run.info).names for split in ("val", "test"))
    assert (len(days(val)), len(days(test)), len(days(val) & days(test))) == (1, 1, 0)
    before = run.metrics
    assert seamline.evaluate(run).metrics == before
    page = run.report.read_text(encoding="utf-8")
    assert r"Images are grouped by --groups (day\d)" in page
    with pytest.raises(SeamlineError, match=r"another grouping \(--groups \(day\\d\) there, near-duplicates here\)"):
        seamline.train(folder, preset=CONFIG, out=tmp_path / "run", threads=1, resume=True)
    assert seamline.train(folder, preset=CONFIG, out=tmp_path / "run", groups=r"(day\d)", threads=1, resume=True) == run


@pytest.mark.usefixtures("no_figure_files")
def test_one_scene_is_the_first_finding(tmp_path: Path) -> None:
    run = seamline.train(save(tmp_path / "set", [0] * 32), preset=CONFIG, out=tmp_path / "run", threads=1)
    assert (run.info.dataset.train, run.info.dataset.val, run.info.dataset.test) == (24, 2, 6)
    first = run.findings[0]
    assert first.name == "optimistic_split"
    assert first.values["blocks"] == "name"
    assert first.values["test_to_train"] < first.values["random_pairs"] < 5
    page = run.report.read_text(encoding="utf-8")
    assert page.index("Validation and test metrics are optimistic") < page.index('id="leakage"')
    assert seamline.evaluate(run).findings == run.findings
