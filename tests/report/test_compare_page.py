import base64
import io
import json
import re
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from accessibility import violations
from helpers import refusal
from report.conftest import Open
from report.factories import CLASSES, history, random_triple, write_classification_run, write_segmentation_run
from report.test_page import Reader
from seamline.errors import SeamlineError
from seamline.evaluation.compare import compare_runs
from seamline.evaluation.text import signed_points
from seamline.report.compare_page import write_comparison
from seamline.report.compare_plots import signed
from seamline.report.formatting import nbsp_percent
from seamline.report.run_data import read_run
from seamline.run_folder import ClassificationArrays, RunFolder


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
    assert "Wrong to correct <small>" in text
    assert "▲" in text
    assert Reader(text).scripts == 2
    assert all(load.startswith("data:") for load in Reader(text).loads)


def test_a_run_and_itself_do_not_differ(runs: list[Path], tmp_path: Path) -> None:
    page, sentences = write_comparison([runs[0], runs[0].parent / "long" / ".." / "short"], tmp_path / "same.html")
    assert sentences[0].startswith("No difference between ")
    assert "is significant on 480 images" in sentences[0]
    assert "None: configuration, seed and data are the same" in page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def mask_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two segmenters: one that errs, and one that predicts the ground truth."""
    folder, rng = tmp_path_factory.mktemp("masks"), np.random.default_rng(0)
    triples = [random_triple(rng, 5) for _ in range(12)]
    exact = [(photo, truth, np.where(truth < 5, truth, 0).astype(np.uint8)) for photo, truth, _ in triples]
    first = write_segmentation_run(folder / "first", triples=triples)
    return [first, write_segmentation_run(folder / "second", triples=exact)]


def test_two_segmenters_side_by_side(mask_runs: list[Path], tmp_path: Path) -> None:
    page, sentences = write_comparison(mask_runs, tmp_path / "comparison.html")
    text = page.read_text(encoding="utf-8")
    assert any(sentence.startswith("second is better than first in mean IoU: ") for sentence in sentences)
    assert any(sentence.startswith("second is significantly better in IoU for ") for sentence in sentences)
    examples = {one.example.name for run in mask_runs for one in read_run(run).examples["test"]}  # have pictures
    gains = changed(text, "Largest gains")
    names = set(re.findall(r'alt="(test/[^"]+)"', gains))
    assert names >= examples
    assert (f"{len(names)} of 12 images" if len(names) < 12 else "<small>12 images") in gains
    for what in ("photo", "first", "second", "ground truth"):
        assert gains.count(f"<figcaption>{what}</figcaption>") == len(names)
    shown = re.findall('<img src="(data:image/png[^"]+)"', gains)
    assert len(shown) == 3 * len(names)
    for _, ours, truth in zip(shown[::3], shown[1::3], shown[2::3], strict=True):
        ours, truth = (np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))) for uri in (ours, truth))
        assert np.array_equal(ours[truth < 5], truth[truth < 5])  # the second run predicts the ground truth


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


def test_runs_whose_names_end_alike_keep_their_curves(runs: list[Path], tmp_path: Path) -> None:
    copies = [
        shutil.copytree(run, tmp_path / f"lr={rate}-weight-decay=0.01-seed0")
        for run, rate in zip(runs, (1, 2), strict=True)
    ]
    text = write_comparison(copies, tmp_path / "comparison.html")[0].read_text(encoding="utf-8")
    tips = re.findall(r"<title>epoch 1: ([^<]+)</title>", text)
    assert tips
    assert all(re.match(r"1\. …y=0.01-seed0 .*, 2\. …y=0.01-seed0 ", tip) for tip in tips)


def arrays_of(run: Path) -> ClassificationArrays:
    arrays = RunFolder(run).read_arrays("test", RunFolder(run).info.read())
    assert isinstance(arrays, ClassificationArrays)
    return arrays


def changed(text: str, title: str) -> str:
    """The part of a page below the heading of images that changed."""
    return text[text.index(f"<h3>{title} ") :].split("<h3>", 2)[1]


@pytest.fixture(scope="module")
def pages(runs: list[Path], mask_runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages of classifiers and of segmenters."""
    folder = tmp_path_factory.mktemp("pages")
    write_comparison(runs, folder / "labels.html")
    write_comparison(mask_runs, folder / "masks.html")
    return folder


def test_images_that_changed_are_shown_with_both_predictions(runs: list[Path], pages: Path) -> None:
    text = (pages / "labels.html").read_text(encoding="utf-8")
    part = changed(text, "Wrong to correct")
    figures = part.split("<figure>")[1:]
    assert figures
    arrays = [arrays_of(run) for run in runs]
    places = {name: place for place, name in enumerate(arrays[0].names)}
    for figure in figures:
        place = places[re.findall('alt="([^"]+)"', figure)[0]]
        truth = CLASSES[arrays[0].labels[place]]
        first, second = (CLASSES[one.logits[place].argmax()] for one in arrays)
        assert re.findall(r"<dd[^>]*>([^<]+)</dd>", figure) == [truth, first, second]
        assert first != truth == second
        assert figure.count('class="right"') == 1


def test_differences_of_classes_are_plotted_with_their_intervals(runs: list[Path], pages: Path) -> None:
    text = (pages / "labels.html").read_text(encoding="utf-8")
    plots = re.findall(r'<svg class="plot".*?</svg>', text, re.S)
    recall = next(plot for plot in plots if "Difference in recall" in plot)
    of_class = {one.class_name: one for one in compare_runs(*runs).metrics if one.key == "recall"}
    tips = re.findall(r"<title>([^<]+)</title>", recall)
    assert [tip.split(":")[0] for tip in tips] == list(CLASSES)
    for name, tip in zip(CLASSES, tips, strict=True):
        assert f"{name}: {signed_points(of_class[name].change)}" == tip


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.05, "+0.05"), (-2.0, "−2")])
def test_ticks_have_signs(value: float, text: str) -> None:
    assert signed(value, "g") == text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_fits_and_is_accessible(pages: Path, open_page: Open, width: int, scheme: str) -> None:
    for file in ("masks.html", "labels.html"):
        page = open_page(pages, width, scheme, file=file)
        assert violations(page) == []
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.browser
def test_long_names_of_runs_fit_a_phone(runs: list[Path], tmp_path: Path, open_page: Open) -> None:
    names = [f"lr=0.0{place},model=cnn-fast,weight_decay=0.000{place}-seed{place}" for place in range(2)]
    copies = [shutil.copytree(run, tmp_path / name) for run, name in zip(runs, names, strict=True)]
    write_comparison(copies, tmp_path / "page.html")
    page = open_page(tmp_path, 390, file="page.html")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    label, value = (
        page.locator(f".changed-labels div:nth-child(2) {part}").first.bounding_box() for part in ("dt", "dd")
    )
    assert label["x"] + label["width"] <= value["x"]
    assert page.locator(".changes tbody th").first.bounding_box()["height"] < 60
    page.set_viewport_size({"width": 680, "height": 900})
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") == 680
