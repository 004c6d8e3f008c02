import dataclasses

import numpy as np
import pytest

from seamline.data.dataset import Dataset, Split


def test_take_keeps_what_belongs_together(sides: Dataset) -> None:
    part = sides.train.take(np.array([7, 2]))
    assert part.names == (sides.train.names[7], sides.train.names[2])
    assert np.array_equal(part.images[1], sides.train.images[2])
    assert part.labels.tolist() == sides.train.labels[[7, 2]].tolist()
    assert part.groups.tolist() == [7, 2]


def test_the_fingerprint_tells_data_apart(sides: Dataset) -> None:
    again = dataclasses.replace(sides, name="other", place="elsewhere")
    assert again.fingerprint == sides.fingerprint
    changed = sides.test.images.copy()
    changed[3, 4, 5, 0] ^= 1
    other = dataclasses.replace(sides, test=dataclasses.replace(sides.test, images=changed))
    assert other.fingerprint != sides.fingerprint
    assert dataclasses.replace(sides, classes=("a", "b", "c")).fingerprint != sides.fingerprint


def test_parts_of_unequal_length_are_refused() -> None:
    images = np.zeros((3, 4, 4, 1), dtype=np.uint8)
    with pytest.raises(ValueError, match="one length"):
        Split(images, np.zeros(2, dtype=np.int64), ("a", "b", "c"), np.arange(3))
    with pytest.raises(ValueError, match="uint8"):
        Split(images[..., 0], np.zeros(3, dtype=np.int64), ("a", "b", "c"), np.arange(3))
