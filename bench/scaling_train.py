"""Train for one epoch on COUNT images and print the seconds as JSON.

    python bench/scaling_train.py garments FILE PRESET COUNT

The images of FILE repeat if COUNT is larger.
"""

import json
import sys

import numpy as np

from seamline.data.dataset import Split
from seamline.data.loader import Batches
from seamline.models.devices import tune_malloc
from seamline.models.factory import build_model
from seamline.training.loop import Training
from seamline.training.presets import get_preset


def main() -> None:
    """Train for an epoch."""
    task, file, name, count = sys.argv[1:]
    tune_malloc()
    with np.load(file) as stored:
        few, their = stored["images"], stored["labels"]
    chosen = np.arange(int(count)) % len(few)
    split = Split(few[chosen], their[chosen], tuple(map(str, chosen)), np.arange(len(chosen)))
    del few, their
    segments = task == "facades"
    preset = get_preset(name, "segmentation" if segments else "classification")
    network = build_model(
        preset.model,
        split.images.shape[1:],
        5 if segments else 10,
        task="segmentation" if segments else "classification",
    )
    network.init_from_data(split.images)
    batches = Batches(
        split,
        preset.batch_size,
        task="segmentation" if segments else "classification",
        seed=0,
        augmentation=preset.augmentation,
    )
    record = next(iter(Training(network, batches, preset)))
    print(json.dumps({"seconds": record.train_seconds, "images": record.samples, "image_bytes": split.images.nbytes}))


if __name__ == "__main__":
    main()
