import io

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from evaluation.factories import mask_evaluation, mask_split
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.examples import choose_buckets, mask_examples, rank_images

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))


def test_images_are_ranked_by_mean_iou() -> None:
    split = mask_split()
    asked = mask_evaluation(split)
    order, images = rank_images(asked)
    assert sorted(order) == list(range(12))
    assert [image.mean_iou for image in images] == sorted((image.mean_iou for image in images), reverse=True)
    for index, image in zip(order, images, strict=True):
        used = split.labels[index] != IGNORE_INDEX
        truth, answer = split.labels[index][used], asked.predicted[index][used]
        assert (image.name, image.group) == (split.names[index], split.groups[index])
        assert image.mean_iou == pytest.approx(jaccard_score(truth, answer, average="macro"), abs=1e-6)
        assert image.accuracy == pytest.approx(float((truth == answer).mean()), abs=1e-6)


def test_images_without_a_pixel_that_counts_are_not_ranked() -> None:
    split = mask_split()
    split.labels[3] = IGNORE_INDEX
    order, images = rank_images(mask_evaluation(split))
    assert len(images) == 11
    assert sorted(order) == [i for i in range(12) if i != 3]


@pytest.mark.parametrize("count", range(12))
def test_no_image_is_shown_twice(count: int) -> None:
    examples = choose_buckets(count)
    ranks = [rank for _, rank in examples]
    assert ranks == sorted(set(ranks))
    assert len(ranks) == min(6, count)
    if count >= 6:
        assert [bucket for bucket, _ in examples] == ["best"] * 2 + ["median"] * 2 + ["worst"] * 2


def test_median_examples_lie_in_the_middle() -> None:
    assert [rank for _, rank in choose_buckets(114)] == [0, 1, 56, 57, 112, 113]
    assert [rank for _, rank in choose_buckets(9)] == [0, 1, 3, 4, 7, 8]


def test_pictures_show_the_images() -> None:
    split = mask_split()
    asked = mask_evaluation(split)
    order, images = rank_images(asked)
    examples, files = mask_examples(asked, order, images, PALETTE)
    assert len(files) == 18
    for example in examples:
        image = order[example.rank - 1]
        assert example.name == split.names[image]
        truth, output = (Image.open(io.BytesIO(files[name])) for name in (example.ground_truth, example.prediction))
        assert truth.mode == output.mode == "P"
        assert np.array_equal(np.asarray(truth), split.labels[image])
        assert np.array_equal(np.asarray(output), asked.predicted[image])
        assert (output.getpalette() or [])[3:6] == [0, 128, 255]
        photo = Image.open(io.BytesIO(files[example.image]))
        assert photo.format == "JPEG"
        assert photo.size == (12, 16)


def test_reference_images_follow_with_their_rank() -> None:
    asked = mask_evaluation(mask_split())
    order, images = rank_images(asked)
    names = (images[4].name, "of another split", images[0].name)
    examples, files = mask_examples(asked, order, images, PALETTE, names)
    assert len(files) == 21
    assert [(one.bucket, one.name, one.rank) for one in examples[6:]] == [
        ("reference", images[4].name, 5),  # the other one is the best image, and shown as such
    ]
    shown = np.asarray(Image.open(io.BytesIO(files["reference-1.prediction.png"])))
    assert np.array_equal(shown, asked.predicted[order[4]])


def test_large_pictures_are_scaled_down() -> None:
    small = mask_split(1)
    images, labels = (np.repeat(np.repeat(part, 60, axis=1), 60, axis=2) for part in (small.images, small.labels))
    asked = mask_evaluation(Split(images, labels, small.names, small.groups))
    _, files = mask_examples(asked, *rank_images(asked), PALETTE)
    for content in files.values():
        assert Image.open(io.BytesIO(content)).size == (384, 512)
    shown = np.asarray(Image.open(io.BytesIO(files["best-1.ground_truth.png"])))
    assert np.array_equal(shown[16::32, 16::32], small.labels[0])
