"""Optimizers."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from seamline.models.blocks import BaseModel
from seamline.training.config import TrainConfig

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Coefficients of the Newton-Schulz iteration, from Jordan et al. (see `Muon`)."""


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalized (Jordan et al., Muon, 2024): all singular values of a step are near one length.

    The gradient of a matrix is dominated by a few directions; a step that has all of them at one length also learns
    from the rare ones, and needs half the images. Weights of more dimensions are flattened to matrices by their first.

    Args:
        weights: tensors of two or more dimensions, float32.
        lr: learning rate.
        momentum: momentum.
        weight_decay: decoupled weight decay.
        iterations: Newton-Schulz iterations.
    """

    def __init__(
        self,
        weights: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        iterations: int = 3,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "iterations": iterations}
        super().__init__(weights, settings)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(mean, group["momentum"])  # Nesterov momentum
                update = newton_schulz(ahead.flatten(1), group["iterations"]).view_as(weight)
                rows, columns = len(weight), weight[0].numel()
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def newton_schulz(matrix: Tensor, iterations: int) -> Tensor:
    """Orthogonalize a matrix approximately: its singular values become 0.3 to 1.2 after three iterations.

    Newton-Schulz: X <- a X + b (X X') X + c (X X')² X, each a polynomial in the singular values. The polynomials
    depend on X X' alone, so they are multiplied in the smaller of both sizes and applied to X once.

    Args:
        matrix: (m, n) float32.
        iterations: at least 1.

    Returns:
        (m, n) float32.
    """
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    gram = wide @ wide.T
    product = factor = _ns_polynomial(gram)
    for _ in range(iterations - 1):
        gram = factor @ gram @ factor
        factor = _ns_polynomial(gram)
        product = factor @ product
    wide = torch.mm(product, wide)
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


def _ns_polynomial(gram: Tensor) -> Tensor:
    """Return a I + b G + c G², what one iteration multiplies X by; (m, m) float32."""
    factor = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
    factor.diagonal().add_(_A)
    return factor


def build_optimizers(model: BaseModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Build the one or two optimizers of a configuration; each group has its highest learning rate as `base_lr`.

    Adam decays every weight, as in PyTorch. AdamW leaves out biases and normalization. Muon gets the
    matrices between the first layer and the last, and AdamW the rest: pixels and classes are no directions of equal
    importance. A pretrained encoder has a learning rate of its own, and AdamW, which keeps its features.
    """
    optimizers: list[torch.optim.Optimizer]
    decay, named = config.weight_decay, dict(model.named_parameters())
    if config.optimizer == "adam":
        optimizers = [torch.optim.Adam(_groups(model, named, config, decay), lr=config.lr, fused=True)]
    else:
        matrices = {name: weight for name, weight in named.items() if weight.ndim > 1}
        vectors = {name: weight for name, weight in named.items() if weight.ndim <= 1}
        inner = [name for name in [*matrices][1:-1] if config.optimizer == "muon" and not _in_encoder(model, name)]
        orthogonalized = [matrices.pop(name) for name in inner]
        groups = _groups(model, matrices, config, decay) + _groups(model, vectors, config, 0.0)
        optimizers = [torch.optim.AdamW(groups, lr=config.lr, fused=True)]
        if orthogonalized:
            optimizers.append(Muon(orthogonalized, config.muon_lr, weight_decay=decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def _groups(
    model: BaseModel, named: dict[str, nn.Parameter], config: TrainConfig, decay: float
) -> list[dict[str, Any]]:
    """Return groups of weights for an optimizer: all but those of the pretrained encoder, then these if it has one."""
    encoder = [weight for name, weight in named.items() if _in_encoder(model, name)]
    others = [weight for name, weight in named.items() if not _in_encoder(model, name)]
    groups = [(others, config.lr), (encoder, config.lr * config.encoder_lr)]
    return [{"params": weights, "lr": lr, "weight_decay": decay} for weights, lr in groups if weights]


def _in_encoder(model: BaseModel, name: str) -> bool:
    """Return whether a weight belongs to an encoder that has pretrained weights."""
    return bool(model.encoder_prefix) and name.startswith(model.encoder_prefix)
