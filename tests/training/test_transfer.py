"""A network that starts from a trained one."""

from pathlib import Path

import numpy as np
import pytest
import torch

import seamline
from conftest import CLASSES, bright_sides, without_report
from run_factories import write_run
from seamline.data.dataset import Dataset
from seamline.errors import SeamlineError
from seamline.models.factory import SEGMENTERS, build_model
from seamline.models.saved import load_saved_model
from seamline.models.segmenters import Segmenter
from seamline.run_folder import RunFolder
from seamline.training.config import parse_settings
from seamline.training.transfer import init_from_run

pytestmark = pytest.mark.usefixtures("no_report")

ONE = ("epochs=1", "batch_size=64")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    out = tmp_path_factory.mktemp("runs") / "first"
    with without_report():
        return seamline.train(data, **parse_settings(ONE), out=out, threads=1).path


def test_the_same_classes_in_another_order_give_the_same_answers(trained: Path) -> None:
    run = RunFolder(trained)
    names = run.info.read().dataset.classes
    network = build_model("cnn-fast", (20, 20, 1), 3, task="classification", seed=5)
    said = init_from_run(network, run, (20, 20, 1), names[::-1])
    images = torch.randint(0, 256, (4, 1, 20, 20), dtype=torch.uint8)
    assert torch.equal(network.eval()(images), load_saved_model(run)(images).flip(1))
    assert said.shared_classes == names[::-1]
    assert not said.new_classes


def test_a_class_of_the_same_name_is_known_and_another_is_new(trained: Path) -> None:
    run = RunFolder(trained)
    network = build_model("cnn-fast", (20, 20, 1), 2, task="classification", seed=5)
    before = network.state_dict()["head.weight"].clone()
    said = init_from_run(network, run, (20, 20, 1), ("right", "under"))
    after, theirs = network.state_dict(), load_saved_model(run).state_dict()
    place = run.info.read().dataset.classes.index("right")
    assert torch.equal(after["head.weight"][0], theirs["head.weight"][place])
    assert torch.equal(after["head.weight"][1], before[1])
    assert torch.equal(after["conv2.weight"], theirs["conv2.weight"])
    assert torch.equal(after["normalize.mean"], theirs["normalize.mean"])
    assert (said.shared_classes, said.new_classes) == (("right",), ("under",))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_fits_other_classes(name: str, streets: Dataset, tmp_path: Path) -> None:
    theirs = build_model(name, (32, 32, 3), 3, task="segmentation", seed=1).eval()
    theirs.init_from_data(streets.train.images)
    data = {"name": "walls", "title": "Walls", "classes": streets.classes, "colours": streets.palette}
    run = RunFolder(write_run(tmp_path / "run", theirs, name, (32, 32, 3), data))
    network = build_model(name, (32, 32, 3), 4, task="segmentation", seed=5).eval()
    assert isinstance(network, Segmenter)
    assert isinstance(theirs, Segmenter)
    names = streets.classes
    init_from_run(network, run, (32, 32, 3), (names[2], "new", names[0], names[1]))
    images = torch.from_numpy(np.ascontiguousarray(streets.test.images[:2])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        own, known = network(images), theirs(images)
    torch.testing.assert_close(own[:, [2, 3, 0]], known)


def test_a_run_that_started_from_another_is_gone_on_with_by_the_same_one_alone(
    trained: Path, sides: Dataset, tmp_path: Path
) -> None:
    out = seamline.train(sides, **parse_settings(ONE), out=tmp_path / "second", init_from=trained, threads=1).path
    info = RunFolder(out).info.read()
    assert info.init_from is not None
    assert info.init_from.weights == RunFolder(trained).weights_digest
    assert f"--init-from {trained}" in info.command
    assert seamline.train(sides, **parse_settings(ONE), out=out, init_from=trained, threads=1, resume=True).path == out
    with pytest.raises(SeamlineError, match="trained with another initialization"):
        seamline.train(sides, **parse_settings(ONE), out=out, threads=1, resume=True)


def test_what_cannot_start_is_refused(trained: Path, streets: Dataset) -> None:
    run = RunFolder(trained)
    for shape, network, words in (
        ((20, 20, 3), "cnn-fast", "was trained on grayscale images, and these are color"),
        ((28, 28, 1), "cnn-fast", "add --image-size 20x20"),
        ((20, 20, 1), "residual-16", "its model is cnn-fast; use the same model"),
    ):
        with pytest.raises(SeamlineError, match=words):
            init_from_run(
                build_model(network, shape, 3, task="classification"), run, shape, ("left", "right", "both <&>")
            )
    with pytest.raises(SeamlineError, match="nowhere"):
        seamline.train(streets, init_from="nowhere", out=trained.parent / "x", threads=1)
