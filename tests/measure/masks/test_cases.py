import io

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from measure.masks.made import made_evaluation, made_split
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.measure.masks.cases import choose_cases, describe_cases, rank_images

COLOURS = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))


def test_images_are_ranked_by_mean_iou() -> None:
    split = made_split()
    tally = made_evaluation(split).tally
    ranking = rank_images(tally)
    assert sorted(ranked.image for ranked in ranking) == list(range(12))
    assert [ranked.mean_iou for ranked in ranking] == sorted((r.mean_iou for r in ranking), reverse=True)
    for ranked in ranking:
        used = split.labels[ranked.image] != IGNORE_INDEX
        truth, answer = split.labels[ranked.image][used], tally.predicted[ranked.image][used]
        assert ranked.mean_iou == pytest.approx(jaccard_score(truth, answer, average="macro"))
        assert ranked.accuracy == pytest.approx(float((truth == answer).mean()))


def test_images_without_a_pixel_that_counts_are_not_ranked() -> None:
    split = made_split()
    split.labels[3] = IGNORE_INDEX
    ranking = rank_images(made_evaluation(split).tally)
    assert sorted(ranked.image for ranked in ranking) == [i for i in range(12) if i != 3]


@pytest.mark.parametrize("count", range(12))
def test_no_image_is_shown_twice(count: int) -> None:
    cases = choose_cases(count)
    places = [place for _, place in cases]
    assert places == sorted(set(places))
    assert len(places) == min(6, count)
    if count >= 6:
        assert [rank for rank, _ in cases] == ["best"] * 2 + ["median"] * 2 + ["worst"] * 2


def test_median_cases_lie_in_the_middle() -> None:
    assert [place for _, place in choose_cases(114)] == [0, 1, 56, 57, 112, 113]
    assert [place for _, place in choose_cases(9)] == [0, 1, 3, 4, 7, 8]


def test_pictures_show_the_images() -> None:
    split = made_split()
    tally = made_evaluation(split).tally
    ranking = rank_images(tally)
    cases, files = describe_cases(tally, ranking, COLOURS)
    assert len(files) == 18
    for case in cases:
        image = ranking[case["place"] - 1].image
        assert case["name"] == split.names[image]
        truth, output = (Image.open(io.BytesIO(files[case[kind]])) for kind in ("truth", "output"))
        assert truth.mode == output.mode == "P"
        assert np.array_equal(np.asarray(truth), split.labels[image])
        assert np.array_equal(np.asarray(output), tally.predicted[image])
        assert (output.getpalette() or [])[3:6] == [0, 128, 255]
        photo = Image.open(io.BytesIO(files[case["photo"]]))
        assert photo.format == "JPEG"
        assert photo.size == (12, 16)


def test_large_pictures_are_scaled_down() -> None:
    small = made_split(1)
    images, labels = (np.repeat(np.repeat(part, 60, axis=1), 60, axis=2) for part in (small.images, small.labels))
    tally = made_evaluation(Split(images, labels, small.names, small.groups)).tally
    _, files = describe_cases(tally, rank_images(tally), COLOURS)
    for content in files.values():
        assert Image.open(io.BytesIO(content)).size == (384, 512)
    shown = np.asarray(Image.open(io.BytesIO(files["best-1.truth.png"])))
    assert np.array_equal(shown[16::32, 16::32], small.labels[0])
