"""Sheets of images with masks: which images, and that every tile shows its own."""

import io

import numpy as np
from PIL import Image
from sklearn.metrics import confusion_matrix, jaccard_score

from evaluation.factories import mask_evaluation, mask_split
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.examples import rank_images
from seamline.evaluation.mask_sheets import SIDE, choose_cases, mask_sheets

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))


def test_all_images_are_chosen_where_they_fit() -> None:
    evaluation = mask_evaluation(mask_split())
    order, _ = rank_images(evaluation)
    assert choose_cases(evaluation, order, 12).tolist() == list(range(12))


def test_of_many_images_the_worst_of_each_class_are_chosen() -> None:
    split = mask_split(40)
    evaluation = mask_evaluation(split)
    order, _ = rank_images(evaluation)
    chosen = choose_cases(evaluation, order, 10)
    assert len(set(chosen.tolist())) == 10
    assert chosen.tolist() == sorted(chosen.tolist()) == choose_cases(evaluation, order, 10).tolist()
    for label in range(4):
        valid = [split.labels[i] != IGNORE_INDEX for i in order]
        iou = [
            jaccard_score(split.labels[i][used] == label, evaluation.predicted[i][used] == label)
            for i, used in zip(order, valid, strict=True)
        ]
        assert int(np.argmin(iou)) in chosen


def test_each_tile_shows_its_image_and_masks() -> None:
    split = mask_split(20)
    evaluation = mask_evaluation(split)
    order, _ = rank_images(evaluation)
    sheets, (photos, *masks) = mask_sheets(evaluation, order, PALETTE)
    assert (sheets.tile, sheets.columns) == ((16, 12), 16)
    shown = [np.asarray(Image.open(io.BytesIO(content))) for content in (photos, *masks)]
    assert shown[1].shape == sheets.size == (32, 192)
    for position, case in enumerate(sheets.cases):
        index = order[case.rank - 1]
        row, column = divmod(position, 16)
        photo, truth, predicted = (one[16 * row : 16 * row + 16, 12 * column : 12 * column + 12] for one in shown)
        assert np.array_equal(truth, split.labels[index])
        assert np.array_equal(predicted, evaluation.predicted[index])
        assert abs(photo.mean((0, 1)) - split.images[index].mean((0, 1))).max() < 4
        used = truth != IGNORE_INDEX
        expected = confusion_matrix(truth[used], predicted[used], labels=range(4))
        assert {(true, label): pixels for true, label, pixels in case.cells} == {
            (true, label): pixels for (true, label), pixels in np.ndenumerate(expected) if pixels
        }


def test_large_images_and_masks_get_one_size() -> None:
    small = mask_split(1)
    images, labels = (np.repeat(np.repeat(part, 41, axis=1), 33, axis=2) for part in (small.images, small.labels))
    evaluation = mask_evaluation(Split(images, labels, small.names, small.groups))
    sheets, files = mask_sheets(evaluation, rank_images(evaluation)[0], PALETTE)
    height, width = sheets.tile
    assert (height, width) == (SIDE, round(SIDE * 12 * 33 / (16 * 41)))
    for content in files:
        assert Image.open(io.BytesIO(content)).size == (16 * width, height)
