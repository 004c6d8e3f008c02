"""Make the fixtures of `test_golden.py`: stored predictions of a small run of each task, and the values measured.

`python tests/golden/make.py inputs` draws images, trains small models on them and writes `TASK.npz`: images, labels,
names, groups, logits (float16), classes, colors and how the images were split; `classification.safetensors` holds the
weights of the classifier. `python tests/golden/make.py values` measures these and writes `TASK.json`.

Both were made at commit 242a208. They are what later code is compared with, so they are not made again: where a later
change is meant to alter a value, say so in the commit that replaces it.

Replaced since: linear probes are fitted in float64 (the float32 fit gave other values on other processors), and
`layer1_probe` does not count classes above a recall of 60 %, which is a finding of the study.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import to_builtins
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from seamline.data.dataset import IGNORE_INDEX, Dataset, Split
from seamline.data.splits import train_val_split
from seamline.models.classifiers import TwoLayerCNN

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from golden.replay import HERE, TASKS, measured_values

SIDE, SIZE = 16, 48  # of images to classify, of images to segment
SHAPES = ("frame", "pane", "arch", "cross", "door")
PARTS = ("sky", "wall", "window", "column", "balcony")
COLORS = ((120, 180, 240), (200, 180, 150), (40, 60, 90), (240, 240, 220), (160, 60, 40))
FOLDS = 3


def draw_shapes(count: int, seed: int, first_group: int) -> Split:
    """Draw (count, 16, 16, 1) noisy shapes of five classes, two of them much alike; some have a wrong label."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(SHAPES), count, p=(0.18, 0.32, 0.16, 0.18, 0.16))
    images = rng.normal(90, 42, (count, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(1, 5, 2)
        box = image[top : top + 10, left : left + 10]
        light = rng.uniform(*((80, 120), (25, 75), (25, 75), (30, 65), (75, 120))[label])
        if label == 4:
            box[:, 3:7] += 1.5 * light
        elif label == 0:
            box += light
            box[3:7, 3:7] -= light
        elif label in (1, 2):
            box += light
            for row, cut in enumerate((3, 1) if label == 2 else ()):
                box[row, :cut] -= light
                box[row, -cut:] -= light
        else:
            box[4:6] += light
            box[:, 4:6] += light
    wrong = (rng.random(count) < 0.08) & (labels > 0) & (labels < 4)
    labels[wrong] = rng.choice((1, 2, 3), int(wrong.sum()))
    names = tuple(f"shapes/{seed}/{i:04d}" for i in range(count))
    pixels = (np.clip(images, 0, 255).astype(np.uint8) // 16) * 16
    return Split(pixels[..., None], labels.astype(np.int64), names, np.arange(first_group, first_group + count))


def draw_fronts(count: int, seed: int, groups: NDArray[np.int64], *, balconies: bool = True) -> Split:
    """Draw (count, 48, 48, 3) house fronts with masks: windows, tall thin columns, few balconies, ignored corners."""
    rng = np.random.default_rng(seed)
    labels = np.ones((count, SIZE, SIZE), np.uint8)
    for place, mask in enumerate(labels):
        mask[: rng.integers(4, 12)] = 0
        left = int(rng.integers(2, 6))
        for row in range(int(rng.integers(13, 17)), 38, 12):
            for column in range(left, 40, 14):
                mask[row : row + 7, column : column + 6] = 2
        for column in range(left + 9, 46, 14):
            mask[14 : 14 + rng.integers(20, 28), column : column + 2] = 3
        if balconies and place % 3 == 0:
            mask[40:44, left : left + 12] = 4
        if place % 4 == 1:
            mask[-6:, -9:] = IGNORE_INDEX
    shown = np.where(labels == IGNORE_INDEX, 1, labels)
    light = rng.normal(0, 10, (count, 1, 1, 3))
    images = np.array(COLORS, dtype=np.float64)[shown] * 0.5 + 50 + light + rng.normal(0, 30, (*shown.shape, 3))
    pixels = (np.clip(images, 0, 255).astype(np.uint8) // 32) * 32
    return Split(pixels, labels, tuple(f"fronts/{seed}/{i:03d}" for i in range(count)), groups)


class Segmenter(nn.Sequential):
    """Three convolutions at half the size, enlarged: soft borders, so that thin ends are missed."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(width, len(PARTS), 3, 1, 1),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, K, H, W) float32."""
        values = (images.float() - 128) / 64
        for layer in self:
            values = layer(values)
        return values


def fit(model: nn.Module, split: Split, *, steps: int, rate: float) -> nn.Module:
    """Train a model in batches of 40 images to classify, or 7 to segment."""
    images = torch.from_numpy(split.images).permute(0, 3, 1, 2)
    labels = torch.from_numpy(split.labels).long()
    size = 40 if labels.ndim == 1 else 7
    optimizer = torch.optim.Adam(model.parameters(), rate)
    rng = np.random.default_rng(0)
    for _ in range(steps):
        batch = torch.from_numpy(rng.permutation(len(images))[:size])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch], ignore_index=IGNORE_INDEX)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


def logits_of(model: nn.Module, split: Split, step: float) -> NDArray[np.float16]:
    """Return logits as multiples of `step`, exact in float16, none of whose highest two are equal."""
    with torch.inference_mode():
        logits = model(torch.from_numpy(split.images).permute(0, 3, 1, 2)).numpy().astype(np.float64)
    logits = np.round(logits / step) * step
    highest = logits.argmax(1)[:, None]
    np.put_along_axis(logits, highest, np.take_along_axis(logits, highest, 1) + step, 1)
    stored: NDArray[np.float16] = logits.astype(np.float16)
    if np.abs(logits).max() > 2048 * step or not np.array_equal(stored, logits):
        raise ValueError("the logits are not exact in float16")
    return stored


def store(
    task: str, data: Dataset, splits: dict[str, Split], division: dict[str, Any], extra: dict[str, NDArray[Any]]
) -> None:
    """Write `TASK.npz`."""
    facts = {"classes": data.classes, "colors": data.palette, "division": division, "folds": FOLDS}
    arrays: dict[str, NDArray[Any]] = {"facts": np.array(json.dumps(facts)), **extra}
    for name, split in splits.items():
        arrays[f"{name}_images"], arrays[f"{name}_labels"] = np.asarray(split.images), np.asarray(split.labels)
        arrays[f"{name}_names"], arrays[f"{name}_groups"] = np.array(split.names), split.groups
    np.savez_compressed(HERE / f"{task}.npz", **arrays)  # type: ignore[arg-type]  # of numpy's stub


def make_classification() -> None:
    """Train a network with two convolutions, a weaker one and one for each fold, and store what they predict."""

    def network(split: Split, *, seed: int, steps: int) -> nn.Module:
        torch.manual_seed(seed)
        made = TwoLayerCNN((SIDE, SIDE, 1), len(SHAPES))
        made.normalize.fit(split.images)
        return fit(made, split, steps=steps, rate=2e-3)

    train, test = draw_shapes(700, 1, 0), draw_shapes(300, 2, 700)
    data = Dataset("shapes", "Shapes", SHAPES, train, test, "drawn in a test", synthetic=True, task="classification")
    division = train_val_split(data, fraction=3 / 7, seed=0)
    splits = {"train": division.train, "val": division.val, "test": test}
    model = network(division.train, seed=0, steps=400)
    weights = {name: tensor.half() for name, tensor in model.state_dict().items()}
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    save_file(weights, HERE / "classification.safetensors")
    judged = division.train.concat(division.val)
    folded = np.zeros((len(judged), len(SHAPES)), np.float16)
    for fold in range(FOLDS):
        left_out = np.arange(len(judged)) % FOLDS == fold
        one = network(judged.select(np.flatnonzero(~left_out)), seed=fold, steps=120)
        folded[left_out] = logits_of(one, judged.select(np.flatnonzero(left_out)), 2**-5)
    extra = {f"{name}_logits": logits_of(model, split, 2**-5) for name, split in splits.items()}
    extra["second_logits"] = logits_of(network(division.train, seed=1, steps=60), test, 2**-5)
    store("classification", data, splits, to_builtins(division.metadata), {**extra, "folded": folded})


def make_segmentation() -> None:
    """Train two segmenters and store what they predict; some test images have relatives in training."""
    torch.manual_seed(0)
    train = draw_fronts(20, 3, np.arange(20) // 2)
    val = draw_fronts(12, 4, 100 + np.arange(12) // 2, balconies=False)
    test = draw_fronts(16, 5, np.array([0, 0, *(200 + np.arange(14) // 2)]))
    data = Dataset(
        "fronts",
        "Fronts",
        PARTS,
        train,
        test,
        "drawn in a test",
        synthetic=True,
        palette=COLORS,
        val=val,
        task="segmentation",
    )
    division = train_val_split(data, fraction=0.3, seed=0)
    splits = {"train": division.train, "val": division.val, "test": test}
    model = fit(Segmenter(24), division.train, steps=250, rate=4e-3)
    second = fit(Segmenter(12), division.train, steps=130, rate=4e-3)
    extra = {f"{name}_logits": logits_of(model, split, 2**-3) for name, split in splits.items()}
    extra["second_logits"] = logits_of(second, test, 2**-3)
    store("segmentation", data, splits, to_builtins(division.metadata), extra)


def make_values() -> None:
    """Measure the stored predictions and write `TASK.json`."""
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            values = measured_values(task, Path(folder), {})
        lines = [f"{json.dumps(name)}: {_lines(value)}" for name, value in values.items()]
        (HERE / f"{task}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _lines(value: Any) -> str:
    """Return JSON with a line for each of the first two levels, so that a difference shows where it is."""
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(of)}" for key, of in value.items()) + "\n}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f" {json.dumps(of)}" for of in value) + "\n]"
    return json.dumps(value)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "inputs" in sys.argv[1:]:
        make_classification()
        make_segmentation()
    if "values" in sys.argv[1:]:
        make_values()
