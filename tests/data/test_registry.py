from pathlib import Path

import pytest

from seamline.data.registry import DATASETS, load
from seamline.errors import SeamlineError
from seamline.synthetic import fashion


def test_every_dataset_has_a_title() -> None:
    assert list(DATASETS) == [
        "fashion-mnist",
        "facades",
        "cmp-facades",
        "streets",
        "windows",
        "synthetic-fashion",
        "synthetic-facades",
    ]
    assert all(entry.title for entry in DATASETS.values())


def test_a_dataset_is_loaded_by_name() -> None:
    data = load("synthetic-fashion")
    assert data.synthetic
    assert data.name == "synthetic-fashion"
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    images, labels = fashion.generate(50, 0)
    assert (data.train.images[:50] == images).all()
    assert data.train.labels[:50].tolist() == labels.tolist()


def test_unknown_datasets_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="no such dataset or folder; the datasets are fashion-mnist, facades"):
        load("cifar10")
    with pytest.raises(SeamlineError, match="needs no folder"):
        load("synthetic-fashion", tmp_path)
