"""The style of torchvision's reference scripts: pictures through transforms, worker processes, metrics every step.

After references/classification/train.py and references/segmentation/train.py of torchvision 0.29 (BSD-3-Clause),
written anew; their random flips and crops are left out, because the others have none.
"""

from collections import deque
from typing import Any

import torch
import torchvision
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from baselines.networks import network
from baselines.work import RATE, Clock, Work, answer

WORKERS = 2


class Pictures(Dataset[tuple[Any, Any]]):
    """Pillow images and labels, as torchvision's datasets give them, through their presets' transforms."""

    def __init__(self, work: Work) -> None:
        grey = work.images.shape[-1] == 1
        self.pictures = [Image.fromarray(image[..., 0] if grey else image) for image in work.images]
        self.labels = torch.from_numpy(work.labels).long()
        channels = work.images.shape[-1]
        self.transform = v2.Compose(
            [
                v2.PILToTensor(),
                v2.ToDtype(torch.float, scale=True),
                v2.Normalize([work.mean] * channels, [work.std] * channels),
                v2.ToPureTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.pictures[index]), self.labels[index]


class Smoothed:
    """A value's mean over all steps and median over the last ones, as the scripts print them."""

    def __init__(self) -> None:
        self.last: deque[float] = deque(maxlen=20)
        self.total, self.count = 0.0, 0

    def update(self, value: float, count: int) -> None:
        """Add a step's value."""
        self.last.append(value)
        self.total += value * count
        self.count += count


def right(scores: Tensor, labels: Tensor) -> list[float]:
    """Percent of labels among the first 1 and 5 scores, for whole images; of the first alone for pixels."""
    with torch.inference_mode():
        if labels.ndim > 1:
            return [float((scores.argmax(1) == labels).float().mean()) * 100]
        hits = scores.topk(5, 1).indices.t().eq(labels[None])
        return [float(hits[:k].flatten().sum(dtype=torch.float32)) * 100 / len(labels) for k in (1, 5)]


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    model = network(work).to(work.device)
    data = Pictures(work)
    sampler = torch.utils.data.RandomSampler(data)
    loader = DataLoader(data, work.batch, sampler=sampler, num_workers=WORKERS, pin_memory=work.device != "cpu")
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=work.decay)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for _ in range(2):
        clock.start()
        model.train()
        meters = [Smoothed() for _ in range(3)]
        for images, labels in loader:
            images, labels = images.to(work.device), labels.to(work.device)
            scores = model(images)
            loss = criterion(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for meter, value in zip(meters, [loss.item(), *right(scores, labels)], strict=False):
                meter.update(value, len(images))
        clock.stop()
        losses.append(meters[0].total / meters[0].count)
    return losses


if __name__ == "__main__":
    torchvision.disable_beta_transforms_warning()
    answer(train)
