"""The processes that train one network together, started by PyTorch's launcher, `torchrun`.

Each takes its part of every batch; sums over the batch are sums over the processes. So all hold the same weights, and
one alone, the first, writes and tells.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

_PATIENCE = timedelta(hours=2)  # for the first process, which alone looks at the validation images


@dataclass(frozen=True)
class Processes:
    """One process among those that train together.

    Attributes:
        number: its number, from 0.
        count: how many there are.
        device: where it works.
    """

    number: int = 0
    count: int = 1
    device: torch.device | str = "cpu"

    @property
    def first(self) -> bool:
        """Whether it is the one that writes and tells."""
        return self.number == 0

    def add_up(self, *tensors: Tensor) -> None:
        """Replace each tensor, in place, by its sum over all processes; in one go where they are of one dtype."""
        if self.count == 1:
            return
        for dtype in {tensor.dtype for tensor in tensors}:
            some = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in some])
            distributed.all_reduce(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in some])
            for tensor, part in zip(some, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def from_first(self, content: bytes | None) -> bytes | None:
        """Return the first process's `content` in every process."""
        if self.count == 1:
            return content
        size = torch.tensor(-1 if content is None else len(content))
        distributed.broadcast(size, 0)
        if size < 0:
            return None
        sent = torch.empty(int(size), dtype=torch.uint8)
        if self.first and content:
            sent.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        distributed.broadcast(sent, 0)
        return sent.numpy().tobytes()

    def highest(self, mine: int) -> int:
        """Return the highest of all processes' numbers."""
        highest = torch.tensor(mine)
        if self.count > 1:
            distributed.all_reduce(highest, distributed.ReduceOp.MAX)
        return int(highest)

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Let one process of each machine through the block, then the others: they find what it fetched and kept."""
        waits = self.count > 1 and os.environ.get("LOCAL_RANK", "0") != "0"
        if waits:
            distributed.barrier()
        try:
            yield
        finally:
            if self.count > 1 and not waits:
                distributed.barrier()


def number_here() -> int:
    """Return this process's number as the launcher gave it; 0 where it was started alone."""
    return int(os.environ.get("RANK", "0"))


def started_again() -> bool:
    """Tell whether the launcher started the processes again after one of them had ended."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def together(device: torch.device) -> Iterator[Processes]:
    """Join the processes that the launcher started, over NCCL where they have a GPU each, over gloo elsewhere."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Processes(number_here(), count, device)
    finally:
        distributed.destroy_process_group()
