import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from accessibility import violations
from report.conftest import Open
from report.test_page import Reader
from seamline.report.formatting import decimal, percent
from seamline.report.index_page import ComparisonRow, ComparisonTable, training_text, write_index
from seamline.report.run_data import read_run


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def overview(finished: Path, segmented: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier's run, a segmenter's, one without a page, and one unfinished."""
    folder = tmp_path_factory.mktemp("overview")
    for run, name in ((finished, "one run"), (segmented, "two")):
        shutil.copytree(run, folder / name)
    shutil.copytree(finished, folder / "bare", ignore=shutil.ignore_patterns("report.html", "evaluation"))
    (folder / "unfinished").mkdir()
    runs = [folder / name for name in ("one run", "two", "bare", "unfinished", "nowhere")]
    write_index(folder, runs)
    return folder


def test_links_are_relative_and_lead_to_pages(overview: Path) -> None:
    links = [link for link in Reader(text_of(overview / "index.html")).links if not link.startswith(("#", "data:"))]
    assert links == ["one%20run/report.html", "two/report.html"]


def test_cards_hold_metrics_findings_and_pictures(overview: Path) -> None:
    page = text_of(overview / "index.html")
    cards = page.split('<article class="card">')[1:]
    assert len(cards) == 5
    for card, name, metric, printed in (
        (cards[0], "one run", "accuracy", percent),
        (cards[1], "two", "mean_ap", decimal),
    ):
        test = json.loads(text_of(overview / name / "metrics.json"))["test"]["overall"]
        assert printed(test[metric]["value"]) in card
        assert card.count("<dt>") == 1
        assert json.loads(text_of(overview / name / "findings.json"))[0]["sentence"].replace(" %", "\u00a0%") in card
    assert [card.count("<img") for card in cards] == [1, 2, 0, 0, 0]
    assert "No report yet." in cards[2]
    assert "<h1>5 runs on Made-up garments and Made-up facades</h1>" in page
    assert ["one run" in cards[0], "two" in cards[1]] == [True, True]
    assert training_text(read_run(overview / "one run")) in cards[0]
    assert "run.json: not found" in cards[3]
    assert "no such folder" in cards[4]


def test_the_page_stands_alone_and_shows_the_notice(tmp_path: Path, finished: Path) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    described = json.loads(text_of(run / "run.json"))
    described["dataset"] |= {"title": "<script>x</script>"}
    described["notice"] = "A program drew these."
    (run / "run.json").write_text(json.dumps(described), encoding="utf-8")
    page = text_of(write_index(tmp_path / "deep" / "below", [run]))
    assert "A program drew these." in page
    assert "&lt;script&gt;x" in page
    assert "../../run/report.html" in page
    assert all(load.startswith("data:image/") for load in Reader(page).loads)


def test_tables_of_figures_link_what_tells_more(tmp_path: Path) -> None:
    row = ComparisonRow("Accuracy <1>", "91.2 %", "92.0 %", "run/report.html#training")
    table = ComparisonTable("Part 1", "A note.", ("", "others", "this run"), (row,))
    page = text_of(write_index(tmp_path, [], title="A study", introduction="In short.", tables=[table]))
    assert Reader(page).links[-1] == "run/report.html#training"
    assert all(text in page for text in ("A study", "In short.", "Part 1", "A note.", "Accuracy &lt;1&gt;"))
    assert 'data-label="others">91.2\u00a0%</td>' in page
    assert "comparison" not in text_of(write_index(tmp_path / "plain", [])).partition("<body>")[2]


def test_no_runs_make_an_empty_page(tmp_path: Path) -> None:
    assert "0 runs" in text_of(write_index(tmp_path, []))


@pytest.mark.parametrize(
    ("preset", "text"),
    [
        ("fast", "Preset fast, model cnn"),
        ("fast, epochs=2, lr=0.1", "Preset fast with epochs=2, lr=0.1, model cnn"),
        ("fast, model=cnn", "Preset fast with model=cnn"),
    ],
)
def test_a_card_says_how_its_run_was_trained(finished: Path, preset: str, text: str) -> None:
    run = read_run(finished)
    assert training_text(replace(run, info=structs.replace(run.info, preset=preset))) == text


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_fits_and_is_accessible(overview: Path, open_page: Open, width: int, scheme: str) -> None:
    page = open_page(overview, width, scheme, file="index.html")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []
    photo, mask = (page.locator(f".layered img:nth-child({place})").first.bounding_box() for place in (1, 2))
    assert photo == mask  # the mask lies over its photo
