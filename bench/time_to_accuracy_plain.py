"""Train preset `original` in a plain PyTorch loop and evaluate it after each epoch.

    python bench/time_to_accuracy_plain.py garments FILE

FILE is an npz with images, labels, val_images, val_labels, test_images, test_labels. Prints one JSON line per epoch:
`seconds` (training only), `loss`, `val`; the last line also has `test`. The metric is accuracy for garments and mean
average precision by raw scores for facades.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.models import build_model
from baselines.plain import epochs
from baselines.workload import Clock, Workload
from seamline.evaluation.average_precision import average_precision

EPOCHS = {"garments": 50, "facades": 15}
BATCH = {"garments": 1024, "facades": 10}


def main() -> None:
    """Train, evaluate and print."""
    task, file = sys.argv[1:]
    stored = np.load(file)
    images, labels = stored["images"], stored["labels"]
    classes, decay = (10, 0.0) if task == "garments" else (5, 1e-5)
    workload = Workload(task, images, labels, classes, BATCH[task], decay, "cpu")
    torch.manual_seed(0)
    model = build_model(workload)
    clock = Clock()
    for number, loss in enumerate(epochs(model, workload, EPOCHS[task], clock), 1):
        record: dict[str, Any] = {"seconds": clock.seconds[-1], "loss": loss}
        record["val"] = metric(model, workload, stored["val_images"], stored["val_labels"])
        if number == EPOCHS[task]:
            record["test"] = metric(model, workload, stored["test_images"], stored["test_labels"])
        print(json.dumps(record), flush=True)


def metric(model: nn.Module, workload: Workload, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> float:
    """Accuracy, or mean average precision over all pixels by raw scores."""
    model.eval()
    with torch.inference_mode():
        size = 1000 if workload.task == "garments" else 8
        scores = torch.cat([model(_floats(part, workload)) for part in np.array_split(images, -(-len(images) // size))])
    if workload.task == "garments":
        return float((scores.argmax(1).numpy() == labels).mean())
    pixels = scores.transpose(0, 1).flatten(1).numpy()
    return float(
        np.mean([average_precision(scores_of_class, labels.ravel() == k) for k, scores_of_class in enumerate(pixels)])
    )


def _floats(images: NDArray[np.uint8], workload: Workload) -> Tensor:
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - workload.mean) / workload.std


if __name__ == "__main__":
    main()
