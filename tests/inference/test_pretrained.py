import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

import seamline
from run_factories import save_photo
from seamline.data.near_duplicates.report import assign_groups
from seamline.data.splits import train_val_split
from seamline.evaluation.average_precision import average_precision
from seamline.evaluation.model_card import intended_use
from seamline.export.to_onnx import WEIGHT_PREFIX
from seamline.inference.backends import BACKENDS
from seamline.inference.predictor import load_model
from seamline.inference.pretrained import PRETRAINED, pretrained_dir
from seamline.run_folder import RunFolder

DATA = {"garments": "fashion-mnist", "facades": "facades", "streets": "streets"}


def test_together_they_are_small_and_each_has_a_card() -> None:
    files = [file for name in PRETRAINED for file in pretrained_dir(name).iterdir()]
    assert sum(file.stat().st_size for file in files) < 20_000_000
    for name in PRETRAINED:
        card = (pretrained_dir(name) / "CARD.md").read_text()
        for heading in ("## Intended use", "## Data and license", "## Training", "## Metrics", "## Limits"):
            assert heading in card
        assert " ".join(intended_use(RunFolder(pretrained_dir(name)).info.read())) in card


@pytest.mark.parametrize("name", PRETRAINED)
def test_the_graph_reads_its_weights_from_the_run_folder(name: str) -> None:
    folder = pretrained_dir(name)
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    stored = load_file(folder / "model.safetensors")
    external = [one for one in graph.initializer if one.data_location == onnx.TensorProto.EXTERNAL]
    assert {each.value for one in external for each in one.external_data if each.key == "location"} == {
        "model.safetensors"
    }
    names = {one.name.removeprefix(WEIGHT_PREFIX).removesuffix(".half") for one in external}
    assert names == {key for key in stored if not key.endswith("num_batches_tracked")}
    assert all(len(one.raw_data) < 64 for one in graph.initializer)  # shapes and indices


@pytest.mark.parametrize("name", PRETRAINED)
def test_all_backends_predict_the_same(name: str) -> None:
    height, width, channels = RunFolder(pretrained_dir(name)).info.read().model.input_size
    images = np.random.default_rng(0).integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    expected = load_model(name, backend="pytorch").forward(images)
    for backend in BACKENDS:
        model = load_model(name, backend=backend)
        assert (model.name, str(model.path), model.backend) == (name, name, backend)
        np.testing.assert_allclose(model.forward(images), expected, atol=1e-3)
    assert load_model(name, device="cpu").backend == next(iter(BACKENDS))  # the graph belongs to the weights


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_photo_is_answered_from_another_folder_without_pytorch(name: str, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "photo.jpg", 300, 400)
    code = (
        "import sys\nfrom seamline.cli import app\n"
        f"app(['predict', '{name}', '{photo}', '--device', 'cpu'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 photos predicted" in done.stdout
    assert (tmp_path / "predictions" / name / "predictions.json").is_file()


@pytest.mark.real
@pytest.mark.parametrize("name", PRETRAINED)
def test_it_is_as_good_on_real_test_images_as_its_card_says(name: str, real_data: Path) -> None:
    """On some of them: within the interval of so many, or near the figure of all."""
    data = seamline.load_dataset(DATA[name], data_dir=real_data / DATA[name])
    test = data.test
    model = load_model(name, device="cpu")
    some = test.select(np.arange(0, len(test), 10))
    scores = model.forward(some.images[:])
    if model.task == "segmentation":
        labels = some.labels[:]
        shown = [(model.classes.index(one), k) for k, one in enumerate(data.classes)]
        found = [average_precision(scores[:, own].ravel(), (labels == k).ravel()) for own, k in shown]
        # of 12 images the figure is rough; a network that learned nothing is below 0.3
        assert np.mean(found) > {"facades": 0.68, "streets": 0.5}[name]
    else:
        assert (scores.argmax(1) == some.labels).mean() > 0.91


@pytest.mark.real
def test_no_test_image_and_no_duplicate_of_one_was_used_for_training(real_data: Path) -> None:
    info = RunFolder(pretrained_dir("garments")).info.read()
    data = assign_groups(seamline.load_dataset("fashion-mnist", data_dir=real_data / "fashion-mnist"))
    assert data.fingerprint == info.dataset.fingerprint
    split, strategy = info.split, info.split.strategy
    division = train_val_split(data, fraction=split.fraction, seed=split.seed, strategy=strategy)
    learned = {*division.train.names, *division.val.names}
    assert not learned & set(data.test.names)
    assert not set(division.train.groups.tolist()) & set(data.test.groups.tolist())
