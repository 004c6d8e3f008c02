"""A plain PyTorch loop as a tutorial writes it: Dataset, DataLoader, eager model, Adam."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from baselines.models import build_model
from baselines.workload import LEARNING_RATE, Clock, Workload, run_contender


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Images in memory, one at a time as floats of mean 0 and deviation 1."""

    def __init__(self, workload: Workload) -> None:
        self.images = torch.from_numpy(workload.images).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(workload.labels).long()
        self.mean, self.std = workload.mean, workload.std

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return (self.images[index].float() / 255 - self.mean) / self.std, self.labels[index]


def epochs(model: nn.Module, workload: Workload, count: int, clock: Clock) -> Iterator[float]:
    """Train for `count` epochs; yield the mean loss of each."""
    loader = DataLoader(Images(workload), batch_size=workload.batch, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=workload.decay)
    criterion = nn.CrossEntropyLoss()
    for _ in range(count):
        clock.start()
        model.train()
        total = 0.0
        for images, labels in loader:
            images, labels = images.to(workload.device), labels.to(workload.device)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(images)
        clock.stop()
        yield total / len(workload.images)


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    return list(epochs(build_model(workload).to(workload.device), workload, 2, clock))


if __name__ == "__main__":
    run_contender(train)
