"""A plain PyTorch loop as a tutorial writes it: Dataset, DataLoader, eager network, Adam."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from baselines.networks import network
from baselines.work import RATE, Clock, Work, answer


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Images in memory, one at a time as floats of mean 0 and deviation 1."""

    def __init__(self, work: Work) -> None:
        self.images = torch.from_numpy(work.images).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(work.labels).long()
        self.mean, self.std = work.mean, work.std

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return (self.images[index].float() / 255 - self.mean) / self.std, self.labels[index]


def epochs(model: nn.Module, work: Work, count: int, clock: Clock) -> Iterator[float]:
    """Train for `count` epochs; yield the mean loss of each."""
    loader = DataLoader(Images(work), batch_size=work.batch, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=work.decay)
    criterion = nn.CrossEntropyLoss()
    for _ in range(count):
        clock.start()
        model.train()
        total = 0.0
        for images, labels in loader:
            images, labels = images.to(work.device), labels.to(work.device)
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(images)
        clock.stop()
        yield total / len(work.images)


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    return list(epochs(network(work).to(work.device), work, 2, clock))


if __name__ == "__main__":
    answer(train)
