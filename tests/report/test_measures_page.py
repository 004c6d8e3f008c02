import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from accessibility import violations
from measures_factories import changed_front, garage_front, house_front, house_photo, measures_record, yard_photo
from report.conftest import Open
from report.test_page import HOSTILE, Reader
from seamline.buildings.picture import draw_front, draw_fronts
from seamline.data.image_io import encode_jpeg
from seamline.errors import SeamlineError
from seamline.report.measures_page import MAX_PICTURES, write_measures_page
from seamline.report.measures_text import facts_of, limits_of, unknowns_of, verdict
from seamline.run_folder import MeasuredPhoto, MeasuresRecord, PhotoError
from seamline.run_folder import measures_record as measures_file


def write_folder(folder: Path, record: MeasuresRecord | None = None, *, noise: int = 0) -> Path:
    """Write a folder of measures with the pictures of its photos, whose walls are gray or noise."""
    record = record or measures_record()
    folder.mkdir(exist_ok=True)
    measures_file(folder).write(record)
    for photo in record.photos:
        walls = np.random.default_rng(1).integers(128 - noise, 129 + noise, (photo.height, photo.width, 3))
        pixels = walls.astype(np.uint8)
        (folder / f"{photo.stem}.photo.jpg").write_bytes(encode_jpeg(draw_fronts(pixels, photo.fronts), 1600))
        for front in photo.fronts:
            (folder / f"{photo.stem}.{front.id}.jpg").write_bytes(encode_jpeg(draw_front(pixels, front), 1600))
    return folder


def page_of(folder: Path) -> str:
    return write_measures_page(folder).read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """The text of a page, its blanks single."""
    body = page[page.index("<main") :]
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", body)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of measures with its page; to be read only."""
    written = write_folder(tmp_path_factory.mktemp("measures"))
    write_measures_page(written)
    return written


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_verdict_counts_photos_fronts_and_windows() -> None:
    # ratios 1/12, 0.1325 and 0.16; windows 8 + 6 + 1
    assert verdict(measures_record()).replace("\u00a0", " ") == (
        "3 fronts in 2 photos have 15 windows and a median window-to-wall ratio of 13 % (lowest 8.3 %, highest 16 %); "
        "1 photo has no measures."
    )
    alone = measures_record(house_photo(fronts=(house_front(),)), errors=())
    assert verdict(alone).replace("\u00a0", " ") == (
        "1 front in 1 photo has 8 windows and a window-to-wall ratio of 13 % (10 to 17)."
    )
    assert verdict(measures_record(yard_photo(fronts=()), errors=())) == "No front is measured in 1 photo."


def test_all_fronts_photos_and_failures_are_shown(page: str) -> None:
    assert page.count("data:image/jpeg") == 5  # two photos and three fronts
    assert re.findall(r'<section id="(photo-\d+)"', page) == ["photo-1", "photo-2"]
    assert re.findall(r'<h3 id="(photo-\d+-front-\d+)"', page) == [
        "photo-1-front-1",
        "photo-1-front-2",
        "photo-2-front-1",
    ]
    text = text_of(page)
    assert "street/sky.jpgshows no building" in text
    assert "2 .heic files: cannot be read." in text
    assert "yard.jpg: is unlike the training images (novelty 1.4)" in text
    assert "wall as facade, window, door, tree as hidden" in text


def test_the_table_has_the_measures_of_each_front(page: str) -> None:
    table = page[page.index('aria-label="Measures of all fronts"') :]
    rows = [text_of("<main" + row).replace("\u00a0", " ") for row in table[: table.index("</table>")].split("<tr>")[2:]]
    assert rows[0].startswith("house.jpg183")
    assert "13 % 10 to 17" in rows[0]
    assert rows[0].rstrip().endswith("5.0 %16.0 m12.0 msouthMain Street 1")
    assert rows[1].rstrip().endswith("–––Main Street 1")
    assert "8.3 %" in rows[2]
    assert " to " not in rows[2]
    assert len(rows) == 3


def test_totals_by_side_say_what_is_assumed(page: str) -> None:
    text = text_of(page[page.index('<section id="totals"') - 5 :].replace("<section", "<main", 1)).replace(
        "\u00a0", " "
    )
    assert "south1813 %" in text
    assert "north assumed: mean of the storeys above the ground floor0–17 %" in text
    assert "whole building21415 %" in text


def test_facts_have_intervals_and_probabilities_where_known() -> None:
    facts = {fact.name: f"{fact.value} {fact.note}".replace("\u00a0", " ").strip() for fact in facts_of(house_front())}
    assert facts == {
        "Windows": "8 exact 62 %, within one 85 %",
        "Storeys": "3 exact 90 %, within one 99 %",
        "Window-to-wall ratio": "13 % 10 to 17",
        "Columns": "4",
        "Doors": "1",
        "Shops": "1",
        "Balconies": "2.0 % of the front",
        "Hidden": "5.0 % of the front, left out of the ratio",
        "Window shape": "0.800 mean width over height",
        "Size": "16.0 m wide, 12.0 m high of the visible front",
        "Area": "192 m² of which 25.4 m² window",
        "Faces": "south azimuth 182°",
        "Rectified": "by two vanishing points",
        "Residual": "0.2° median of 120 line segments",
        "Camera angle": "18° focal length from EXIF",
    }
    facts = {fact.name: fact.note for fact in facts_of(yard_photo().fronts[0])}
    assert facts == {"Windows": "", "Storeys": "", "Window-to-wall ratio": "", "Rectified": ""}


def test_limits_name_what_was_assumed_inferred_dropped_and_cut_off() -> None:
    limits = " ".join(limits_of(house_front())).replace("\u00a0", " ")
    assert "1 window (dashed) is hidden and expected there from rows and columns: not counted." in limits
    assert "By a rule and not by the model: 1 door." in limits
    assert "3 parts predicted as window fit neither" in limits
    assert "One window is hidden by a tree." in limits
    limits = " ".join(limits_of(garage_front())).replace("\u00a0", " ")
    assert "The photo ends before the front does on the right and at the bottom;" in limits
    assert limits_of(yard_photo().fronts[0]) == []


def test_doors_are_not_called_windows_that_are_not_counted() -> None:
    front = house_front()
    as_measured = tuple(structs.replace(one, counted=one.counted and one.kind == "window") for one in front.openings)
    assert limits_of(structs.replace(front, openings=as_measured)) == limits_of(front)
    off = tuple(structs.replace(one, counted=False) for one in front.openings)
    assert "8 windows (gray) not counted." in limits_of(structs.replace(front, openings=off))


def test_what_is_not_known_is_counted() -> None:
    assert [sentence.split(":")[0] for sentence in unknowns_of(measures_record())] == [
        "2 of 3 fronts have no size in meters",
        "2 of 3 fronts have no shape of windows",
        "2 of 3 fronts have no direction",
    ]
    alone = measures_record(house_photo(fronts=(house_front(),)))
    assert unknowns_of(alone) == []


def test_without_calibration_the_page_says_that_nothing_is_sure(tmp_path: Path) -> None:
    page = text_of(page_of(write_folder(tmp_path, measures_record(yard_photo(), level=None))))
    assert "Not known: the model is not calibrated for buildings" in page
    assert "exact" not in page
    assert "conformal" not in page


def test_links_headings_and_descriptions(page: str) -> None:
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert all(uri.startswith("data:") for uri in reader.loads)
    assert reader.headings[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(reader.headings))
    descriptions = [unescape(text) for text in re.findall(r'<img [^>]*alt="([^"]*)"', page)]
    assert descriptions[:2] == [
        "house.jpg with the outlines of 2 fronts",
        "Front 1 of house.jpg, rectified: 8 windows in 3 storeys",
    ]
    assert all(descriptions)


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "house.photo.jpg").unlink()
    (tmp_path / "yard.front-1.jpg").unlink()
    page = page_of(tmp_path)
    assert page.count("data:image/jpeg") == 3
    assert "The picture <code>house.photo.jpg</code> is missing." in page
    assert "The picture <code>yard.front-1.jpg</code> is missing." in page


def test_a_damaged_picture_or_record_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match=r"measures.json: not found"):
        write_measures_page(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "house.photo.jpg").write_bytes(b"no picture")
    with pytest.raises(SeamlineError, match=r"house.photo.jpg"):
        write_measures_page(tmp_path)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_shown_as_they_are(tmp_path: Path, text: str) -> None:
    photo = changed_front(house_photo(file=text, warnings=(text,)), building=text, notes=(text,))
    record = measures_record(
        photo, model=text, warnings=(text,), settings={text: text}, errors=(PhotoError(file=text, reason=text),)
    )
    measures_file(tmp_path).write(record)
    page = page_of(tmp_path)
    assert page.count("<script") == 2
    name = Path(text).name
    assert re.sub(r"\s+", " ", name) in text_of(page)
    assert text_of(page).count(re.sub(r"\s+", " ", text)) >= 6


def test_two_photos_of_one_name_are_told_apart(tmp_path: Path) -> None:
    photos = [yard_photo(file=f"{side}/yard.jpg", stem=side) for side in ("north", "south")]
    page = page_of(write_folder(tmp_path, measures_record(*photos)))
    assert re.findall(r"<h2 id=\"photo-\d-title\">(.*?)</h2>", page) == ["north/yard.jpg", "south/yard.jpg"]


def photos_of(number: int) -> list[MeasuredPhoto]:
    return [yard_photo(file=f"{place}.jpg", stem=f"photo-{place}", warnings=()) for place in range(number)]


def test_a_dozen_photos_of_any_content_give_a_small_page(tmp_path: Path) -> None:
    page = page_of(write_folder(tmp_path, measures_record(*photos_of(12)), noise=127))
    assert page.count("data:image/jpeg") == 24
    assert len(page.encode()) < 3_000_000


def test_a_large_folder_has_all_fronts_in_the_table_and_some_pictures(tmp_path: Path) -> None:
    measures_file(tmp_path).write(measures_record(*photos_of(1000)))
    page = page_of(tmp_path)
    shown = MAX_PICTURES // 2  # a photo and its front
    assert page.count('class="photo"') == shown
    assert f"the first {shown} of 1,000 photos" in text_of(page)
    table = page[page.index('aria-label="Measures of all fronts"') :]
    assert table[: table.index("</table>")].count('<th scope="row">') == 1000
    assert len(page.encode()) < 3_000_000


def test_a_photo_of_many_fronts_is_shown(tmp_path: Path) -> None:
    fronts = tuple(structs.replace(yard_photo().fronts[0], number=place) for place in range(1, MAX_PICTURES + 9))
    measures_file(tmp_path).write(measures_record(yard_photo(fronts=fronts)))
    assert page_of(tmp_path).count('<article class="front"') == len(fronts)


def test_a_folder_without_any_front_has_a_page(tmp_path: Path) -> None:
    record = structs.replace(measures_record(), photos=(), totals=())
    measures_file(tmp_path).write(record)
    text = text_of(page_of(tmp_path))
    assert "No front is measured in 1 photo." in text
    assert "street/sky.jpgshows no building" in text


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 820, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_width(folder: Path, open_page: Open, width: int, scheme: str) -> None:
    shown = open_page(folder, width, scheme)
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    if (width, scheme) in ((1280, "light"), (390, "dark")):
        assert violations(shown) == []
    assert all(
        picture.evaluate("one => one.complete && one.naturalWidth > 0") for picture in shown.locator("img").all()
    )


@pytest.mark.browser
def test_on_a_phone_tables_scroll_beside_their_first_column(folder: Path, open_page: Open) -> None:
    shown = open_page(folder, 390)
    table = shown.locator(".scroll").first
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    name = table.locator("tbody th").first
    before = name.bounding_box()["x"]
    table.focus()
    shown.keyboard.press("ArrowRight")
    for _ in range(50):  # it scrolls smoothly
        if table.evaluate("one => one.scrollLeft") > 0:
            break
        shown.wait_for_timeout(100)
    assert table.evaluate("one => one.scrollLeft") > 0
    assert name.bounding_box()["x"] == before


@pytest.mark.browser
def test_on_a_wide_screen_measures_stand_beside_the_picture(folder: Path, open_page: Open) -> None:
    shown = open_page(folder)
    picture = shown.locator(".picture-and-measures img").first.bounding_box()
    measures = shown.locator(".picture-and-measures .measures").first.bounding_box()
    assert picture["x"] + picture["width"] <= measures["x"]
    assert abs(picture["y"] - measures["y"]) < 5


@pytest.mark.browser
def test_measures_stand_right_beside_a_narrow_picture_and_leave_a_wide_one_its_room(
    folder: Path, open_page: Open
) -> None:
    shown = open_page(folder)
    for row in shown.locator(".picture-and-measures").all():
        picture, measures = row.locator("img").bounding_box(), row.locator(".measures").bounding_box()
        assert measures["x"] - picture["x"] - picture["width"] < 50 or picture["width"] < 200
        assert measures["width"] >= 350


@pytest.mark.browser
def test_long_names_are_shortened_in_the_middle(tmp_path: Path, open_page: Open) -> None:
    name = f"{'the northern side of a street, ' * 4}no. 12.jpg"
    write_measures_page(write_folder(tmp_path, measures_record(yard_photo(file=name))))
    shown = open_page(tmp_path, 390)
    assert shown.evaluate("document.documentElement.scrollWidth") == 390
    link = shown.locator(".fronts tbody .elided").first
    assert link.get_attribute("title") == name
    assert link.bounding_box()["height"] < 40  # a line
    assert link.locator("span").nth(1).inner_text().endswith("12.jpg")


@pytest.mark.browser
def test_print_has_each_photo_whole(folder: Path, open_page: Open) -> None:
    shown = open_page(folder, 680, "dark")  # about the text of an A4 page
    shown.emulate_media(media="print")
    assert shown.evaluate("document.documentElement.scrollWidth") == 680
    assert not shown.locator(".theme").is_visible()
    picture = shown.locator(".picture-and-measures img").first.bounding_box()
    measures = shown.locator(".picture-and-measures .measures").first.bounding_box()
    assert picture["x"] + picture["width"] <= measures["x"]
    cut = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    assert shown.evaluate(cut) == 0
