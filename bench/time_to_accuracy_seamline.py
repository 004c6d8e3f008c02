"""One training on the clock: from images in memory to the last step.

    python bench/time_to_accuracy_seamline.py garments FILE RECIPE SEED [DEVICE]

FILE is as for time_to_accuracy_plain.py. Prints a line of JSON: `seconds`, `images` (seen), `val` and `test`, the latter two
worked out after the clock has stopped.
"""

import json
import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.evaluation.average_precision import average_precision
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA
from seamline.models.devices import tune_malloc
from seamline.models.factory import build_model
from seamline.training.loop import Training
from seamline.training.presets import get_preset


def main() -> None:
    """Train, then look."""
    task, file, name, seed = sys.argv[1:5]
    device = torch.device(sys.argv[5] if len(sys.argv) > 5 else "cpu")
    tune_malloc()
    stored = np.load(file)
    images, labels = stored["images"], stored["labels"]
    segments = task == "facades"
    recipe = get_preset(name, "segmentation" if segments else "classification")
    split = Split(images, labels, tuple(map(str, range(len(images)))), np.arange(len(images)))
    torch.optim.AdamW([torch.zeros(1, device=device)])  # PyTorch loads half of itself with its first optimiser

    start = time.perf_counter()
    classes = 5 if segments else 10
    network = build_model(
        recipe.model, images.shape[1:], classes, task="segmentation" if segments else "classification", seed=int(seed)
    )
    network.init_from_data(images)
    network.to(device)
    batches = Batches(
        split,
        recipe.batch_size,
        task="segmentation" if segments else "classification",
        seed=int(seed),
        augmentation=recipe.augmentation,
        device=device,
    )
    epochs = list(Training(network, batches, recipe))
    seconds = time.perf_counter() - start

    told = {"seconds": seconds, "images": sum(epoch.samples for epoch in epochs)}
    for part in ("val", "test"):
        told[part] = figure(TTA(network, recipe.hflip), stored[f"{part}_images"], stored[f"{part}_labels"])
    print(json.dumps(told))


def figure(network: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    """Accuracy, or mean average precision over all pixels by raw scores."""
    scores = predict_logits(network, images)
    if labels.ndim == 1:
        return float((scores.argmax(1) == labels).mean())
    return float(np.mean([average_precision(scores[:, k].ravel(), labels.ravel() == k) for k in range(5)]))


if __name__ == "__main__":
    main()
