from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from measures_factories import house_front, house_photo, measures_record, rectangle, rectified_plane
from measures_factories import opening as make_opening
from run_folder.factories import finding
from seamline.run_folder import Finding, Opening, PhotoError, PhotoPrediction, PredictionRecord, RunFolder
from seamline.study.findings import replace_finding
from seamline.study.measures import MEASURES, match_windows, measures_finding, pillar_recall
from seamline.synthetic.facades import library_photo
from seamline.synthetic.facades.canvas import PILLAR, WINDOW
from seamline.synthetic.facades.library import COLUMNS, STOREYS

CORNERS = ((0.0, 0.0), (400.0, 0.0), (400.0, 300.0), (0.0, 300.0))
PREDICTIONS = PredictionRecord(
    model="run",
    task="segmentation",
    dataset="Facades",
    preset="fast",
    classes=("other", "pillar"),
    palette=((0, 0, 0), (0, 255, 0)),
    photos=(PhotoPrediction(file="a.jpg", width=9, height=9, mask="a.png", class_fractions={"pillar": 0.125}),),
)


def window(*box: float) -> Opening:
    """A window of a front that the photo shows as it is."""
    left, top, right, bottom = box
    return make_opening(rectified_plane(CORNERS, 400, 300), "window", rectangle((left, top, right, bottom)))


def draw(label: int, *boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    labels = np.zeros((300, 400), np.uint8)
    for left, top, right, bottom in boxes:
        labels[top:bottom, left:right] = label
    return labels


def test_a_measured_window_is_a_drawn_one_from_half_of_their_union_on() -> None:
    drawn = draw(WINDOW, (20, 40, 60, 140), (120, 40, 160, 140), (220, 40, 260, 140), (300, 50, 304, 60))
    exact, low, beside = window(20, 40, 60, 140), window(120, 40, 160, 80), window(340, 40, 380, 140)
    assert match_windows([exact, low, beside], drawn) == (3, 1, 2)  # IoU 1, 0.4 and 0; the sliver is no window
    assert match_windows([exact, exact], drawn) == (3, 1, 0)  # a window is found once
    assert match_windows([exact], draw(WINDOW)) == (0, 0, 1)


def test_the_recall_of_pillars_is_that_of_their_ends_and_their_middles() -> None:
    drawn = draw(PILLAR, (10, 60, 30, 120), (50, 60, 70, 120))  # 60 rows, of which 10 at each end
    predicted = draw(PILLAR, (10, 65, 30, 115), (50, 70, 70, 90))
    ends, middles = pillar_recall(drawn, predicted)
    assert np.allclose((ends, middles), (0.25, 0.75))  # 5 + 5 of 40 rows; 40 + 20 of 80
    assert pillar_recall(draw(PILLAR), predicted) == (0, 0)


def test_the_finding_states_what_is_measured_and_what_is_doubtful() -> None:
    record = measures_record(house_photo(fronts=(house_front(expected_error=0.04, visible_area=120_000.0),)))
    stated = measures_finding(record, PREDICTIONS)
    assert (stated.name, stated.panel) == (MEASURES, "measures")
    assert "8 windows in 3 storeys and 4 columns of windows" in stated.sentence
    assert "0 of 8 are less than a third as wide as high" in stated.sentence
    assert "pillars (12\u00a0% of the pixels)" in stated.sentence
    assert "4.0\u00a0% of the front's area" in stated.sentence
    assert stated.values["wwr"] == [0.1325]


def test_a_photo_without_a_building_is_stated_with_the_reason() -> None:
    error = PhotoError(file="a.jpg", reason="shows no building")
    stated = measures_finding(replace(measures_record(), photos=(), errors=(error,)), PREDICTIONS)
    assert stated.sentence == "No front is measured in 1 photo: shows no building."


def test_the_drawing_of_the_library_front_has_its_windows_storeys_and_columns() -> None:
    _, labels = library_photo()
    assert match_windows([], labels) == (STOREYS * COLUMNS, 0, 0)
    stated = measures_finding(measures_record(house_photo(fronts=(house_front(),))), PREDICTIONS, labels, labels)
    assert "Drawn are 36 thin windows in 2 storeys and 18 columns" in stated.sentence
    assert (stated.values["drawn"]["pillar_recall_ends"], stated.values["drawn"]["matched"]) == (1, 0)


def test_a_finding_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.findings.write((finding(),))
    first, second = (Finding(name=MEASURES, sentence=text, values={}, panel="measures") for text in ("One.", "Two."))
    replace_finding(run, first)
    replace_finding(run, second)
    assert [one.sentence for one in run.findings.read()] == [finding().sentence, "Two."]
