import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from seamline.inference.suggest import FeatureSpace, choose_photos, normalized_entropy


def line(*places: float, labeled: tuple[float, ...] = ()) -> FeatureSpace:
    """Photos on a line, a unit of 1."""
    known = np.array(labeled, np.float32)[:, None] if labeled else None
    return FeatureSpace(np.array(places, np.float32)[:, None], known, 1.0)


def test_entropy_is_a_fraction_of_the_largest() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), (3, 4)).transpose(0, 2, 1)
    expected = entropy(probabilities, axis=1) / np.log(5)
    np.testing.assert_allclose(normalized_entropy(probabilities), expected, rtol=1e-12)
    certain_and_uniform = np.array([[1.0, 0, 0, 0], [0.25] * 4])
    np.testing.assert_allclose(normalized_entropy(certain_and_uniform), [0, 1])


def test_equal_entropies_give_the_farthest_first_traversal() -> None:
    choices = choose_photos(np.full(4, 0.5), line(1, 2, 6, 9, labeled=(0,)), 4)
    assert [one.index for one in choices] == [3, 2, 1, 0]  # 9 from 0; then 3 from 9; 2 from 0; 1 from 0 and 2
    assert [one.distance for one in choices] == pytest.approx([9, 3, 2, 1])
    assert [one.score for one in choices] == pytest.approx([4.5, 1.5, 1, 0.5])


def test_entropy_and_distance_are_multiplied() -> None:
    choices = choose_photos(np.array([0.9, 0.2, 0.4]), line(1, 8, 3, labeled=(0,)), 2)
    assert [one.index for one in choices] == [1, 2]  # 0.9, 1.6, 1.2; then 0.9 and 1.2
    assert choices[1].score == pytest.approx(1.2)


def test_without_labeled_images_the_most_uncertain_is_first() -> None:
    choices = choose_photos(np.array([0.3, 0.8, 0.5]), line(0, 1, 3), 3)
    assert [one.index for one in choices] == [1, 2, 0]
    assert [one.distance for one in choices] == pytest.approx([1, 2, 1])


def test_without_features_the_order_is_that_of_entropy() -> None:
    choices = choose_photos(np.array([0.3, 0.8, 0.5]), None, 2)
    assert [(one.index, one.score) for one in choices] == [(1, 0.8), (2, 0.5)]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-50, 50)), min_size=1, max_size=12), st.integers(1, 12))
def test_each_photo_is_chosen_once_and_refused_ones_never(photos: list[tuple[float, float]], count: int) -> None:
    entropies = np.array([one for one, _ in photos])
    choices = choose_photos(entropies, line(*(place for _, place in photos)), count, lambda index: index % 3 != 1)
    indices = [one.index for one in choices]
    allowed = [index for index in range(len(photos)) if index % 3 != 1]
    assert len({*indices}) == len(indices) == min(count, len(allowed))
    assert {*indices} <= {*allowed}
