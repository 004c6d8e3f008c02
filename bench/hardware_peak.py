"""Peak rates of the machine: float32 matrix products and memory copies, on all threads."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from seamline.models.devices import describe_machine

SIDE = 4096
REFERENCE_SIDE = 2048
"""Side of the product that every section of the benchmarks measures, a quarter of a second on two cores."""

COPY_ELEMENTS = 64 << 20
ROUNDS = 5


def hardware_peak(device: str = "cpu") -> dict[str, float]:
    """Return `matrix_product` (operations per second), `copy` (bytes per second) and both rates of the product.

    The product of two 4096 x 4096 matrices is computed by `torch.mm` and as a 1 x 1 convolution, which is the same sum
    in another library; the faster one is the peak. A copy counts bytes read and bytes written.
    """
    left, right = (torch.randn(SIDE, SIDE, device=device) for _ in range(2))
    pixels, kernels = left.view(1, SIDE, SIDE, 1).permute(0, 2, 1, 3), right.view(SIDE, SIDE, 1, 1)
    work = 2.0 * SIDE**3
    source = torch.randn(COPY_ELEMENTS, device=device)
    target = torch.empty_like(source)
    with torch.no_grad():
        rates = {
            "torch.mm": work / _seconds(lambda: torch.mm(left, right), device),
            "convolution of 1 x 1": work / _seconds(lambda: F.conv2d(pixels, kernels), device),
            "copy": 2.0 * source.nbytes / _seconds(lambda: target.copy_(source), device),
        }
        if device == "cuda":
            half, other = left.bfloat16(), right.bfloat16()
            rates["bfloat16 product"] = work / _seconds(lambda: torch.mm(half, other), device)
    rates["matrix_product"] = max(rates["torch.mm"], rates["convolution of 1 x 1"])
    return rates


def matrix_product_rate(device: str = "cpu") -> float:
    """Return the operations per second of `torch.mm` of two float32 matrices of `REFERENCE_SIDE`."""
    left, right = (torch.randn(REFERENCE_SIDE, REFERENCE_SIDE, device=device) for _ in range(2))
    with torch.no_grad():
        return 2.0 * REFERENCE_SIDE**3 / _seconds(lambda: torch.mm(left, right), device)


def _seconds(work: Callable[[], Tensor], device: str) -> float:
    """Return the median seconds of a call, after one warm-up call."""
    times = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def operations_of(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the floating-point operations of a training step per image.

    PyTorch's `FlopCounterMode` counts products and convolutions, forward and backward; an addition and a multiplication
    are two operations, and products with the zeros of the padding count.
    """
    model.train()
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
    model.zero_grad()
    return float(counter.get_total_flops()) / len(images)


if __name__ == "__main__":
    print(f"{matrix_product_rate() / 1e9:,.0f} GFLOP/s, {describe_machine(torch.device('cpu'))}")
