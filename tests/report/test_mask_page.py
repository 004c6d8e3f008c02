import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.factories import PALETTE, random_triple, write_mask, write_segmentation_run
from report.test_page import Reader, copy, page_of, sections
from seamline.errors import SeamlineError
from seamline.report.palette import png_palette_text
from seamline.report.panels.predictions import build
from seamline.report.run_data import read_run

PANELS = [
    *("training", "confusion", "classes", "pr_curves", "examples", "predictions", "calibration"),
    *("training_data", "leakage", "reproducibility"),
]
HOSTILE = ("<script>alert(1)</script>", "</style>&amp;", "\"q\" 'q' --x:1;", "Größe $x$", "{{ 7*7 }}")


def change(path: Path, how: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    how(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_panels_are_in_the_order_in_which_a_reader_asks(segmented: Path) -> None:
    page = (segmented / "report.html").read_text(encoding="utf-8")
    assert sections(page) == PANELS
    headings = Reader(page).headings
    assert headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(headings))


def test_page_loads_nothing_and_its_links_lead_somewhere(segmented: Path) -> None:
    page = (segmented / "report.html").read_text(encoding="utf-8")
    reader = Reader(page)
    assert all(load.startswith("data:image/") for load in reader.loads)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert "http" not in re.sub(r"<meta http-equiv|data:[^\"]+", "", page)
    assert len(reader.ids) == len(set(reader.ids))
    named = {link[1:] for link in reader.links if link.startswith("#")}
    named |= set(re.findall(r'aria-(?:labelledby|controls)="([^"]+)"', page))
    assert named <= set(reader.ids)
    assert not re.findall(r"<img(?![^>]*alt=\"[^\"]+\")", page)


def test_every_mask_carries_the_palette_that_the_switch_swaps(segmented: Path) -> None:
    page = (segmented / "report.html").read_text(encoding="utf-8")
    masks = re.findall(r'<img src="([^"]+)"[^>]*class="mask"', page)
    assert len(masks) == 3 * 6 + 1 + 3  # examples, a photo and training images
    cases = json.loads(re.search(r'id="cases-data">(.*?)</script>', page)[1])["cases"]  # type: ignore[index]
    layers = [one["pictures"][name] for one in cases for name in ("ground_truth", "prediction", "errors")]
    assert len(layers) == 3 * 12
    assert all(layer.count(png_palette_text(PALETTE)) == 1 for layer in layers)
    assert all(mask.count(png_palette_text(PALETTE)) == 1 for mask in masks)
    found = re.search(r'id="palettes-data">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1])["own"] == png_palette_text(PALETTE)


def test_six_examples_and_a_photo_make_a_small_page(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    triples = [random_triple(rng, 5, side=256) for _ in range(6)]  # noise in the photos: harder to pack than a real one
    page = page_of(write_segmentation_run(tmp_path / "run", triples=triples))
    assert len(page) < 2_000_000


def test_the_same_run_gives_the_same_page_and_figures_in_its_colors(segmented: Path) -> None:
    assert page_of(segmented) == (segmented / "report.html").read_text(encoding="utf-8")
    figures = {path.name for path in (segmented / "figures").iterdir()}
    assert {"pr-curves-raw.svg", "ranking.png", "classes-test.svg", "confusion-val.png"} <= figures
    assert "#80ff80" in (segmented / "figures" / "pr-curves-raw.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        (["predictions"], ["predictions"]),
        (["evaluation/val.json"], []),
        (["evaluation"], ["confusion", "pr_curves", "examples", "training_data"]),
        (["calibration.json", "predictions"], ["calibration", "predictions"]),
    ],
)
def test_what_is_missing_is_left_out(segmented: Path, tmp_path: Path, missing: list[str], gone: list[str]) -> None:
    run = copy(segmented, tmp_path)
    for name in missing:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    page = page_of(run)
    assert sections(page) == [name for name in PANELS if name not in gone]
    assert {link[1:] for link in Reader(page).links if link.startswith("#")} <= set(Reader(page).ids)


def test_a_run_without_curves_or_examples_still_has_a_page(segmented: Path, tmp_path: Path) -> None:
    run = copy(segmented, tmp_path)
    keys = ("curves", "examples", "errors", "masks")
    for split in ("val", "test"):
        change(run / "evaluation" / f"{split}.json", lambda one: [one.pop(key, None) for key in keys])
    assert sections(page_of(run)) == [name for name in PANELS if name not in ("pr_curves", "examples")]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("evaluation/test-examples/best-1.jpg", "best-1.jpg: not found"),
        ("evaluation/test-examples/best-1.truth.png", "best-1.truth.png: not found"),
        ("predictions/front-1.mask.png", "front-1.mask.png: not found"),
        ("evaluation/test.photos.jpg", "test.photos.jpg: not found"),
        ("evaluation/training_images.masks.png", "training_images.masks.png: not found"),
    ],
)
def test_a_missing_picture_is_one_line_that_names_it(segmented: Path, tmp_path: Path, file: str, says: str) -> None:
    run = copy(segmented, tmp_path)
    (run / file).unlink()
    with pytest.raises(SeamlineError, match=re.escape(says)) as caught:
        build(read_run(run))
    assert "\n" not in str(caught.value)
    (run / file).write_bytes(b"no picture")
    with pytest.raises(SeamlineError, match="cannot be read as an image"):
        build(read_run(run))


@pytest.mark.parametrize(
    ("file", "how", "says"),
    [
        ("run.json", lambda one: one["dataset"]["palette"].pop(), "run.json: $: palette has 4 colors, not 5"),
        ("evaluation/test.json", lambda one: one["confusion"].pop(), "test.json: $"),
        (
            "evaluation/test.json",
            lambda one: one["examples"][0].pop("rank"),
            "test.json: $.examples[0].rank is missing",
        ),
        (
            "evaluation/test.json",
            lambda one: one["per_image"][0].pop("name"),
            "test.json: $.per_image[0].name is missing",
        ),
        ("predictions/predictions.json", lambda one: one["photos"][0].pop("mask"), "photos[0] has no mask"),
        ("predictions/predictions.json", lambda one: one["palette"].pop(), "palette has 4 colors, not 5"),
        ("predictions/predictions.json", lambda one: one["photos"][0].update(mask="../run.json"), "not a file name"),
    ],
)
def test_a_damaged_file_is_named(
    segmented: Path, tmp_path: Path, file: str, how: Callable[[dict[str, Any]], object], says: str
) -> None:
    run = copy(segmented, tmp_path)
    change(run / file, how)
    with pytest.raises(SeamlineError, match=re.escape(says)):
        build(read_run(run))


def test_pictures_of_an_example_must_be_of_one_size(segmented: Path, tmp_path: Path) -> None:
    run = copy(segmented, tmp_path)
    write_mask(run / "evaluation" / "test-examples" / "worst-12.prediction.png", np.zeros((9, 9), np.uint8), PALETTE)
    with pytest.raises(SeamlineError, match="differ in size"):
        read_run(run)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    run = write_segmentation_run(tmp_path / "run", classes=HOSTILE, notice="<b>bold</b>", title="<i>t</i>")
    page = page_of(run)
    assert Reader(page).scripts == 4  # theme, palettes, cases, script; and no other
    for bad in ("<script>alert", "<b>bold", "<i>t"):
        assert bad not in page
    assert "&lt;script&gt;alert(1)" in page


def test_many_classes_of_another_dataset_work_as_well(tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(20)]
    palette = [(7 * i, 255 - 9 * i, 40) for i in range(20)]
    page = page_of(write_segmentation_run(tmp_path / "run", classes=names, palette=palette, images=6))
    assert sections(page) == PANELS
    assert "course" not in page.lower()
