import msgspec
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from seamline.inference.novelty import nearest_distances, novelty_ratios
from seamline.run_folder import NoveltyReference, to_json


def reference(features: np.ndarray, scales: np.ndarray, threshold: float) -> NoveltyReference:
    return NoveltyReference(
        false_alarm_rate=0.05,
        threshold=threshold,
        size=features.shape,
        scales=scales.astype("<f4").tobytes(),
        features=features.astype("<f2").tobytes(),
    )


def test_distances_are_those_to_the_nearest() -> None:
    rng = np.random.default_rng(0)
    features, others = rng.normal(size=(20, 6)).astype(np.float32), rng.normal(size=(9, 6)).astype(np.float32)
    np.testing.assert_allclose(nearest_distances(features, others), cdist(features, others).min(1), rtol=1e-4)
    np.testing.assert_allclose(nearest_distances(features, features), 0, atol=1e-3)


def test_ratios_by_hand() -> None:
    """Scaled to (2, 1) and (8, 1), which are 1 and 5 from (3, 1): over a threshold of 2."""
    known = reference(np.array([[3, 1], [-30, 7]]), np.array([2.0, 0.5]), 2.0)
    np.testing.assert_allclose(novelty_ratios(np.array([[1, 2], [4, 2]], np.float32), known), [0.5, 2.5])


def test_a_file_whose_bytes_do_not_fit_is_refused() -> None:
    content = msgspec.json.decode(to_json(reference(np.ones((3, 2)), np.ones(2), 1.0)))
    assert msgspec.convert(content, NoveltyReference).feature_array.tolist() == [[1, 1]] * 3
    for change in ({"size": [3, 3]}, {"size": [2, 2]}, {"threshold": 0}, {"scales": ""}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(content | change, NoveltyReference)
