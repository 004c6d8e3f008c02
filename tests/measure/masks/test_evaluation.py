import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, confusion_matrix, log_loss

from conftest import CLASSES as SIDES
from conftest import bright_sides
from measure.masks.made import CLASSES, Mixed, made_evaluation, made_split, scores_of
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.inference import forward
from seamline.inference.forward import eval_batch_size
from seamline.measure.evaluation import evaluate_split, glance
from seamline.measure.masks.evaluation import evaluate_masks, tally_masks
from seamline.models.factory import build_model


def test_a_fixed_number_of_pixels_is_asked_at_once() -> None:
    sizes = {(28, 28): 1000, (256, 256): 11, (3000, 4000): 1}
    for (height, width), images in sizes.items():
        empty = np.broadcast_to(np.uint8(0), (20, height, width, 3))
        assert eval_batch_size(empty) == images


def test_counts_agree_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "PIXELS_AT_ONCE", 5 * 16 * 12)  # portions of 5, 5 and 2 images
    split = made_split()
    tally = made_evaluation(split).tally
    scores = scores_of(split.images)
    for i in range(len(split)):
        used = split.labels[i] != IGNORE_INDEX
        truth, answer = split.labels[i][used], scores[i].argmax(-1)[used]
        assert np.array_equal(tally.predicted[i], scores[i].argmax(-1))
        assert np.array_equal(tally.confusions[i], confusion_matrix(truth, answer, labels=range(4)))
        exponents = np.exp(scores[i][used].astype(np.float64))
        stated = exponents / exponents.sum(1, keepdims=True)
        assert tally.losses[i] == pytest.approx(log_loss(truth, stated, labels=range(4), normalize=False), rel=1e-5)
        assert tally.pixels[i] == used.sum()


def test_pixels_are_ranked_as_scikit_learn_ranks_them() -> None:
    split = made_split()
    asked = made_evaluation(split, sharp=3.0)
    used = split.labels != IGNORE_INDEX
    scores = torch.from_numpy(scores_of(split.images, 3.0)[used])
    for way, ranked in (("raw", scores), ("softmax", scores.softmax(1))):
        for k in range(4):
            expected = average_precision_score(split.labels[used] == k, ranked[:, k].numpy())
            assert asked.rankings[way][k].value == pytest.approx(expected, abs=2e-5)


def test_a_tally_is_the_same_without_scores() -> None:
    split = made_split()
    tally, asked = tally_masks(Mixed(), split, CLASSES), made_evaluation(split)
    assert np.array_equal(tally.confusions, asked.tally.confusions)
    assert np.array_equal(tally.losses, asked.tally.losses)


def test_splits_too_large_for_memory_are_bounded() -> None:
    split = made_split(40)
    exact = evaluate_masks(Mixed(), split, CLASSES)
    large = evaluate_masks(Mixed(), split, CLASSES, largest=1000, sample=2000)
    assert large.kept.scores.shape == (40, 4, 50)
    assert np.array_equal(large.tally.confusions, exact.tally.confusions)
    planes = scores_of(split.images).reshape(40, -1, 4).transpose(0, 2, 1)
    for image in range(40):  # each kept pixel is one of the image's own
        kept = {tuple(column) for column in large.kept.scores[image].T.round(4).tolist()}
        assert kept <= {tuple(column) for column in planes[image].T.round(4).tolist()}
    for way in ("raw", "softmax"):
        for ranked, bounded in zip(exact.rankings[way], large.rankings[way], strict=True):
            assert bounded.low <= ranked.value <= bounded.high
            assert bounded.low <= bounded.value <= bounded.high
            assert bounded.counts.sum() == ranked.counts.sum()
            assert bounded.value == pytest.approx(ranked.value, abs=0.02)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), ignored=st.floats(0, 1))
def test_every_pixel_that_counts_is_counted_once(seed: int, ignored: float) -> None:
    split = made_split(3, seed, side=(5, 4), ignored=ignored)
    asked = made_evaluation(split)
    assert asked.tally.confusion.sum() == (split.labels != IGNORE_INDEX).sum()
    for rankings in asked.rankings.values():
        for k, ranked in enumerate(rankings):
            assert ranked.counts.sum() == (split.labels != IGNORE_INDEX).sum()
            assert ranked.counts[:, 1].sum() == (split.labels == k).sum()


def test_what_lies_under_ignored_pixels_changes_nothing() -> None:
    split = made_split(ignored=0.4)
    images = split.images.copy()
    images[split.labels == IGNORE_INDEX] = 255 - images[split.labels == IGNORE_INDEX]
    other = Split(images, split.labels, split.names, split.groups)
    for network in (Mixed(), Mixed(2.0)):
        first, second = evaluate_masks(network, split, CLASSES), evaluate_masks(network, other, CLASSES)
        assert np.array_equal(first.tally.confusions, second.tally.confusions)
        assert np.array_equal(first.tally.losses, second.tally.losses)
        assert [r.value for r in first.rankings["raw"]] == [r.value for r in second.rankings["raw"]]
        assert glance(network, split) == glance(network, other)


def test_a_glance_is_the_evaluation_in_two_numbers() -> None:
    split = made_split()
    seen, tally = glance(Mixed(), split), made_evaluation(split).tally
    assert seen.accuracy == np.trace(tally.confusion) / tally.confusion.sum()
    assert seen.loss == pytest.approx(tally.losses.sum() / tally.pixels.sum())


def test_a_glance_at_whole_images_is_exact() -> None:
    split = bright_sides(90, 0)
    network = build_model("study-fast", (20, 20, 1), 3, segments=False).train()
    asked = evaluate_split(network, split, SIDES)
    seen = glance(network, split)
    assert (seen.loss, seen.accuracy) == (asked.loss, asked.accuracy)
    assert network.training


def test_a_glance_at_nothing_is_nan() -> None:
    seen = glance(Mixed(), made_split(ignored=1.0))
    assert np.isnan(seen.loss)
    assert np.isnan(seen.accuracy)


class Broken(Mixed):
    """Scores that are no numbers where the first channel is 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images).masked_fill(images[:, :1] == 0, torch.nan)


def test_scores_that_are_no_numbers_count_where_they_lie() -> None:
    split = made_split()
    assert np.isnan(glance(Broken(), split).loss)
    split.labels[split.images[..., 0] == 0] = IGNORE_INDEX
    assert glance(Broken(), split) == glance(Mixed(), split)
    broken, whole = (tally_masks(network, split, CLASSES).losses for network in (Broken(), Mixed()))
    assert np.array_equal(broken, whole)
