import re
from pathlib import Path

import numpy as np
import pytest

from report.factories import FACADE_CLASSES, PALETTE, random_triple, write_labels_record, write_masks_record
from report.test_page import Reader
from seamline.errors import SeamlineError
from seamline.report.predictions_page import write_predictions_page


def test_every_photo_is_shown_and_every_failure_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    write_masks_record(tmp_path, ("<b>", *FACADE_CLASSES[1:]), PALETTE, [random_triple(rng, 5) for _ in range(3)])
    page = write_predictions_page(tmp_path).read_text(encoding="utf-8")
    assert [int(place) for place in re.findall(r'id="photo-(\d)"', page)] == [1, 2, 3]
    assert page.count('type="range"') == 3
    assert page.count("data:image/jpeg") == 3
    assert "3 photos, 1 unreadable" in page
    assert "is no image" in page
    assert "<b>" not in re.sub(r"<b>[\d.]+\u00a0%</b>|<b>(Made-up facades|fast)</b>", "", page)
    reader = Reader(page)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)


def test_a_classifier_shows_labels_and_probabilities(tmp_path: Path) -> None:
    names = [f"kind {i}" for i in range(14)]
    page = write_predictions_page(write_labels_record(tmp_path, names)).read_text(encoding="utf-8")
    assert '<p class="bars-title">kind 1</p>' in page
    assert page.count('class="bar highlight"') == 2
    assert page.count("4 more classes, each less probable.") == 2
    assert 'type="range"' not in page


def test_a_photo_without_a_copy_shows_its_mask_alone(tmp_path: Path) -> None:
    write_masks_record(tmp_path, FACADE_CLASSES, PALETTE, [random_triple(np.random.default_rng(1), 5)])
    path = tmp_path / "predictions.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"front-1.photo.jpg"', "null"), encoding="utf-8")
    page = write_predictions_page(tmp_path).read_text(encoding="utf-8")
    assert 'type="range"' not in page
    assert page.count('class="mask"') == 1


def test_a_folder_without_predictions_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match=r"predictions.json: not found"):
        write_predictions_page(tmp_path)
