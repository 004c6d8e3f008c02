"""What the machine can do at most: float32 matrix products and copies of memory, on all threads."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

SIDE = 4096
NUMBERS = 64 << 20
ROUNDS = 5


def limits(device: str = "cpu") -> dict[str, float]:
    """Return `matrix_product` and `copy` in operations and bytes a second, and the ways the product was reached.

    A product of two matrices of 4096 x 4096 is worked out by PyTorch's own routine and as a convolution of 1 x 1, which
    is the same sum by another library; the faster one is the limit. A copy counts what is read and what is written.
    """
    left, right = (torch.randn(SIDE, SIDE, device=device) for _ in range(2))
    pixels, kernels = left.view(1, SIDE, SIDE, 1).permute(0, 2, 1, 3), right.view(SIDE, SIDE, 1, 1)
    work = 2.0 * SIDE**3
    source = torch.randn(NUMBERS, device=device)
    target = torch.empty_like(source)
    with torch.no_grad():
        found = {
            "torch.mm": work / _seconds(lambda: torch.mm(left, right), device),
            "convolution of 1 x 1": work / _seconds(lambda: F.conv2d(pixels, kernels), device),
            "copy": 2.0 * source.nbytes / _seconds(lambda: target.copy_(source), device),
        }
        if device == "cuda":
            half, other = left.bfloat16(), right.bfloat16()
            found["bfloat16 product"] = work / _seconds(lambda: torch.mm(half, other), device)
    found["matrix_product"] = max(found["torch.mm"], found["convolution of 1 x 1"])
    return found


def _seconds(work: Callable[[], Tensor], device: str) -> float:
    """Median seconds of a call, after one that does not count."""
    times = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def operations_of(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the floating-point operations a training step takes for each image.

    Counted by PyTorch's `FlopCounterMode`: those of products and convolutions, forward and backward, an addition and a
    multiplication as two, as if no product with padding were left out.
    """
    network.train()
    with FlopCounterMode(display=False) as counted:
        F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    network.zero_grad()
    return float(counted.get_total_flops()) / len(images)
