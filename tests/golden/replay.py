"""Evaluate the stored predictions: models that replay stored logits, and what is computed from them as JSON."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from run_folder.factories import run_info
from seamline.data.dataset import Split
from seamline.evaluation.compare import Comparison, compare_runs
from seamline.evaluation.write import EvaluationData, evaluate_model
from seamline.models.classifiers import TwoLayerCNN
from seamline.run_folder import RandomSplit, RunFolder, SplitInfo, Task

HERE = Path(__file__).parent
TASKS: tuple[Task, ...] = ("classification", "segmentation")
FILES = {
    "classification": (
        "scores.json",
        "calibration.json",
        "findings.json",
        "evaluation/val.json",
        "evaluation/test.json",
        "evaluation/mislabelled.json",
        "insides/kernels.json",
        "insides/readouts.json",
    ),
    "segmentation": (
        "scores.json",
        "calibration.json",
        "findings.json",
        "evaluation/val.json",
        "evaluation/test.json",
    ),
}
"""The files of a run folder that are compared, as they were called then."""


@dataclass(frozen=True, eq=False)
class Fixture:
    """Stored images, labels and logits of one task.

    Attributes:
        classes: K class names.
        colors: K colors, empty for classification.
        splits: `train`, `val` and `test`.
        logits: (N, K) or (N, K, H, W) float32 of each split.
        second: logits of the test images by another model.
        folded: (N_train + N_val, K) float32 out-of-fold logits and the number of folds; None for segmentation.
        division: how the images were split.
    """

    classes: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    splits: dict[str, Split]
    logits: dict[str, NDArray[np.float32]]
    second: NDArray[np.float32]
    folded: tuple[NDArray[np.float32], int] | None
    division: dict[str, Any]

    def out_of_fold(self) -> tuple[NDArray[np.float32], int]:
        """Return the out-of-fold logits, as an evaluation asks for them once metrics are written."""
        assert self.folded is not None
        return self.folded


def load_fixture(task: str) -> Fixture:
    """Read `TASK.npz`."""
    with np.load(HERE / f"{task}.npz", allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    facts = json.loads(str(arrays["facts"]))
    splits = {
        name: Split(
            arrays[f"{name}_images"],
            arrays[f"{name}_labels"],
            tuple(str(one) for one in arrays[f"{name}_names"]),
            arrays[f"{name}_groups"],
        )
        for name in ("train", "val", "test")
    }
    folded = arrays["folded"].astype(np.float32) if "folded" in arrays else None
    return Fixture(
        classes=tuple(facts["classes"]),
        colors=tuple((int(r), int(g), int(b)) for r, g, b in facts["colors"]),
        splits=splits,
        logits={name: arrays[f"{name}_logits"].astype(np.float32) for name in splits},
        second=arrays["second_logits"].astype(np.float32),
        folded=None if folded is None else (folded, int(facts["folds"])),
        division=facts["division"],
    )


class Replay(nn.Module):
    """A model that knows its images by their bytes and returns the stored logits.

    Args:
        images: (N, H, W, C) uint8, no two alike.
        logits: (N, K) or (N, K, H, W) float32.
    """

    def __init__(self, images: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))  # says on which device the model is
        self.table = _Table(images, logits)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K) or (B, K, H, W) float32."""
        return self.table(images)


class ReplayTwoLayerCNN(TwoLayerCNN):
    """A trained network with two convolutions whose weights are stored, and whose logits are replayed all the same.

    Kernels and layers are those of the weights; logits do not depend on how a machine adds up a convolution.
    """

    def __init__(self, images: NDArray[np.uint8], logits: NDArray[np.float32], weights: dict[str, Tensor]) -> None:
        height, width, channels = images.shape[1:]
        super().__init__((int(height), int(width), int(channels)), logits.shape[1])
        self.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        self.table = _Table(images, logits)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) uint8 -> (B, K) float32."""
        return self.table(images)


class _Table:
    def __init__(self, images: NDArray[np.uint8], logits: NDArray[np.float32]) -> None:
        self.rows = {_digest(image): row for image, row in zip(images, logits, strict=True)}
        if len(self.rows) != len(images):
            raise ValueError("two of the images are alike")

    def __call__(self, images: Tensor) -> Tensor:
        pixels = images.permute(0, 2, 3, 1).cpu().numpy()
        return torch.from_numpy(np.stack([self.rows[_digest(image)] for image in pixels]))


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()


def split_info(division: dict[str, Any]) -> SplitInfo:
    """Return how the images were split, from the stored form."""
    return SplitInfo(
        fraction=division["fraction"],
        seed=division["seed"],
        strategy=division["by"],
        groups=division["groups"],
        duplicate_images=division["grouped_images"],
        largest_group=division["largest_group"],
        test_groups=division["test_groups"],
        excluded_train=tuple(division["left_out"]),
        test_with_train_duplicates=tuple(division["test_related"]),
        random=RandomSplit(
            expected_split_groups=division["random"]["torn_groups"],
            expected_val_leakage=division["random"]["val_related"],
        ),
    )


def evaluate_fixture(task: Task, folder: Path) -> tuple[RunFolder, RunFolder]:
    """Evaluate both models of a task into two run folders below `folder`."""
    fixture = load_fixture(task)
    images = np.concatenate([split.images for split in fixture.splits.values()])
    few = {name: split.select(np.arange(4)) for name, split in fixture.splits.items()}
    runs = RunFolder(folder / "first"), RunFolder(folder / "second")
    for run, test in zip(runs, (fixture.logits["test"], fixture.second), strict=True):
        logits = np.concatenate([fixture.logits["train"], fixture.logits["val"], test])
        model: nn.Module = Replay(images, logits)
        splits = fixture.splits
        if run == runs[1]:  # runs are compared on their test images: few of the others do
            splits = {**few, "test": fixture.splits["test"]}
        elif task == "classification":
            model = ReplayTwoLayerCNN(images, logits, load_file(HERE / "classification.safetensors"))
        info = run_info(task)
        dataset = msgspec.structs.replace(info.dataset, classes=fixture.classes, palette=fixture.colors)
        run.info.write(msgspec.structs.replace(info, dataset=dataset))
        data = EvaluationData(
            task,
            fixture.classes,
            splits["train"],
            splits["val"],
            splits["test"],
            palette=fixture.colors,
            split=split_info(fixture.division),
            out_of_fold=fixture.out_of_fold if fixture.folded is not None and run == runs[0] else None,
        )
        evaluate_model(run, model, data)
    return runs


def measured_values(task: Task, folder: Path, files: dict[str, str]) -> dict[str, Any]:
    """Evaluate a task and return what is compared, by the names of `FILES` and `comparison`, nested as it was then.

    Args:
        task: one of `TASKS`.
        folder: an empty folder for the run folders.
        files: a name of `FILES` -> the path of that file in a run folder, where it is another.
    """
    first, second = evaluate_fixture(task, folder)
    values = {name: json.loads((first.path / files.get(name, name)).read_text()) for name in FILES[task]}
    for split in ("val", "test", "train"):
        values["scores.json"][split] = flat_metrics(values["scores.json"][split])
    for name in ("evaluation/val.json", "evaluation/test.json"):
        values[name] |= values[name].pop("sheet", {})
    for finding in values["findings.json"]:
        if task == "classification" and finding["name"] in ("hardest_class", "easiest_classes"):
            finding["values"] = {label: of["recall"] for label, of in finding["values"].items()}
    values["comparison"] = flat_comparison(task, compare_runs(first.path, second.path))
    return {name: condensed(value) for name, value in values.items()}


def flat_metrics(split: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics of a split with those of all classes beside the number of images."""
    counts = {label: {"images": number} for label, number in split["support"].items()}
    per_class = {label: counts[label] | metrics for label, metrics in split["per_class"].items()}
    return {
        "images": split["images"],
        "groups": split["groups"],
        "pixels": split["count"],
        **split["overall"],
        **({"per_class": per_class} if per_class else {}),
    }


def flat_comparison(task: Task, found: Comparison) -> dict[str, Any]:
    """Return the metrics that were compared then, in their order."""
    keys = (
        ("accuracy", "log_loss", "recall") if task == "classification" else ("mean_ap", "mean_iou", "accuracy", "iou")
    )
    diffs = [diff for key in keys for diff in found.metrics if diff.key == key]
    return {
        "images": found.images,
        "metrics": [
            {
                "key": "accuracy" if diff.key == "recall" else diff.key,  # that of a class
                "class_name": diff.class_name,
                "first": diff.first,
                "second": diff.second,
                "change": msgspec.to_builtins(diff.change),
            }
            for diff in diffs
        ],
        "fixed": [asdict(image) for image in found.fixed],
        "broken": [asdict(image) for image in found.broken],
    }


LONGEST = 100  # longer lists of numbers are condensed


def condensed(value: Any) -> Any:
    """Return JSON values with numbers rounded to ten digits and long lists of numbers as a few figures of theirs."""
    if isinstance(value, dict):
        return {str(key): condensed(of) for key, of in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return condensed(value._asdict())
    if isinstance(value, list | tuple):
        if len(value) > LONGEST and all(isinstance(one, int | float) for one in value):
            numbers = np.array(value, dtype=np.float64)
            return {
                "condensed": len(numbers),
                "sum": _rounded(float(numbers.sum())),
                "sum_of_squares": _rounded(float((numbers**2).sum())),
                "moment": _rounded(float((numbers * np.linspace(0, 1, len(numbers))).sum())),
                "some": [_rounded(float(one)) for one in numbers[:: -(-len(numbers) // 20)]],
            }
        return [condensed(of) for of in value]
    if isinstance(value, float):
        return _rounded(value)
    return value


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.10g}")
