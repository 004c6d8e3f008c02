"""torchvision's reference scripts: images through transforms, worker processes, metrics every step.

After references/classification/train.py and references/segmentation/train.py of torchvision 0.29 (BSD-3-Clause),
rewritten; without random flips and crops, because the other contenders have none.
"""

from collections import deque
from typing import Any

import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from baselines.models import build_model
from baselines.workload import LEARNING_RATE, Clock, Workload, run_contender

WORKERS = 2


class PillowImages(Dataset[tuple[Any, Any]]):
    """Pillow images and labels, as torchvision's datasets return them, through the transforms of its presets."""

    def __init__(self, workload: Workload) -> None:
        gray = workload.images.shape[-1] == 1
        self.images = [Image.fromarray(image[..., 0] if gray else image) for image in workload.images]
        self.labels = torch.from_numpy(workload.labels).long()
        channels = workload.images.shape[-1]
        self.transform = v2.Compose(
            [
                v2.PILToTensor(),
                v2.ToDtype(torch.float, scale=True),
                v2.Normalize([workload.mean] * channels, [workload.std] * channels),
                v2.ToPureTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.images[index]), self.labels[index]


class SmoothedValue:
    """Mean of a value over all steps, and its last values."""

    def __init__(self) -> None:
        self.last: deque[float] = deque(maxlen=20)
        self.total, self.count = 0.0, 0

    def update(self, value: float, count: int) -> None:
        """Add the value of a step."""
        self.last.append(value)
        self.total += value * count
        self.count += count


def top_k_accuracy(scores: Tensor, labels: Tensor) -> list[float]:
    """Return top-1 and top-5 accuracy in percent for images, and top-1 accuracy for pixels."""
    with torch.inference_mode():
        if labels.ndim > 1:
            return [float((scores.argmax(1) == labels).float().mean()) * 100]
        hits = scores.topk(5, 1).indices.t().eq(labels[None])
        return [float(hits[:k].flatten().sum(dtype=torch.float32)) * 100 / len(labels) for k in (1, 5)]


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    model = build_model(workload).to(workload.device)
    data = PillowImages(workload)
    sampler = torch.utils.data.RandomSampler(data)
    loader = DataLoader(data, workload.batch, sampler=sampler, num_workers=WORKERS, pin_memory=workload.device != "cpu")
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=workload.decay)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for _ in range(2):
        clock.start()
        model.train()
        meters = [SmoothedValue() for _ in range(3)]
        for images, labels in loader:
            images, labels = images.to(workload.device), labels.to(workload.device)
            scores = model(images)
            loss = criterion(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for meter, value in zip(meters, [loss.item(), *top_k_accuracy(scores, labels)], strict=False):
                meter.update(value, len(images))
        clock.stop()
        losses.append(meters[0].total / meters[0].count)
    return losses


if __name__ == "__main__":
    torchvision.disable_beta_transforms_warning()
    run_contender(train)
