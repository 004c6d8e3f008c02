import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from helpers import refusal
from report.factories import write_classification_run, write_label_issues
from seamline.errors import SeamlineError
from seamline.report import page as page_module
from seamline.report.page import build_sections, render_page, write_report
from seamline.report.panels import PANELS as TABLE
from seamline.report.run_data import RunData, read_run

HOSTILE = ("<script>alert(1)</script>", "</style>&amp;", "\"q\" 'q' --x:1;", "Größe $x$ 衣", "`${1}`", "{{ 7*7 }}")
PANELS = [
    *("training", "confusion", "classes", "examples", "why", "kernels", "linear_probes", "calibration"),
    *("training_data", "reproducibility"),
]


class Reader(HTMLParser):
    """Gathers ids, references, headings and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        self.loads += [given[name] or "" for name in ("src", "srcset", "poster", "data") if name in given]
        if tag in ("a", "link", "use", "image"):
            self.links.append(given.get("href") or "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.scripts += tag == "script"


def page_of(run: Path) -> str:
    """The page alone, without writing the figures, which takes longest."""
    data = read_run(run)
    return render_page(data, build_sections(data))


def panel_of(run: RunData, name: str) -> str:
    """One panel of the page, as HTML without entities."""
    panel = next(one for one in TABLE if one.name == name)
    content = panel.build(run)
    assert content is not None
    page = render_page(run, [(panel, content)])
    return unescape(page[page.index(f'<section id="{name}"') : page.index("</section>")])


def rows_of(html: str, label: str) -> list[list[str]]:
    """The texts of the rows of the first table after a label, head and foot included."""
    table = re.sub(r"[ \n]+", " ", html[html.index(label) :].partition("</table>")[0])
    cells = [re.findall(r"<t[hd][ >].*?</t[hd]>", row) for row in re.findall("<tr.*?</tr>", table)]
    return [[re.sub("<[^>]+>", "", cell).strip() for cell in row] for row in cells]


def copy(finished: Path, folder: Path) -> Path:
    return Path(shutil.copytree(finished, folder / "run"))


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', page)


def test_page_is_one_small_file_that_loads_nothing(finished: Path) -> None:
    path = finished / "report.html"
    assert path.stat().st_size < 3_000_000
    page = path.read_text(encoding="utf-8")
    reader = Reader(page)
    assert all(load.startswith("data:") for load in reader.loads)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert all(url.startswith("data:image/png") for url in re.findall(r"url\(([^)#][^)]*)\)", page))
    assert "@import" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_ids_are_unique_and_links_lead_somewhere(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    named = {link[1:] for link in reader.links if link.startswith("#")}
    named |= set(re.findall(r'aria-(?:labelledby|controls)="([^"]+)"', page))
    assert named <= set(reader.ids)


def test_headings_are_in_order(finished: Path) -> None:
    headings = Reader((finished / "report.html").read_text(encoding="utf-8")).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(headings))


def test_the_same_run_gives_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    again = copy(finished, tmp_path)
    write_report(again)
    written = [path.relative_to(finished) for path in finished.rglob("*") if path.is_file()]
    assert len([path for path in written if path.parts[0] == "figures"]) == 2 * 10
    for path in written:
        assert (finished / path).read_bytes() == (again / path).read_bytes(), path


def test_panels_are_in_the_order_in_which_a_reader_asks(finished: Path) -> None:
    assert sections((finished / "report.html").read_text(encoding="utf-8")) == PANELS


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        (["calibration.json"], ["calibration"]),
        (["analysis/kernels.json"], ["kernels"]),
        (["analysis/linear_probes.json"], ["linear_probes"]),
        (["evaluation/val.json"], []),
        (["evaluation/test.png"], []),
        (["evaluation/val.json", "evaluation/test.json"], ["confusion", "examples"]),
        (["calibration.json", "analysis", "evaluation"],
         ["calibration", "kernels", "linear_probes", "confusion", "examples", "why", "training_data"]),
        (["evaluation/training_images.json"], ["training_data"]),
        (["evaluation/classes.json"], ["why"]),
        (["evaluation/class_means.png"], ["why"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_left_out(finished: Path, tmp_path: Path, missing: list[str], gone: list[str]) -> None:
    run = copy(finished, tmp_path)
    for name in missing:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    page = page_of(run)
    assert sections(page) == [name for name in PANELS if name not in gone]
    links = {link[1:] for link in Reader(page).links if link.startswith("#")}
    assert links <= set(Reader(page).ids)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("run.json", None, "run.json: not found"),
        ("model.safetensors", None, "model.safetensors: not found, training has not finished"),
        ("metrics.json", None, "metrics.json: not found"),
        ("findings.json", None, "findings.json: not found; the run is not evaluated"),
        ("history.jsonl", None, "history.jsonl: not found"),
        ("run.json", "{", "run.json: line 1 is not JSON"),
        ("run.json", "{}", "run.json: $.seamline is missing"),
        ("metrics.json", "[]", "metrics.json: $ is a list of 0, not an object"),
        ("history.jsonl", '{"epoch": 1}\n', "history.jsonl: line 1: $.train_loss is missing"),
        ("calibration.json", '{"a":\n', "calibration.json: line"),
        ("findings.json", "{}", "findings.json: $ is an object, not a list"),
        ("evaluation/test.png", "no image", "test.png: cannot be read as an image"),
        (
            "evaluation/val.json",
            '{"classes": ["a"], "confusion": [[1]]}',
            "val.json: its classes are not those of run.json",
        ),
        ("metrics.json", b"\xff\xfe", "metrics.json: cannot be read"),
        ("metrics.json", "[" * 50_000, "JSON ("),  # Python 3.14 reads such lists, and says what the end lacks
        ("metrics.json", "9" * 5_000, "metrics.json: not valid JSON"),
        ("findings.json", '[{"sentence": "x"}]', "findings.json: $[0]."),
        ("analysis/kernels.json", '{"rule": "x", "layers": [{"name": "x"}]}', "kernels.json: $."),
    ],
)
def test_an_unreadable_run_is_one_line_that_names_the_file(
    finished: Path, tmp_path: Path, file: str, content: str | bytes | None, says: str
) -> None:
    run = copy(finished, tmp_path)
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SeamlineError) as caught:
        write_report(run)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_folder_at_all_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="no such folder"):
        write_report(tmp_path / "nowhere")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    page = page_of(write_classification_run(tmp_path / "run", classes=HOSTILE, notice="<b>bold</b> & 'q'"))
    assert Reader(page).scripts == 4  # theme, confusion data, kernel data, script; and no other
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt; &amp;" in page
    assert "&lt;script&gt;alert(1)" in page
    data = re.search(r'id="confusion-data">(.*?)</script>', page, re.S)
    assert data is not None
    assert tuple(json.loads(data[1])["classes"]) == HOSTILE
    assert "{{ 7*7 }}" in unescape(page)


def test_notice_is_at_the_head(tmp_path: Path) -> None:
    page = page_of(write_classification_run(tmp_path / "run", notice="Synthetic images."))
    assert re.search(r'<p class="notice" role="note">[^<]+</p>', page)
    assert page.index('class="notice"') < page.index("<h1>")


def test_no_notice_where_the_run_has_none(finished: Path) -> None:
    assert 'class="notice"' not in (finished / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("classes", "side", "channels"), [(2, 8, 3), (50, 9, 1)])
def test_any_number_of_classes_and_any_small_image(tmp_path: Path, classes: int, side: int, channels: int) -> None:
    names = [f"class {i}" for i in range(classes)]
    run = write_classification_run(tmp_path / "run", classes=names, side=side, channels=channels, images=600, epochs=1)
    page = page_of(run)
    assert sections(page) == PANELS
    assert len(page) < 3_000_000


@pytest.mark.parametrize(
    ("file", "how", "says"),
    [
        ("run.json", lambda one: one["dataset"].update(classes=["Top"] * 6), "classes is empty or names a class twice"),
        ("run.json", lambda one: one["dataset"].update(classes=3), "$.dataset.classes is 3, not a list"),
        ("run.json", lambda one: one["model"].update(parameters="many"), '$.model.parameters is "many", not a whole'),
        (
            "metrics.json",
            lambda one: one["test"]["overall"]["accuracy"].update(value="high"),
            'accuracy.value is "high", not a number',
        ),
        ("metrics.json", lambda one: one["val"].update(per_class=[1]), "$.val.per_class is a list of 1, not an object"),
        ("calibration.json", lambda one: one["test"].pop("ece_scaled"), "$.test.ece_scaled is missing"),
        (
            "evaluation/test.json",
            lambda one: one["sheet"].update(tile=[0, 12]),
            "$.sheet.tile[0] is 0, not a whole number",
        ),
        ("evaluation/test.json", lambda one: one["sheet"].update(tile=[12]), "$.sheet.tile"),
        (
            "evaluation/test.json",
            lambda one: one["sheet"].update(columns=0),
            "$.sheet.columns is 0, not a whole number",
        ),
        (
            "evaluation/test.json",
            lambda one: one["sheet"]["examples"][0].update(ground_truth=6),
            "a class beyond the 6 classes",
        ),
        (
            "evaluation/test.json",
            lambda one: one["confusion"][0].__setitem__(0, -1),
            "$.confusion[0][0] is -1, not a whole",
        ),
        (
            "analysis/kernels.json",
            lambda one: one["layers"][0]["weights"].pop(),
            "weights is a list of 199, which is not of the shape (8, 1, 5, 5)",
        ),
        (
            "analysis/kernels.json",
            lambda one: one["layers"][0]["types"].pop(),
            "types and correlations do not have one entry per filter",
        ),
        (
            "analysis/kernels.json",
            lambda one: one["layers"][0].update(fractions={}),
            "types has a type that fractions lacks",
        ),
        ("analysis/linear_probes.json", lambda one: one["probes"][0].pop("name"), "$.probes[0].name is missing"),
        (
            "evaluation/classes.json",
            lambda one: one["classes"].update(Other=one["classes"].pop("Bag")),
            "its classes are not those of run.json",
        ),
        ("evaluation/classes.json", lambda one: one.update(n_confused=99), "n_confused is 99, more than the 12 pairs"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_its_path(
    finished: Path, tmp_path: Path, file: str, how: Callable[[dict[str, Any]], object], says: str
) -> None:
    run = copy(finished, tmp_path)
    content = json.loads((run / file).read_text(encoding="utf-8"))
    how(content)
    (run / file).write_text(json.dumps(content), encoding="utf-8")
    line = refusal(lambda: write_report(run))
    assert line.startswith(f"{run / file}: ")
    assert says in line


def test_a_sheet_of_means_that_is_too_small_is_an_error(finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    Image.new("L", (20, 20)).save(run / "evaluation" / "class_means.png")
    assert "class_means.png: too small for the classes of classes.json" in refusal(lambda: write_report(run))


def test_findings_are_at_the_head_and_in_their_panel(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    head = page[: page.index("<section")]
    for finding in read_run(finished).findings:
        sentence = finding.sentence.replace(" %", "\u00a0%")
        section = page[page.index(f'<section id="{finding.panel}"') :]
        assert sentence in head
        assert sentence in section[: section.index("</section>")]
        assert f'<a href="#{finding.panel}"' in head


def test_every_panel_is_a_folder_with_a_template() -> None:
    folder = Path(page_module.__file__).parent / "panels"
    names = [panel.name for panel in TABLE]
    assert sorted(names) == sorted(path.parent.name for path in folder.glob("*/panel.html"))
    assert len(names) == len(set(names)) == len({panel.title for panel in TABLE})


def test_possible_label_errors_are_shown_with_both_classes(finished: Path, tmp_path: Path) -> None:
    run = copy(finished, tmp_path)
    write_label_issues(run)
    page = page_of(run)
    section = page[page.index('<section id="label_issues"') :]
    assert section.count("tile sprite-issues") == 3
    assert "<s>Top</s> Coat <small>test</small> <small>99\u00a0%</small>" in section
    assert 'aria-label="test image test/00000"' in section
    assert "Only the 240 validation and 480 test images are checked" in section
    assert "flags 5 of 720 images" in section
    assert "agrees with 95.8\u00a0% of all labels" in section
    assert "The model agrees with" in section
    assert "names of training images" not in section
    content = json.loads((run / "evaluation" / "label_issues.json").read_text(encoding="utf-8"))
    content["issues"][1] |= {"name": "train/00007", "split": "val"}
    (run / "evaluation" / "label_issues.json").write_text(json.dumps(content), encoding="utf-8")
    drawn = page_of(run)
    assert "Validation images have names of training images, which they were drawn from." in drawn
    assert 'aria-label="validation image train/00007"' in drawn
    write_label_issues(run, folds=3)
    assert "3 models, each trained without the fold that it checks" in page_of(run)
    content = json.loads((run / "evaluation" / "label_issues.json").read_text(encoding="utf-8"))
    content["issues"][0]["label"] = 6
    (run / "evaluation" / "label_issues.json").write_text(json.dumps(content), encoding="utf-8")
    assert "an issue has a class that run.json lacks" in refusal(lambda: page_of(run))


def test_a_new_panel_is_one_folder_and_one_row(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(
        Path(page_module.__file__).parents[1], tmp_path / "seamline", ignore=shutil.ignore_patterns("__pycache__")
    )
    panels = tmp_path / "seamline" / "report" / "panels"
    (panels / "epochs").mkdir()
    (panels / "epochs" / "__init__.py").write_text(
        "from seamline.report.panel import Content\n\n\ndef build(run):\n    return Content({'n': len(run.history)})\n"
    )
    (panels / "epochs" / "panel.html").write_text("<p>{{ values.n }} epochs, {{ task }}</p>")
    (panels / "epochs" / "panel.css").write_text("#epochs p { color: var(--accent); }")
    table = panels / "__init__.py"
    rows = table.read_text(encoding="utf-8").replace("    confusion,\n", "    confusion,\n    epochs,\n")
    rows = rows.replace(
        '    Panel("confusion"', '    Panel("epochs", "Number of epochs", epochs.build),\n    Panel("confusion"'
    )
    table.write_text(rows, encoding="utf-8")
    script = (
        "import sys; from pathlib import Path\n"
        "from seamline.report.page import build_sections, render_page\n"
        "from seamline.report.run_data import read_run\n"
        "run = read_run(Path(sys.argv[1])); print(render_page(run, build_sections(run)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", script, str(finished)]
    page = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8").stdout
    assert sections(page) == [*PANELS[:1], "epochs", *PANELS[1:]]
    assert "<p>6 epochs, classification</p>" in page
    assert '<li><a href="#epochs">Number of epochs</a></li>' in page
    assert "#epochs p { color" in page
