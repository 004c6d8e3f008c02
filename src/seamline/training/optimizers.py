"""How gradients become steps."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seamline.training.config import TrainConfig

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Coefficients of the iteration below, from Jordan et al. (see `Muon`)."""


class Muon(torch.optim.Optimizer):
    """Steps whose directions are all equally long: momentum, made near orthogonal (Jordan et al., Muon, 2024).

    A gradient of a matrix is mostly a few directions; a step that has them all at one length learns from the rare ones
    too, and needs half the images. Of weights of more dimensions, rows are the first and columns all others.

    Args:
        weights: of two or more dimensions.
        lr: step size: by about how much each direction moves.
        momentum: share of the mean of earlier gradients that is kept.
        weight_decay: pull towards zero, times the step size.
        iterations: how often the lengths are drawn towards 1.
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
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(mean, group["momentum"])  # Nesterov's: the mean as the next step will have it
                move = newton_schulz(ahead.flatten(1), group["iterations"]).view_as(weight)
                rows, columns = len(weight), weight[0].numel()
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(move, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def newton_schulz(matrix: Tensor, iterations: int) -> Tensor:
    """Return a matrix of the same directions whose singular values are near 1 (0.3 to 1.2 after three iterations).

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
    whole = factor = _factor(gram)
    for _ in range(iterations - 1):
        gram = factor @ gram @ factor
        factor = _factor(gram)
        whole = factor @ whole
    wide = torch.mm(whole, wide)
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


def _factor(gram: Tensor) -> Tensor:
    """Return a I + b G + c G², what one iteration multiplies X by."""
    factor = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
    factor.diagonal().add_(_A)
    return factor


def build_optimizers(network: nn.Module, recipe: TrainConfig) -> list[torch.optim.Optimizer]:
    """Return what takes the recipe's steps, its groups' step sizes at their highest (kept as `highest_lr`).

    Adam decays every weight, as PyTorch's does by itself, which is how the study used it. AdamW leaves out biases and
    normalisation: they do not make the function steeper. Muon takes the matrices between the first layer and the last,
    and AdamW the rest: pixels and classes are not directions to be made equally long.
    """
    found: list[torch.optim.Optimizer]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        found = [torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True)]
    else:
        matrices = [weight for weight in network.parameters() if weight.ndim > 1]
        others = [weight for weight in network.parameters() if weight.ndim <= 1]
        inner = matrices[1:-1] if recipe.optimizer == "muon" else []
        outer = [matrices[0], matrices[-1]] if inner else matrices
        groups = [{"params": outer, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        found = [torch.optim.AdamW(groups, lr=rate, fused=True)]
        if inner:
            found.append(Muon(inner, recipe.muon_rate, weight_decay=decay))
    for optimizer in found:
        for group in optimizer.param_groups:
            group["highest_lr"] = group["lr"]
    return found
