import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from helpers import refusal
from report.factories import history, random_triple, write_classification_run, write_segmentation_run
from report.test_page import Reader
from seamline.errors import SeamlineError
from seamline.report.compare_page import write_comparison
from seamline.report.formatting import nbsp_percent
from seamline.run_folder import RunFolder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two classifiers: a short training, and a longer one with another seed that is better."""
    folder = tmp_path_factory.mktemp("compared")
    short = write_classification_run(folder / "short", signal=2.2)
    long = RunFolder(write_classification_run(folder / "long", signal=4.5, epochs=9))
    info = long.info.read()
    long.info.write(msgspec.structs.replace(info, seed=1, config={**info.config, "epochs": 9}))
    return [short, long.path]


def test_two_classifiers_side_by_side(runs: list[Path], tmp_path: Path) -> None:
    page, sentences = write_comparison(runs, tmp_path / "comparison.html")
    text = page.read_text(encoding="utf-8")
    assert sentences[0].startswith("long is better than short in accuracy: ")
    assert any(sentence.startswith("long is significantly better in recall for ") for sentence in sentences)
    assert "from correct to wrong." in sentences[-1]
    assert all(nbsp_percent(sentence) in text for sentence in sentences)
    assert "Differences in configuration" in text
    assert '<tr><th scope="row">epochs</th><td>6</td><td>9</td></tr>' in text
    assert '<tr><th scope="row">seed</th><td>0</td><td>1</td></tr>' in text
    assert "Wrong to correct: " in text
    assert "▲" in text
    assert Reader(text).scripts == 2
    assert all(load.startswith("data:") for load in Reader(text).loads)


def test_a_run_and_itself_do_not_differ(runs: list[Path], tmp_path: Path) -> None:
    page, sentences = write_comparison([runs[0], runs[0].parent / "long" / ".." / "short"], tmp_path / "same.html")
    assert sentences[0].startswith("No difference between ")
    assert "is significant on 480 images" in sentences[0]
    assert "None: configuration, seed and data are the same" in page.read_text(encoding="utf-8")


def test_two_segmenters_side_by_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    triples = [random_triple(rng, 5) for _ in range(12)]
    exact = [(photo, truth, np.where(truth < 5, truth, 0).astype(np.uint8)) for photo, truth, _ in triples]
    first = write_segmentation_run(tmp_path / "first", triples=triples)
    second = write_segmentation_run(tmp_path / "second", triples=exact)
    page, sentences = write_comparison([first, second], tmp_path / "comparison.html")
    text = page.read_text(encoding="utf-8")
    assert any(sentence.startswith("second is better than first in mean IoU: ") for sentence in sentences)
    assert any(sentence.startswith("second is significantly better in IoU for ") for sentence in sentences)
    assert "Largest gains: 12 images" in text
    assert "Largest losses" not in text


def test_wrong_input_is_one_line(runs: list[Path], finished: Path, segmented: Path, tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="a comparison needs two runs or more, got 1"):
        write_comparison(runs[:1], tmp_path / "one.html")
    assert "its test images, labels or classes differ" in refusal(
        lambda: write_comparison([runs[0], segmented], tmp_path / "x.html")
    )
    assert "is given twice" in refusal(lambda: write_comparison([finished, finished], tmp_path / "x.html"))
    assert "metrics.json: not found" in refusal(
        lambda: write_comparison([finished, _unevaluated(tmp_path)], tmp_path / "x.html")
    )


def _unevaluated(folder: Path) -> Path:
    run = RunFolder(write_classification_run(folder / "unevaluated"))
    run.metrics.path.unlink()
    return run.path


def test_runs_of_different_length_share_the_axis(runs: list[Path], tmp_path: Path) -> None:
    assert len(history(9)) > len(history(6))
    text = write_comparison(runs, tmp_path / "comparison.html")[0].read_text(encoding="utf-8")
    assert "epoch 9: long " in text
    assert json.loads((runs[0] / "run.json").read_text(encoding="utf-8"))["seed"] == 0
