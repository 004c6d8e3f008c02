"""Networks of timm and segmentation_models.pytorch: the contract of every network, and what happens without them.

What needs the real packages says why it is skipped where they do not import; the rest runs on stand-ins.
"""

import dataclasses
import importlib
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

import seamline
from helpers import Lines, refusal
from seamline.data.dataset import Dataset
from seamline.errors import WeightsUnavailableError
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA, load_tta
from seamline.models import external
from seamline.models.blocks import BaseModel
from seamline.models.factory import build_model
from seamline.models.pretrained import timm_weights
from seamline.models.saved import load_saved_model
from seamline.run_folder import RunFolder, Task
from seamline.training.config import TrainConfig
from seamline.training.transfer import init_from_run

CLASSIFIERS = ("timm/resnet18", "timm/mobilenetv3_small_100", "timm/convnext_atto", "timm/mobileone_s0")
SEGMENTERS = ("smp/unet/resnet18", "smp/fpn/mobilenet_v2", "smp/deeplabv3plus/resnet18", "smp/pan/resnet18")
RECIPE = TrainConfig(model="timm/small", epochs=1, batch_size=32, lr=3e-3, optimizer="muon", hflip=True)
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


def task_of(name: str) -> Task:
    return "segmentation" if name.startswith("smp/") else "classification"


def why_not() -> str:
    """Why the real packages cannot be imported; empty where they can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for package in ("timm", "segmentation_models_pytorch"):
                importlib.import_module(package)
    except Exception as error:  # torchvision beside another build of PyTorch raises a RuntimeError
        return f"{type(error).__name__}: {error}"
    return ""


WHY_NOT = why_not()
real = pytest.mark.skipif(bool(WHY_NOT), reason=f"timm or segmentation_models.pytorch does not import ({WHY_NOT})")


# ---- the contract, on the real packages


@real
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("shape", [(64, 64, 3), (33, 40, 1), (32, 96, 4)])
def test_every_classifier_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 7, task="classification", seed=1)
    images = torch.randint(0, 256, (3, height, width, channels), dtype=torch.uint8).permute(0, 3, 1, 2)
    scores = network(images)
    assert scores.shape == (3, 7)
    assert scores.dtype == torch.float32
    F.cross_entropy(scores, torch.tensor([0, 1, 2])).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in network.parameters())
    tta = TTA(network.eval(), hflip=True)
    torch.testing.assert_close(tta(images), tta(images.flip(-1)))
    assert tta.features(images).shape[1] > 7


@real
@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("shape", [(64, 64, 3), (37, 50, 1), (1, 1, 3), (33, 130, 4)])
def test_every_segmenter_keeps_the_contract(name: str, shape: tuple[int, int, int]) -> None:
    height, width, channels = shape
    network = build_model(name, shape, 6, task="segmentation", seed=1)
    images = torch.randint(0, 256, (2, height, width, channels), dtype=torch.uint8).permute(0, 3, 1, 2)
    scores = network(images)
    F.cross_entropy(scores, torch.zeros(2, height, width, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in network.parameters())
    scores = network.eval()(images)
    assert scores.shape == (2, 6, height, width)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()
    tta = TTA(network, hflip=True)
    torch.testing.assert_close(tta(images.flip(-1)).flip(-1), tta(images), rtol=1e-4, atol=1e-5)
    assert tta.features(images).shape[1] > 6


@real
@pytest.mark.parametrize("name", [CLASSIFIERS[0], SEGMENTERS[0]])
def test_initial_weights_depend_on_the_seed_alone(name: str) -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        return build_model(name, (32, 32, 3), 5, task=task_of(name), seed=seed).state_dict()

    first, again, other = weights(3), weights(3), weights(4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@real
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timm/resnet81", ["no model 'resnet81' in timm", "resnet18"]),
        ("timm/resnet18.a1", ["no weights 'resnet18.a1' in timm", "resnet18.a1_in1k"]),
        ("timm/hf-hub:someone/net", ["no model 'hf-hub:someone/net' in timm"]),
        ("timm/convnext_atto", ["does not take images of 28 x 28 pixels", "32 x 32 would fit"]),
        ("smp/unet", ["name a decoder and an encoder"]),
        ("smp/vnet/resnet18", ["no decoder 'vnet'", "unet, unetplusplus"]),
        ("smp/unet/resnet19", ["no encoder 'resnet19'", "resnet18"]),
        ("smp/unet/tu-resnet19", ["no model 'resnet19' in timm", "tu-resnet18"]),
        ("smp/dpt/resnet18", ["cannot be built", "Only Timm encoders"]),
    ],
)
def test_what_the_packages_do_not_have_is_one_line(name: str, words: list[str]) -> None:
    text = refusal(lambda: build_model(name, (28, 28, 3), 4, task=task_of(name)))
    assert text.startswith(f"model {name}: ")
    assert all(word in text for word in words), text


@real
def test_a_batch_of_one_image_is_refused() -> None:
    network = build_model("timm/resnet18", (20, 20, 1), 3, task="classification").train()
    text = refusal(lambda: network(torch.zeros(1, 1, 20, 20, dtype=torch.uint8)))
    assert text.endswith("raise batch_size above 1")


def hub(folder: Path, repository: str, revision: str, files: dict[str, Callable[[Path], object]]) -> None:
    """Make a cache of the hub that holds the files of a repository."""
    place = folder / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(revision)
    (place / "snapshots" / revision).mkdir(parents=True)
    for name, write in files.items():
        write(place / "snapshots" / revision / name)


@real
@pytest.mark.parametrize(("channels", "mean"), [(3, (123.675, 116.28, 103.53)), (1, (114.495,))])
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("timm/resnet18", "layers.conv1.weight"),
        ("smp/unet/tu-resnet18", "layers.encoder.model.conv1.weight"),
    ],
)
def test_timm_weights_are_read_from_safetensors_of_the_hub(
    name: str,
    first: str,
    channels: int,
    mean: tuple[float, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timm = importlib.import_module("timm")
    weights = timm.create_model("resnet18").state_dict()
    hub(tmp_path, "timm/resnet18.a1_in1k", "0" * 40, {"model.safetensors": lambda file: save_file(weights, file)})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch, "load", never)
    network = build_model(name, (32, 32, channels), 5, task=task_of(name), pretrained=True)
    told = "with the pretrained weights resnet18.a1_in1k"
    assert network.init_description in (told, f"{told} (license apache-2.0)")  # early versions of timm do not state it
    kernels = weights["conv1.weight"]
    torch.testing.assert_close(network.state_dict()[first], kernels if channels == 3 else kernels.sum(1, keepdim=True))
    network.init_from_data(np.zeros((2, 32, 32, channels), dtype=np.uint8))
    assert network.normalize.mean.flatten().tolist() == pytest.approx(mean)


@real
def test_smp_weights_are_read_from_safetensors_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = importlib.import_module("segmentation_models_pytorch").encoders
    weights = encoders.get_encoder("resnet18").state_dict()
    told = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.1], "input_range": [0, 1], "input_space": "RGB"}
    entry = encoders.encoders["resnet18"]["pretrained_settings"]["imagenet"]
    files: dict[str, Callable[[Path], object]] = {
        "config.json": lambda file: file.write_text(json.dumps(told)),
        "model.safetensors": lambda file: save_file(weights, file),
    }
    hub(tmp_path, entry["repo_id"], entry["revision"], files)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch, "load", never)
    network = build_model("smp/unet/resnet18", (32, 32, 3), 5, task="segmentation", pretrained=True)
    assert network.init_description == "with the pretrained weights resnet18 imagenet"
    torch.testing.assert_close(network.state_dict()["layers.encoder.conv1.weight"], weights["conv1.weight"])
    assert network.normalize.std.flatten().tolist() == pytest.approx([51, 51, 25.5])


@real
@pytest.mark.parametrize("name", ["timm/resnet18", "smp/unet/resnet18", "smp/unet/tu-resnet18"])
def test_weights_that_cannot_be_fetched_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", NOWHERE)
    text = refusal(
        lambda: build_model(name, (32, 32, 3), 5, task=task_of(name), pretrained=True), WeightsUnavailableError
    )
    assert text.startswith(f"model {name}: its pretrained weights cannot be fetched ({NOWHERE}: ")
    assert text.endswith("use random weights with --set pretrained=no")


@real
@pytest.mark.parametrize("name", [*CLASSIFIERS, "timm/deit_tiny_distilled_patch16_224", *SEGMENTERS])
def test_only_the_head_depends_on_the_classes(name: str) -> None:
    """Those alone differ where the classes are others, so a run can start from another one."""
    few, many = (build_model(name, (64, 64, 3), count, task=task_of(name)) for count in (3, 5))
    other = many.state_dict()
    differing = [key for key, one in few.state_dict().items() if one.shape != other[key].shape]
    assert differing
    assert all(key.startswith(few.head_prefixes) for key in differing)


@real
def test_pickles_are_never_read() -> None:
    timm = importlib.import_module("timm")
    name = next(name for name in timm.list_pretrained() if not timm.get_pretrained_cfg(name).hf_hub_id)
    with pytest.raises(WeightsUnavailableError, match="are not published as safetensors, and no other format is read"):
        timm_weights(timm, name)


@real
def test_the_whole_story_of_a_classifier(sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(RECIPE, model="timm/mobilenetv3_small_100", pretrained=False)
    run = seamline.train(sides, preset=recipe, out=tmp_path / "run", threads=1).path
    check_story(run, sides, monkeypatch)


@real
def test_the_whole_story_of_a_segmenter(streets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(RECIPE, batch_size=8, cutmix=0.5, color_jitter=0.2, pretrained=False)
    run = seamline.train(streets, preset=recipe, model="smp/unet/resnet18", out=tmp_path / "run", threads=1).path
    network = TTA(load_saved_model(RunFolder(run)), recipe.hflip)
    shown = np.load(run / "evaluation" / "test.npz")["predicted"]
    assert np.array_equal(predict_logits(network, streets.test.images).argmax(1), shown)
    assert "smp/unet/resnet18" in (run / "report.html").read_text(encoding="utf-8")


# ---- what holds without the packages


def never(*_: object, **__: object) -> None:
    raise AssertionError("this must not be called")


class Small(nn.Module):
    """A stand-in for one of timm's networks."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 8, 1, 2)
        self.inner = nn.Conv2d(8, 8, 3)
        self.head = nn.Linear(8, classes)
        self.pretrained_cfg = {"classifier": "head"}

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(F.relu(self.inner(F.relu(self.stem(pixels)))).mean((2, 3)))  # type: ignore[no-any-return]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """Put stand-ins in the place of timm and of the hub; returns what can be changed in them."""
    entry = SimpleNamespace(
        has_weights=True, hf_hub_id="timm/small.one", hf_hub_filename=None, architecture="small", tag="one",
        license="apache-2.0", mean=(0.5, 0.25, 0.75), std=(0.5, 0.5, 0.2), fixed_input_size=False,
    )  # fmt: skip
    file = tmp_path / "model.safetensors"
    save_file({key: torch.full_like(one, 0.25) for key, one in Small(1, 3).state_dict().items()}, file)
    state = SimpleNamespace(entry=entry, file=file, kept=True, asked=[])

    def create(name: str, *, num_classes: int, in_chans: int, pretrained: bool, **options: Any) -> Small:
        network = Small(in_chans, num_classes)
        if pretrained:
            network.load_state_dict(load_file(options["pretrained_cfg_overlay"]["file"]))
        return network

    def cached(repository: str, name: str, revision: str | None = None) -> str | None:
        state.asked.append((repository, name))
        return str(state.file) if state.kept else None

    timm, client = ModuleType("timm"), ModuleType("huggingface_hub")
    timm.__dict__.update(
        __version__="9.9",
        create_model=create,
        is_model=lambda name: name == "small",
        list_models=lambda: ["small", "other"],
        list_pretrained=lambda pattern: ["small.one"],
        get_pretrained_cfg=lambda name: entry,
    )
    client.__dict__.update(
        constants=SimpleNamespace(ENDPOINT=NOWHERE, HF_HUB_OFFLINE=False),
        hf_hub_download=never,
        try_to_load_from_cache=cached,
    )
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    return state


def pretrained_model() -> BaseModel:
    return build_model("timm/small", (20, 20, 1), 3, task="classification", pretrained=True)


def test_pretrained_weights_set_their_own_normalization(stand_in: SimpleNamespace) -> None:
    network = pretrained_model()
    assert network.init_description == "with the pretrained weights small.one (license apache-2.0)"
    assert stand_in.asked == [("timm/small.one", "model.safetensors")]
    assert all((weight == 0.25).all() for weight in network.parameters())
    network.init_from_data(np.full((3, 20, 20, 1), 7, dtype=np.uint8))
    assert network.normalize.mean.item() == pytest.approx(127.5)
    assert network.normalize.std.item() == pytest.approx(102)
    assert network.versions == {"timm": "9.9"}


def test_without_them_normalization_is_computed_from_the_images(stand_in: SimpleNamespace) -> None:
    network = build_model("timm/small", (20, 20, 1), 3, task="classification")
    assert (network.init_description, stand_in.asked) == ("at random", [])
    network.init_from_data(np.full((3, 20, 20, 1), 7, dtype=np.uint8))
    assert network.normalize.mean.item() == 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kept": False}, f"cannot be fetched ({NOWHERE}: "),
        ({"hf_hub_id": None}, "are not published as safetensors, and no other format is read"),
        ({"has_weights": False}, "do not exist"),
        ({"damaged": True}, "cannot be used ("),
    ],
)
def test_unavailable_weights_are_refused(stand_in: SimpleNamespace, change: dict[str, Any], words: str) -> None:
    for key, value in change.items():
        setattr(stand_in if key in vars(stand_in) else stand_in.entry, key, value)
    if "damaged" in change:
        stand_in.file.write_bytes(b"damaged")
    text = refusal(pretrained_model, WeightsUnavailableError)
    assert text.startswith(f"model timm/small: its pretrained weights {words}")
    assert text.endswith("use random weights with --set pretrained=no")


def test_the_hub_is_not_contacted_in_offline_mode(stand_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.kept = False
    monkeypatch.setattr(sys.modules["huggingface_hub"].constants, "HF_HUB_OFFLINE", True)
    text = refusal(pretrained_model, WeightsUnavailableError)
    assert "its pretrained weights cannot be fetched (HF_HUB_OFFLINE is set); unset it, or use random weights" in text


def check_story(run: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reload a classifier's run without fetching anything: the same scores, and a page without a look inside."""
    monkeypatch.setattr("seamline.models.pretrained.fetch", never)
    scores = predict_logits(load_tta(RunFolder(run)), data.test.images)
    assert np.array_equal(scores, np.load(run / "evaluation" / "test.npz")["logits"])
    assert [file.name for file in (run / "analysis").iterdir()] == ["model.json"]
    page = seamline.write_report(run).read_text(encoding="utf-8")
    described = json.loads((run / "run.json").read_text())
    assert described["model"]["init"].removeprefix("with ") in page
    assert 'id="kernels"' not in page
    assert described["versions"]["timm"] in page


@pytest.mark.usefixtures("no_figure_files")
def test_the_whole_story_with_a_stand_in(
    stand_in: SimpleNamespace, sides: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = Lines()
    run = seamline.train(
        sides, preset=RECIPE, model="timm/small.one", out=tmp_path / "run", threads=1, progress=teller
    ).path
    told = "with the pretrained weights small.one (license apache-2.0)"
    assert f"timm/small.one starts {told}" in teller.lines
    described = json.loads((run / "run.json").read_text())
    assert described["model"]["init"] == told
    assert described["config"]["model"] == "timm/small.one"
    assert "--set model=timm/small.one" in described["command"]
    check_story(run, sides, monkeypatch)
    fresh = build_model("timm/small.one", (20, 20, 1), 2, task="classification")
    said = init_from_run(fresh, RunFolder(run), (20, 20, 1), ("right", "under"))
    assert (said.shared_classes, said.new_classes) == (("right",), ("under",))
    again = seamline.train(
        sides, preset=RECIPE, init_from=run, out=tmp_path / "again", threads=1
    ).path  # fetches nothing
    described = json.loads((again / "run.json").read_text())
    assert described["model"]["init"] is None
    assert described["init_from"]["shared_classes"] == list(sides.classes)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)  # how Python marks what cannot be imported
    text = refusal(lambda: build_model("timm/resnet18", (28, 28, 1), 10, task="classification"))
    assert text.startswith("model timm/resnet18: needs timm (")
    assert text.endswith("); pip install 'seamline[external]'")


def test_a_package_that_does_not_import_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchvision beside a PyTorch that it was not built for."""

    def broken(name: str, *_: object) -> ModuleType:
        raise RuntimeError("operator torchvision::nms does not exist\nand more")

    monkeypatch.setattr(importlib, "import_module", broken)
    text = refusal(lambda: build_model("smp/unet/resnet18", (28, 28, 3), 10, task="segmentation"))
    assert text == (
        "model smp/unet/resnet18: needs segmentation_models_pytorch (operator torchvision::nms does not exist); "
        "pip install 'seamline[external]'"
    )


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        (
            "timm/resnet18",
            "segmentation",
            "is for classification, but the labels are for segmentation; try smp/unet/resnet34",
        ),
        (
            "smp/unet/resnet18",
            "classification",
            "is for segmentation, but the labels are for classification; try timm/resnet18",
        ),
        ("resnet18", "classification", ", timm/NAME"),
    ],
)
def test_a_model_of_another_task_is_refused(name: str, task: Task, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", never)
    assert words in refusal(lambda: build_model(name, (28, 28, 3), 10, task=task))


def test_names_that_timm_does_not_know(stand_in: SimpleNamespace) -> None:
    text = refusal(lambda: build_model("timm/smal", (28, 28, 1), 3, task="classification"))
    assert text == "model timm/smal: there is no model 'smal' in timm; similar names: small"
    text = refusal(lambda: build_model("timm/small.two", (28, 28, 1), 3, task="classification"))
    assert text == "model timm/small.two: there are no weights 'small.two' in timm; similar names: small.one"


def test_images_that_are_too_small_are_one_line(stand_in: SimpleNamespace) -> None:
    text = refusal(lambda: build_model("timm/small", (4, 50, 1), 3, task="classification"))
    assert text.startswith("model timm/small: does not take images of 50 x 4 pixels (")
    assert text.endswith("); 32 x 32 would fit")


def test_a_narrow_strided_convolution_keeps_its_numbers() -> None:
    """Around a fault of PyTorch's that writes beside its memory; in a process that lives on."""
    plain = nn.Conv2d(3, 8, 1, (2, 3))
    pixels = torch.randn(2, 9, 11, 3).permute(0, 3, 1, 2)
    expected = plain(pixels.contiguous())
    network = external.ExternalClassifier(plain, 3)
    torch.testing.assert_close(network.layers(pixels), expected)
    network.layers(pixels).sum().backward()
    assert plain.weight.grad is not None
    assert list(network.state_dict()) == ["normalize.mean", "normalize.std", "layers.weight", "layers.bias"]


def test_nothing_is_imported_before_a_name_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("timm", "segmentation_models_pytorch", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, package, None)
    assert build_model("cnn", (28, 28, 1), 10, task="classification").init_description is None
