import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.made_masks import COLOURS, drawn, make_mask_run, write_mask
from report.test_page import Reader, copy, page_of, sections
from seamline.errors import SeamlineError
from seamline.report.colours import palette_text
from seamline.report.contents import read_contents
from seamline.report.panels.photos import photos

PANELS = ["training", "confusion", "classes", "precision", "cases", "photos", "calibration", "audit", "rerun"]
HOSTILE = ("<script>alert(1)</script>", "</style>&amp;", "\"q\" 'q' --x:1;", "Größe $x$", "{{ 7*7 }}")


def change(path: Path, how: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    how(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_panels_stand_in_the_order_in_which_a_person_asks(segmented: Path) -> None:
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
    assert len(masks) == 2 * 6 + 1
    assert all(mask.count(palette_text(COLOURS)) == 1 for mask in masks)
    found = re.search(r'id="colours-data">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1])["own"] == palette_text(COLOURS)


def test_six_cases_and_a_photo_make_a_small_page(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    triples = [drawn(chance, 5, side=256) for _ in range(6)]  # noise in the photos: harder to pack than a real one
    page = page_of(make_mask_run(tmp_path / "run", triples=triples))
    assert len(page) < 2_000_000


def test_the_same_run_gives_the_same_page_and_figures_of_its_colours(segmented: Path) -> None:
    assert page_of(segmented) == (segmented / "report.html").read_text(encoding="utf-8")
    figures = {path.name for path in (segmented / "figures").iterdir()}
    assert {"precision-raw.svg", "ranking.png", "classes-test.svg", "confusion-val.png"} <= figures
    assert "#80ff80" in (segmented / "figures" / "precision-raw.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        (["photos"], ["photos"]),
        (["evaluation/val.json"], []),
        (["evaluation"], ["confusion", "precision", "cases"]),
        (["calibration.json", "photos", "findings.json"], ["calibration", "photos"]),
    ],
)
def test_what_is_missing_is_left_out(segmented: Path, tmp_path: Path, missing: list[str], gone: list[str]) -> None:
    run = copy(segmented, tmp_path)
    for name in missing:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    page = page_of(run)
    assert sections(page) == [name for name in PANELS if name not in gone]
    assert {link[1:] for link in Reader(page).links if link.startswith("#")} <= set(Reader(page).ids)


def test_an_older_run_without_curves_or_cases_still_has_a_page(segmented: Path, tmp_path: Path) -> None:
    run = copy(segmented, tmp_path)
    for split in ("val", "test"):
        change(
            run / "evaluation" / f"{split}.json", lambda one: [one.pop(key) for key in ("curves", "cases", "errors")]
        )
    change(run / "run.json", lambda one: one["split"].pop("random"))
    assert sections(page_of(run)) == [name for name in PANELS if name not in ("precision", "cases", "audit")]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("evaluation/test-cases/best-1.jpg", "best-1.jpg: not found"),
        ("evaluation/test-cases/best-1.truth.png", "best-1.truth.png: not found"),
        ("photos/front-1.mask.png", "front-1.mask.png: not found"),
    ],
)
def test_a_missing_picture_is_one_line_that_names_it(segmented: Path, tmp_path: Path, file: str, says: str) -> None:
    run = copy(segmented, tmp_path)
    (run / file).unlink()
    with pytest.raises(SeamlineError, match=re.escape(says)) as caught:
        photos(read_contents(run))
    assert "\n" not in str(caught.value)
    (run / file).write_bytes(b"no picture")
    with pytest.raises(SeamlineError, match="cannot be read as an image"):
        photos(read_contents(run))


@pytest.mark.parametrize(
    ("file", "how", "says"),
    [
        ("run.json", lambda one: one["dataset"]["colours"].pop(), "run.json: not one colour for each class"),
        ("evaluation/test.json", lambda one: one["confusion"].pop(), "test.json: confusion"),
        ("evaluation/test.json", lambda one: one["cases"][0].pop("place"), "test.json: place not found"),
        ("evaluation/test.json", lambda one: one["ranking"][0].pop("name"), "test.json: name not found"),
        ("photos/predictions.json", lambda one: one["photos"][0].pop("shares"), "predictions.json: shares not found"),
        ("photos/predictions.json", lambda one: one["colours"].pop(), "predictions.json: 4 colours for 5 classes"),
        ("photos/predictions.json", lambda one: one["photos"][0].update(mask="../run.json"), "no name of a file"),
    ],
)
def test_a_file_that_is_not_as_agreed_is_named(
    segmented: Path, tmp_path: Path, file: str, how: Callable[[dict[str, Any]], object], says: str
) -> None:
    run = copy(segmented, tmp_path)
    change(run / file, how)
    with pytest.raises(SeamlineError, match=re.escape(says)):
        photos(read_contents(run))


def test_pictures_of_a_case_must_be_of_one_size(segmented: Path, tmp_path: Path) -> None:
    run = copy(segmented, tmp_path)
    write_mask(run / "evaluation" / "test-cases" / "worst-12.output.png", np.zeros((9, 9), np.uint8), COLOURS)
    with pytest.raises(SeamlineError, match="differ in size"):
        read_contents(run)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    run = make_mask_run(tmp_path / "run", classes=HOSTILE, notice="<b>bold</b>", title="<i>t</i>")
    page = page_of(run)
    assert Reader(page).scripts == 3  # theme, palettes, script; and no other
    for bad in ("<script>alert", "<b>bold", "<i>t"):
        assert bad not in page
    assert "&lt;script&gt;alert(1)" in page


def test_many_classes_of_another_dataset_work_as_well(tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(20)]
    colours = [(7 * i, 255 - 9 * i, 40) for i in range(20)]
    page = page_of(make_mask_run(tmp_path / "run", classes=names, colours=colours, name="mine", images=6))
    assert sections(page) == PANELS
    assert "course" not in page.lower()
