"""The page of an inspection: what it shows of real files, and that it stands alone."""

import base64
import io
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import seamline
from accessibility import violations
from image_files import write_mask, write_photos
from report.conftest import Open
from report.test_page import Reader
from seamline.data.dataset import Dataset, Split
from seamline.data.validate import inspect_data, inspect_dataset
from seamline.progress import Reporter
from seamline.report.inspect_page import write_inspection_page
from seamline.report.thumbnails import Thumbnails, fade_others

QUIET = Reporter(quiet=True)


def text_of(page: str) -> str:
    """The text of a page, its blanks single."""
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", page[page.index("<main") :])))


def pixels_of(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"))


@pytest.fixture(scope="module")
def insects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of two splits: a copy of a training image among the test images, and an unreadable file."""
    folder = tmp_path_factory.mktemp("inspected") / "insects"
    for split, number in (("train", 8), ("test", 3)):
        for name in ("ant", "bee <b>"):
            write_photos(folder, *(f"{split}/{name}/{place}.png" for place in range(number)), size=(40, 60))
    (folder / "test/ant/copy.png").write_bytes((folder / "train/ant/5.png").read_bytes())
    write_photos(folder, "train/ant/tall.png", size=(80, 40))
    (folder / "notes.txt").write_text("notes")
    write_inspection_page(inspect_dataset(folder), folder.parent / "page.html", "seamline train insects")
    return folder


@pytest.fixture(scope="module")
def page(insects: Path) -> str:
    return (insects.parent / "page.html").read_text(encoding="utf-8")


def test_counts_warnings_and_what_is_not_used_are_shown(page: str) -> None:
    text = text_of(page)
    assert "Images 24 17 training and 7 test" in text  # 9 ants and 8 bees; 4 and 3
    assert "Classes 2 for classification" in text
    assert "Related images 2 in 1 group 1 pair across splits" in text
    assert "Ready to train, with 2 warnings." in text
    assert "fewer than 20 training images" in text
    assert ".txt" in text[text.index("Not used") :]
    assert "40 x 80 pixels: 1 image" in page
    assert "60 x 40 pixels: 23 images" in page
    assert "seamline train insects" in text


def test_images_of_each_class_and_related_ones_are_shown(page: str) -> None:
    mosaics = page[page.index('id="classes"') : page.index('id="pairs"')]
    assert mosaics.count("<img") == 24  # all
    assert sum("/ant/" in alt for alt in re.findall('alt="([^"]+)"', mosaics)) == 13
    pair = page[page.index('id="pairs"') : page.index('id="groups"')]
    assert re.findall('alt="([^"]+)"', pair) == ["test/ant/copy.png", "train/ant/5.png"]
    first, second = (pixels_of(uri) for uri in re.findall('src="([^"]+)"', pair))
    assert np.array_equal(first, second)
    assert re.findall("<b>([a-z]+)</b>", pair) == ["test", "training"]
    assert page.count("<script") == 2
    assert "<li>test/ant/copy.png, train/ant/5.png</li>" in page


def test_the_page_stands_alone(page: str) -> None:
    reader = Reader(page)
    assert all(load.startswith("data:") for load in reader.loads)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert "bee <b>" not in page
    assert "bee &lt;b&gt;" in page


def test_masks_are_shown_by_class_with_the_others_faded(tmp_path: Path) -> None:
    for place in range(12):
        write_photos(tmp_path, f"walls/images/{place}.png")
        write_mask(tmp_path / f"walls/masks/{place}.png", 0, 1 if place % 2 else 0)
    inspection = inspect_dataset(tmp_path / "walls")
    pictures = Thumbnails.of(inspection).of_class(1, 24, 64)
    assert sorted(int(Path(one.name).stem) for one in pictures) == [1, 3, 5, 7, 9, 11]
    shown = pixels_of(pictures[0].uri)
    assert shown[:, :12].mean() > 190  # the left half, of class 0, is nearly gray of 236
    assert 100 < shown[:, 20:].mean() < 155  # the right half is noise
    page = write_inspection_page(inspection, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "pixels of other classes are faded" in page
    assert 'id="next"' not in page  # there is no command


def test_a_folder_that_cannot_be_read_shows_why_and_its_images(tmp_path: Path) -> None:
    write_photos(tmp_path, *(f"set/{place}.png" for place in range(5)))
    page = write_inspection_page(inspect_dataset(tmp_path / "set"), tmp_path / "page.html").read_text(encoding="utf-8")
    text = text_of(page)
    assert "Cannot be trained on yet: 1 error." in text
    assert "has no supported layout" in text
    assert re.findall('alt="([^"]+)"', page) == [f"{place}.png" for place in range(5)]


def test_an_unreadable_file_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    write_photos(tmp_path, *(f"set/{name}/{place}.png" for name in "ab" for place in range(4)))
    (tmp_path / "set/a/0.png").write_bytes(b"broken")
    page = write_inspection_page(inspect_dataset(tmp_path / "set"), tmp_path / "page.html").read_text(encoding="utf-8")
    text = text_of(page)
    assert "1 file cannot be read; replace or remove it" in text
    assert "a/0.png" in text[text.index("Files that cannot be read") :]
    assert page[page.index('id="classes"') :].count("<img") == 7


def dataset(images: int, classes: int) -> Dataset:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (images, 28, 28, 1), np.uint8)
    names = tuple(f"long/folder/of/images/{place:05d}.png" for place in range(images))
    train = Split(pixels, np.arange(images) % classes, names, np.arange(images))
    kinds = tuple(f"kind {place}" for place in range(classes))
    return Dataset("kinds", "Kinds", kinds, train, train.select(np.arange(0)), "memory", task="classification")


def test_many_images_of_many_classes_make_a_small_page(tmp_path: Path) -> None:
    inspection = inspect_data(dataset(600, 100))
    page = write_inspection_page(inspection, tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 1_000_000
    assert page.count('<div class="mosaic') == 60
    assert "60 of 100 classes." in page
    assert text_of(page).count("kind 99") == 1  # in the table alone


@given(arrays(np.uint8, (5, 4, 3)), arrays(np.bool_, (5, 4)))
def test_only_other_pixels_fade_and_towards_light_gray(image: np.ndarray, of_class: np.ndarray) -> None:
    faded = fade_others(image, of_class)
    assert np.array_equal(faded[of_class], image[of_class])
    expected = np.rint(0.25 * image[~of_class] + 0.75 * 236)
    assert np.abs(faded[~of_class] - expected).max(initial=0) <= 1


@given(st.integers(1, 40), st.integers(1, 30))
def test_images_of_a_class_are_evenly_spaced_and_differ(images: int, most: int) -> None:
    thumbnails = Thumbnails(dataset(images, 1), None)
    names = [one.name for one in thumbnails.of_class(0, most, 28)]
    assert len(names) == len(set(names)) == min(images, most)
    if most > 1:
        assert names[-1].endswith(f"{images - 1:05d}.png")


def test_the_page_goes_where_it_is_told(insects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seamline.inspect(insects, progress=QUIET).page == ""
    assert not list(tmp_path.iterdir())
    assert seamline.inspect(insects, report=True, progress=QUIET).page == str(Path("inspections") / "insects.html")
    assert seamline.inspect(insects, out="a/b.html", progress=QUIET).page == str(Path("a") / "b.html")
    assert f"seamline train {insects}" in (tmp_path / "a" / "b.html").read_text(encoding="utf-8")
    monkeypatch.chdir(insects)
    assert seamline.inspect(".", report=True, progress=QUIET).page == ""
    assert not (insects / "inspections").exists()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (820, "light"), (390, "dark")])
def test_the_page_fits_and_is_accessible(insects: Path, open_page: Open, width: int, scheme: str) -> None:
    shown = open_page(insects.parent, width, scheme, file="page.html")
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    if width != 820:
        assert violations(shown) == []


@pytest.mark.browser
def test_long_names_are_shortened_in_the_middle(tmp_path: Path, open_page: Open) -> None:
    name = f"{'a long name of a photo ' * 5}number"
    write_photos(tmp_path, f"set/a/{name} 1.png", "set/a/2.png", "set/b/3.png", "set/b/4.png")
    (tmp_path / f"set/a/{name} 5.png").write_bytes((tmp_path / f"set/a/{name} 1.png").read_bytes())
    write_inspection_page(inspect_dataset(tmp_path / "set"), tmp_path / "page.html")
    shown = open_page(tmp_path, 390, file="page.html")
    start, end = shown.locator(".group .elided").first.locator("span").all()
    assert start.evaluate("one => one.scrollWidth > one.clientWidth")
    assert end.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert end.inner_text().endswith("1.png")
    assert shown.locator(".group .elided").first.get_attribute("title") == f"a/{name} 1.png"
