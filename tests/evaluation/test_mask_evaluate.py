import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, confusion_matrix, log_loss

from conftest import CLASSES as SIDES
from conftest import bright_sides
from evaluation.factories import CLASSES, Mixed, logits_of, mask_evaluation, mask_split
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.evaluation.evaluate import NO_LOGITS, SampleLimits, evaluate_split, quick_eval
from seamline.inference import forward
from seamline.inference.forward import eval_batch_size
from seamline.models.factory import build_model


def test_a_fixed_number_of_pixels_is_asked_at_once() -> None:
    sizes = {(28, 28): 1000, (256, 256): 11, (3000, 4000): 1}
    for (height, width), images in sizes.items():
        empty = np.broadcast_to(np.uint8(0), (20, height, width, 3))
        assert eval_batch_size(empty) == images


def test_counts_agree_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "BATCH_PIXELS", 5 * 16 * 12)  # portions of 5, 5 and 2 images
    split = mask_split()
    asked = mask_evaluation(split)
    scores = logits_of(split.images)
    for i in range(len(split)):
        used = split.labels[i] != IGNORE_INDEX
        truth, answer = split.labels[i][used], scores[i].argmax(-1)[used]
        assert np.array_equal(asked.predicted[i], scores[i].argmax(-1))
        assert np.array_equal(asked.counts.matrices[i], confusion_matrix(truth, answer, labels=range(4)))
        exponents = np.exp(scores[i][used].astype(np.float64))
        stated = exponents / exponents.sum(1, keepdims=True)
        assert asked.counts.losses[i] == pytest.approx(
            log_loss(truth, stated, labels=range(4), normalize=False), rel=1e-5
        )
        assert asked.counts.labels_per_image[i] == used.sum()


def test_pixels_are_ranked_as_scikit_learn_ranks_them() -> None:
    split = mask_split()
    asked = mask_evaluation(split, sharp=3.0)
    used = split.labels != IGNORE_INDEX
    scores = torch.from_numpy(logits_of(split.images, 3.0)[used])
    for way, ranked in (("raw", scores), ("softmax", scores.softmax(1))):
        for k in range(4):
            expected = average_precision_score(split.labels[used] == k, ranked[:, k].numpy())
            assert asked.counts.rankings[way][k].value == pytest.approx(expected, abs=2e-5)


def test_a_tally_is_the_same_without_scores() -> None:
    split = mask_split()
    counted, asked = mask_evaluation(split, limits=NO_LOGITS), mask_evaluation(split)
    assert np.array_equal(counted.counts.confusion.toarray(), asked.counts.confusion.toarray())
    assert counted.counts.rankings == {}
    assert np.array_equal(counted.counts.losses, asked.counts.losses)


def test_splits_too_large_for_memory_are_bounded() -> None:
    split = mask_split(40)
    exact = mask_evaluation(split)
    large = mask_evaluation(split, limits=SampleLimits(1000, 2000))
    assert large.sample.logits.shape == (40, 4, 50)
    assert np.array_equal(large.counts.confusion_matrix, exact.counts.confusion_matrix)
    planes = logits_of(split.images).reshape(40, -1, 4).transpose(0, 2, 1)
    for image in range(40):  # each kept pixel is one of the image's own
        kept = {tuple(column) for column in large.sample.logits[image].T.round(4).tolist()}
        assert kept <= {tuple(column) for column in planes[image].T.round(4).tolist()}
    for way in ("raw", "softmax"):
        for ranked, bounded in zip(exact.counts.rankings[way], large.counts.rankings[way], strict=True):
            assert bounded.low <= ranked.value <= bounded.high
            assert bounded.low <= bounded.value <= bounded.high
            assert bounded.histograms.sum() == ranked.histograms.sum()
            assert bounded.value == pytest.approx(ranked.value, abs=0.02)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), ignored=st.floats(0, 1))
def test_every_pixel_that_counts_is_counted_once(seed: int, ignored: float) -> None:
    split = mask_split(3, seed, side=(5, 4), ignored=ignored)
    asked = mask_evaluation(split)
    assert asked.counts.confusion_matrix.sum() == (split.labels != IGNORE_INDEX).sum()
    for rankings in asked.counts.rankings.values():
        for k, ranked in enumerate(rankings):
            assert ranked.histograms.sum() == (split.labels != IGNORE_INDEX).sum()
            assert ranked.histograms[:, 1].sum() == (split.labels == k).sum()


def test_what_lies_under_ignored_pixels_changes_nothing() -> None:
    split = mask_split(ignored=0.4)
    images = split.images.copy()
    images[split.labels == IGNORE_INDEX] = 255 - images[split.labels == IGNORE_INDEX]
    other = Split(images, split.labels, split.names, split.groups)
    for sharp in (1.0, 2.0):
        first, second = mask_evaluation(split, sharp), mask_evaluation(other, sharp)
        assert np.array_equal(first.counts.confusion.toarray(), second.counts.confusion.toarray())
        assert np.array_equal(first.counts.losses, second.counts.losses)
        assert [r.value for r in first.counts.rankings["raw"]] == [r.value for r in second.counts.rankings["raw"]]
        assert quick_eval(Mixed(sharp), split, "segmentation") == quick_eval(Mixed(sharp), other, "segmentation")


def test_a_quick_evaluation_is_the_evaluation_in_two_numbers() -> None:
    split = mask_split()
    quick, counts = quick_eval(Mixed(), split, "segmentation"), mask_evaluation(split).counts
    assert quick.accuracy == np.trace(counts.confusion_matrix) / counts.confusion_matrix.sum()
    assert quick.loss == pytest.approx(counts.losses.sum() / counts.labels_per_image.sum())


def test_a_quick_evaluation_of_whole_images_is_exact() -> None:
    split = bright_sides(90, 0)
    network = build_model("cnn-fast", (20, 20, 1), 3, task="classification").train()
    written = evaluate_split(network, split, SIDES, "classification").metrics.summary().overall
    quick = quick_eval(network, split, "classification")
    assert (quick.loss, quick.accuracy) == (written["log_loss"].value, written["accuracy"].value)
    assert network.training


def test_a_quick_evaluation_of_nothing_is_nan() -> None:
    quick = quick_eval(Mixed(), mask_split(ignored=1.0), "segmentation")
    assert np.isnan(quick.loss)
    assert np.isnan(quick.accuracy)


class Broken(Mixed):
    """Scores that are no numbers where the first channel is 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images).masked_fill(images[:, :1] == 0, torch.nan)


def test_scores_that_are_no_numbers_count_where_they_lie() -> None:
    split = mask_split()
    assert np.isnan(quick_eval(Broken(), split, "segmentation").loss)
    split.labels[split.images[..., 0] == 0] = IGNORE_INDEX
    assert quick_eval(Broken(), split, "segmentation") == quick_eval(Mixed(), split, "segmentation")
    broken, whole = (
        evaluate_split(network, split, CLASSES, "segmentation", limits=NO_LOGITS).counts.losses
        for network in (Broken(), Mixed())
    )
    assert np.array_equal(broken, whole)
