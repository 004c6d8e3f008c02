"""All epochs of a study's own recipe in the plain loop, with a look at the validation images after each.

    python bench/time_to_accuracy_plain.py garments FILE

FILE is an npz with images, labels, val_images, val_labels, test_images, test_labels. Prints a line of JSON an epoch:
`seconds` of training alone, `loss`, `val`; the last one has `test` too. The figure is accuracy for garments, mean
average precision by raw scores for facades.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.networks import network
from baselines.plain import epochs
from baselines.work import Clock, Work
from seamline.evaluation.average_precision import average_precision

EPOCHS = {"garments": 50, "facades": 15}
BATCH = {"garments": 1024, "facades": 10}


def main() -> None:
    """Train, look, print."""
    task, file = sys.argv[1:]
    stored = np.load(file)
    images, labels = stored["images"], stored["labels"]
    classes, decay = (10, 0.0) if task == "garments" else (5, 1e-5)
    work = Work(task, images, labels, classes, BATCH[task], decay, "cpu")
    torch.manual_seed(0)
    model = network(work)
    clock = Clock()
    for number, loss in enumerate(epochs(model, work, EPOCHS[task], clock), 1):
        record: dict[str, Any] = {"seconds": clock.seconds[-1], "loss": loss}
        record["val"] = figure(model, work, stored["val_images"], stored["val_labels"])
        if number == EPOCHS[task]:
            record["test"] = figure(model, work, stored["test_images"], stored["test_labels"])
        print(json.dumps(record), flush=True)


def figure(model: nn.Module, work: Work, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> float:
    """Accuracy, or mean average precision over all pixels by raw scores."""
    model.eval()
    with torch.inference_mode():
        size = 1000 if work.task == "garments" else 8
        scores = torch.cat([model(_floats(part, work)) for part in np.array_split(images, -(-len(images) // size))])
    if work.task == "garments":
        return float((scores.argmax(1).numpy() == labels).mean())
    pixels = scores.transpose(0, 1).flatten(1).numpy()
    return float(np.mean([average_precision(of, labels.ravel() == k) for k, of in enumerate(pixels)]))


def _floats(images: NDArray[np.uint8], work: Work) -> Tensor:
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - work.mean) / work.std


if __name__ == "__main__":
    main()
