"""A network that starts from a trained one."""

from pathlib import Path

import numpy as np
import pytest
import torch

import seamline
from run_factories import write_run
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.models.factory import build_model
from seamline.models.segmenters import SEGMENTERS, Segmenter
from seamline.training.run_dir import Run
from seamline.training.transfer import load_pretrained_run

ONE = ("epochs=1", "batch_size=64")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from conftest import CLASSES, bright_sides

    data = Dataset(
        "sides",
        "Sides",
        CLASSES,
        bright_sides(120, 1),
        bright_sides(30, 2, 120),
        "made",
        synthetic=True,
        task="classification",
    )
    return seamline.train(data, settings=ONE, out=tmp_path_factory.mktemp("runs") / "first", threads=1)


def test_the_same_classes_in_another_order_give_the_same_answers(trained: Path) -> None:
    run = Run(trained)
    names = run.read().dataset.classes
    network = build_model("study-fast", (20, 20, 1), 3, task="classification", seed=5)
    said = load_pretrained_run(network, run, (20, 20, 1), names[::-1])
    images = torch.randint(0, 256, (4, 1, 20, 20), dtype=torch.uint8)
    assert torch.equal(network.eval()(images), run.network()(images).flip(1))
    assert said.shared_classes == names[::-1]
    assert not said.new_classes


def test_a_class_of_the_same_name_is_known_and_another_is_new(trained: Path) -> None:
    run = Run(trained)
    network = build_model("study-fast", (20, 20, 1), 2, task="classification", seed=5)
    before = network.state_dict()["head.weight"].clone()
    said = load_pretrained_run(network, run, (20, 20, 1), ("right", "under"))
    after, theirs = network.state_dict(), run.network().state_dict()
    place = run.read().dataset.classes.index("right")
    assert torch.equal(after["head.weight"][0], theirs["head.weight"][place])
    assert torch.equal(after["head.weight"][1], before[1])
    assert torch.equal(after["conv2.weight"], theirs["conv2.weight"])
    assert torch.equal(after["normalize.mean"], theirs["normalize.mean"])
    assert (said.shared_classes, said.new_classes) == (("right",), ("under",))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_fits_other_classes(name: str, streets: Dataset, tmp_path: Path) -> None:
    theirs = build_model(name, (32, 32, 3), 3, task="segmentation", seed=1).eval()
    theirs.init_from_data(streets.train.images)
    data = {"name": "streets", "title": "Streets", "classes": streets.classes, "colours": streets.palette}
    run = Run(write_run(tmp_path / "run", theirs, name, (32, 32, 3), data))
    network = build_model(name, (32, 32, 3), 4, task="segmentation", seed=5).eval()
    assert isinstance(network, Segmenter)
    assert isinstance(theirs, Segmenter)
    names = streets.classes
    load_pretrained_run(network, run, (32, 32, 3), (names[2], "new", names[0], names[1]))
    images = torch.from_numpy(np.ascontiguousarray(streets.test.images[:2])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        own, known = network(images), theirs(images)
    torch.testing.assert_close(own[:, [2, 3, 0]], known)


def test_a_run_that_started_from_another_is_gone_on_with_by_the_same_one_alone(
    trained: Path, sides: Dataset, tmp_path: Path
) -> None:
    out = seamline.train(sides, settings=ONE, out=tmp_path / "second", start=trained, threads=1)
    info = Run(out).read()
    assert info.init_from is not None
    assert info.init_from.weights == Run(trained).digest
    assert f"--init-from {trained}" in info.command
    assert seamline.train(sides, settings=ONE, out=out, start=trained, threads=1, resume=True) == out
    with pytest.raises(SeamlineError, match="made with another beginning"):
        seamline.train(sides, settings=ONE, out=out, threads=1, resume=True)


def test_what_cannot_start_is_refused(trained: Path, streets: Dataset) -> None:
    run = Run(trained)
    for shape, network, words in (
        ((20, 20, 3), "study-fast", "was trained on grey images, and these are colour"),
        ((28, 28, 1), "study-fast", "add --image-size 20x20"),
        ((20, 20, 1), "residual-16", "its network is study-fast; leave network out"),
    ):
        with pytest.raises(SeamlineError, match=words):
            load_pretrained_run(
                build_model(network, shape, 3, task="classification"), run, shape, ("left", "right", "both <&>")
            )
    with pytest.raises(SeamlineError, match="nowhere"):
        seamline.train(streets, start="nowhere", out=trained.parent / "x", threads=1)
