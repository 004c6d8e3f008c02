"""Time a training from images in memory to the last step.

    python bench/time_to_accuracy_seamline.py garments FILE PRESET SEED [DEVICE]

FILE is as for time_to_accuracy_plain.py. Prints one JSON line: `seconds`, `images` (processed),
`val` and `test`; the last two are computed after the time is taken.
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
    """Train, then evaluate."""
    task, file, preset, seed = sys.argv[1:5]
    device = torch.device(sys.argv[5] if len(sys.argv) > 5 else "cpu")
    tune_malloc()
    stored = np.load(file)
    images, labels = stored["images"], stored["labels"]
    segments = task == "facades"
    config = get_preset(preset, "segmentation" if segments else "classification")
    split = Split(images, labels, tuple(map(str, range(len(images)))), np.arange(len(images)))
    torch.optim.AdamW([torch.zeros(1, device=device)])  # PyTorch loads many modules with its first optimizer

    start = time.perf_counter()
    classes = 5 if segments else 10
    model = build_model(
        config.model, images.shape[1:], classes, task="segmentation" if segments else "classification", seed=int(seed)
    )
    model.init_from_data(images)
    model.to(device)
    batches = Batches(
        split,
        config.batch_size,
        task="segmentation" if segments else "classification",
        seed=int(seed),
        augmentation=config.augmentation,
        device=device,
    )
    epochs = list(Training(model, batches, config))
    seconds = time.perf_counter() - start

    results = {"seconds": seconds, "images": sum(epoch.samples for epoch in epochs)}
    for split_name in ("val", "test"):
        results[split_name] = metric(
            TTA(model, config.hflip), stored[f"{split_name}_images"], stored[f"{split_name}_labels"]
        )
    print(json.dumps(results))


def metric(model: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    """Accuracy, or mean average precision over all pixels by raw scores."""
    scores = predict_logits(model, images)
    if labels.ndim == 1:
        return float((scores.argmax(1) == labels).mean())
    return float(np.mean([average_precision(scores[:, k].ravel(), labels.ravel() == k) for k in range(5)]))


if __name__ == "__main__":
    main()
