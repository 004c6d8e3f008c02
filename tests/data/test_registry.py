from pathlib import Path

import pytest

from seamline.data.registry import DATASETS, load
from seamline.data.sources import drawn_garments
from seamline.errors import SeamlineError


def test_every_dataset_says_what_it_is() -> None:
    assert list(DATASETS) == ["fashion-mnist", "facades", "cmp-facades", "builtin-garments", "builtin-facades"]
    assert all(entry.title for entry in DATASETS.values())


def test_a_dataset_is_loaded_by_name() -> None:
    data = load("builtin-garments")
    assert data.drawn
    assert data.name == "builtin-garments"
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    images, labels = drawn_garments.draw(50, 0)
    assert (data.train.images[:50] == images).all()
    assert data.train.labels[:50].tolist() == labels.tolist()


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="there is no such dataset or folder; there are fashion-mnist, facades"):
        load("cifar10")
    with pytest.raises(SeamlineError, match="need no folder"):
        load("builtin-garments", tmp_path)
