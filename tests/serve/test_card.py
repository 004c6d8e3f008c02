"""The card of a model, from the text of a pretrained one or from the files of a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from report.factories import write_classification_run, write_segmentation_run
from seamline.evaluation.model_card import model_card
from seamline.inference.predictor import load_model
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.run_folder import RunFolder
from seamline.serve.card import CardSection, parse_card, read_card


def card_of(path: Path, model: str) -> dict[str, CardSection]:
    """The sections of a run's card by title."""
    return {section.title: section for section in read_card(replace(load_model(model), path=path)).sections}


def test_a_card_is_parsed() -> None:
    text = """# name

It segments.

## Intended use

Of walls.

## Data and license

First.

Second.

## Metrics

### One

| | test |
| --- | --- |
| IoU | 0.5 (0.4\u20130.6) |

| Class | AP |
| --- | --- |
| wall | 0.7 |

## Limits

Night.
"""
    use, limits, metrics, one, data = parse_card(text)
    assert (use.title, use.paragraphs) == ("Intended use", ["It segments.", "Of walls."])
    assert (limits.title, limits.paragraphs) == ("Limits", ["Night."])
    assert (data.title, data.paragraphs, data.tables) == ("Data and license", ["First.", "Second."], [])
    assert (metrics.title, metrics.paragraphs, metrics.tables) == ("Metrics", [], [])
    assert one.tables == [[["", "test"], ["IoU", "0.5 (0.4\u20130.6)"]], [["Class", "AP"], ["wall", "0.7"]]]


@pytest.mark.parametrize("name", PRETRAINED)
def test_nothing_of_a_card_is_lost(name: str) -> None:
    text = (pretrained_dir(name) / "CARD.md").read_text(encoding="utf-8")
    sections = read_card(load_model(name)).sections
    titles = [section.title for section in sections]
    assert titles[:2] == ["Intended use", "Limits"]
    assert len({*titles}) == len(titles)
    parts = [part for section in sections for part in (section.title, *section.paragraphs)]
    parts += [cell for section in sections for table in section.tables for row in table for cell in row]
    letters = "".join(sorted("".join(parts).replace(" ", "")))
    marks = text.removeprefix(f"# {name}\n").replace("| --- ", "").translate(str.maketrans("", "", "|# \n"))
    assert letters == "".join(sorted(marks))


def test_the_figures_are_those_of_the_run(tmp_path: Path) -> None:
    path = write_segmentation_run(tmp_path / "run")
    card, metrics = card_of(path, "facades"), RunFolder(path).metrics.read()
    assert [*card] == ["Intended use", "Limits", "Findings", "Metrics", "Data and license", "Training"]
    overall, classes = card["Metrics"].tables
    assert overall[0] == ["", "validation", "test"]
    assert metrics.test is not None
    accuracy = metrics.test.overall["accuracy"]
    row = next(row for row in overall if row[0] == metrics.definitions["accuracy"].title)
    interval = f"{100 * accuracy.low:.1f}\u2013{100 * accuracy.high:.1f}\xa0%"
    form = metrics.definitions["accuracy"].format
    decimal = f"{accuracy.value:.3f} ({accuracy.low:.3f}\u2013{accuracy.high:.3f})"
    assert row[2] == (decimal if form == "decimal" else f"{100 * accuracy.value:.1f}\xa0% ({interval})")
    assert not [name for name, *_ in overall if "softmax" in name]
    assert classes[0] == ["Class", f"{metrics.definitions['ap'].title}, test"]
    values = {name: values["ap"].value for name, values in metrics.test.per_class.items()}
    shown = {name: float(text.split()[0]) for name, text in classes[1:]}
    assert shown == pytest.approx(values, abs=0.0005)
    assert card["Findings"].paragraphs == [one.sentence for one in RunFolder(path).findings.read()][:5]
    info, novelty = (getattr(RunFolder(path), name).read_optional() for name in ("info", "novelty"))
    expected = model_card(info, metrics, novelty)
    assert card["Intended use"].paragraphs == [*expected.intended_use]
    assert card["Limits"].paragraphs == [*expected.limits]


def test_a_run_without_test_images_says_so(tmp_path: Path) -> None:
    path = write_classification_run(tmp_path / "run")
    folder = RunFolder(path)
    metrics = folder.metrics.read()
    folder.metrics.write(type(metrics)(train=metrics.train, val=metrics.val, definitions=metrics.definitions))
    card = card_of(path, "garments")
    assert card["Limits"].paragraphs[0].startswith("There are no test images. The metrics are of ")
    assert card["Metrics"].tables[0][0] == ["", "validation"]


def test_models_without_figures_have_a_card(segmenter: Path) -> None:
    sections = read_card(load_model(segmenter)).sections
    assert sections[0].paragraphs[0] == "The model assigns each pixel of an image to one of 2 classes: dark and bright."
    assert sections[1].paragraphs == ["The run has not been evaluated."]
    use, limits = read_card(load_model(pretrained_dir("garments") / "model.onnx")).sections
    assert use.paragraphs[0].startswith("Classification of images like those of Fashion-MNIST into 10 classes:")
    assert "the report of its run has them" in limits.paragraphs[0]
