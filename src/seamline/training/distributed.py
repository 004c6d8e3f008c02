"""The processes that train one network together, started by PyTorch's launcher, `torchrun`.

Each takes its part of every batch; sums over the batch are sums over the processes. So all hold the same weights, and
one alone, the first, writes and tells.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed.nn  # before a group is made: its functions' defaults would keep that, with its threads
from torch import Tensor, distributed, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from seamline.errors import SeamlineError

_PATIENCE = timedelta(hours=2)  # for the first process, which alone looks at the validation images
_START = 300  # seconds in which all processes must have come up
_MET_AT = "seamline"


@dataclass(frozen=True)
class Distributed:
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
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):  # in the same order in every process
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

    def begin_alike(self, network: nn.Module) -> None:
        """Give the network, in place, the weights and buffers of the first process's: it may have fetched them."""
        if self.count > 1:
            for tensor in network.state_dict().values():
                sent = tensor.contiguous()
                distributed.broadcast(sent, 0)
                tensor.copy_(sent)

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


def is_loss_of_another(error: Exception) -> bool:
    """Tell whether an error says that another process is no longer there."""
    return isinstance(error, RuntimeError) and any(one in str(error) for one in ("gloo", "NCCL", "Connection"))


def process_rank() -> int:
    """Return this process's number as the launcher gave it; 0 where it was started alone."""
    return int(os.environ.get("RANK", "0"))


def was_restarted() -> bool:
    """Tell whether the launcher started the processes again after one of them had ended."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def together(device: torch.device) -> Iterator[Distributed]:
    """Join the processes that the launcher started, over NCCL where they have a GPU each, over gloo elsewhere."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Distributed(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    number = process_rank()
    distributed.init_process_group(backend, store=_meeting(number), rank=number, world_size=count, timeout=_PATIENCE)
    try:
        yield Distributed(number, count, device)
    finally:
        distributed.destroy_process_group()


def _meeting(number: int) -> TCPStore:
    """Return the store at which the processes exchange their addresses.

    The launcher has one, and keeps it when it starts the processes again: what was written there before would be read
    again (https://github.com/pytorch/pytorch/issues/135712). So the first process opens one of its own and writes
    there only where that is; an address left by a process that has ended refuses the connection, and is read again.
    """
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return TCPStore(host, port, is_master=number == 0, wait_for_workers=False, timeout=_PATIENCE)
    launchers = TCPStore(host, port, is_master=False, wait_for_workers=False)
    if number == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((host, port))  # sends nothing, but tells by which address this machine is reached
            mine: str = way.getsockname()[0]
        store = TCPStore(mine, 0, is_master=True, wait_for_workers=False, timeout=_PATIENCE)
        launchers.set(_MET_AT, f"{mine} {store.port}")
        return store
    until = time.monotonic() + _START
    while True:
        there, its_port = launchers.get(_MET_AT).decode().split()
        try:
            with socket.create_connection((there, int(its_port)), timeout=_START):
                pass
            return TCPStore(there, int(its_port), is_master=False, wait_for_workers=False, timeout=_PATIENCE)
        except OSError:
            if time.monotonic() > until:
                raise SeamlineError(f"the first process, at {there}, cannot be reached within {_START} s") from None
            time.sleep(0.1)
