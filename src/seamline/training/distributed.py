"""Distributed training: the processes that PyTorch's launcher, `torchrun`, started together.

Each takes its shard of every batch, and sums over a batch are sums over the processes, so all hold the same weights.
Only the main process writes files and reports progress.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed.nn  # before a group is created: its functions' defaults would keep that, with its threads
from torch import Tensor, distributed, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from seamline.errors import SeamlineError

_TIMEOUT = timedelta(hours=2)  # while the main process evaluates the validation images
_START_SECONDS = 300  # for all processes to start
_ADDRESS_KEY = "seamline"


@dataclass(frozen=True)
class Distributed:
    """One of the processes that train together."""

    rank: int = 0  # its number, from 0
    world_size: int = 1  # number of processes
    device: torch.device | str = "cpu"  # its device

    @property
    def is_main(self) -> bool:
        """Whether it is the process that writes files and reports progress."""
        return self.rank == 0

    def all_reduce_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor, of any shape and dtype, by its sum over all processes; one reduction per dtype."""
        if self.world_size == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):  # in the same order in every process
            same = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in same])
            distributed.all_reduce(flat)
            for tensor, part in zip(same, torch.split(flat, [tensor.numel() for tensor in same]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def broadcast(self, content: bytes | None) -> bytes | None:
        """Return the `content` of the main process in every process."""
        if self.world_size == 1:
            return content
        size = torch.tensor(-1 if content is None else len(content))
        distributed.broadcast(size, 0)
        if size < 0:
            return None
        buffer = torch.empty(int(size), dtype=torch.uint8)
        if self.is_main and content:
            buffer.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        distributed.broadcast(buffer, 0)
        return buffer.numpy().tobytes()

    def broadcast_model(self, model: nn.Module) -> None:
        """Give a model, in place, the weights and buffers of the main process, which may have fetched them."""
        if self.world_size > 1:
            for tensor in model.state_dict().values():
                buffer = tensor.contiguous()
                distributed.broadcast(buffer, 0)
                tensor.copy_(buffer)

    def all_reduce_max(self, number: int) -> int:
        """Return the highest number of all processes."""
        highest = torch.tensor(number)
        if self.world_size > 1:
            distributed.all_reduce(highest, distributed.ReduceOp.MAX)
        return int(highest)

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let one process of each machine run the block first; the others then find what it cached."""
        waits = self.world_size > 1 and os.environ.get("LOCAL_RANK", "0") != "0"
        if waits:
            distributed.barrier()
        try:
            yield
        finally:
            if self.world_size > 1 and not waits:
                distributed.barrier()


def is_lost_peer(error: Exception) -> bool:
    """Return whether an error says that another process has ended."""
    return isinstance(error, RuntimeError) and any(name in str(error) for name in ("gloo", "NCCL", "Connection"))


def rank() -> int:
    """Return this process's number from the launcher; 0 without one."""
    return int(os.environ.get("RANK", "0"))


def was_restarted() -> bool:
    """Return whether the launcher restarted the processes after one of them had ended."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def init_distributed(device: torch.device) -> Iterator[Distributed]:
    """Join the processes of the launcher, over NCCL with a GPU each, else over gloo.

    Args:
        device: the device of a process without others; with several GPUs each process takes its own.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield Distributed(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    store, number = _store(rank()), rank()
    distributed.init_process_group(backend, store=store, rank=number, world_size=world_size, timeout=_TIMEOUT)
    try:
        yield Distributed(number, world_size, device)
    finally:
        distributed.destroy_process_group()


def _store(number: int) -> TCPStore:
    """Return the store through which the processes exchange their addresses.

    The launcher's own store survives a restart of the processes, with what was written before
    (https://github.com/pytorch/pytorch/issues/135712). So the main process opens another one and writes only its
    address there; the address of a process that has ended refuses the connection, and is read again.
    """
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return TCPStore(host, port, is_master=number == 0, wait_for_workers=False, timeout=_TIMEOUT)
    launcher_store = TCPStore(host, port, is_master=False, wait_for_workers=False)
    if number == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))  # sends nothing, but shows under which address others reach this machine
            own_address: str = probe.getsockname()[0]
        store = TCPStore(own_address, 0, is_master=True, wait_for_workers=False, timeout=_TIMEOUT)
        launcher_store.set(_ADDRESS_KEY, f"{own_address} {store.port}")
        return store
    deadline = time.monotonic() + _START_SECONDS
    while True:
        address, main_port = launcher_store.get(_ADDRESS_KEY).decode().split()
        try:
            with socket.create_connection((address, int(main_port)), timeout=_START_SECONDS):
                pass
            return TCPStore(address, int(main_port), is_master=False, wait_for_workers=False, timeout=_TIMEOUT)
        except OSError:
            if time.monotonic() > deadline:
                raise SeamlineError(
                    f"the main process, at {address}, cannot be reached within {_START_SECONDS} s"
                ) from None
            time.sleep(0.1)
