"""Choices of layers that some models leave open, such as the place of batch normalization."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from seamline.errors import SeamlineError

Norm = Literal["after", "before", "none"]
Pooling = Literal["max", "average"]

KERNELS = (3, 5, 7)
"""Sides of a kernel to choose from."""
POOLING_LAYERS = (2, 6)
"""The smallest and the largest number of pooling layers."""


@dataclass(frozen=True)
class LayerChoices:
    """Layers of a model; None stands for the model's own choice.

    Raises:
        SeamlineError: a value is not among those to choose from.
    """

    norm: Norm | None = None  # batch normalization after each ReLU, before it, or none
    kernel: int | None = None  # side of the kernels, 3, 5 or 7
    dropout: float | None = None  # probability of dropout, 0 or more and below 1
    pooling: Pooling | None = None  # what a pooling layer takes of its window
    pooling_layers: int | None = None  # number of pooling layers, after the first convolutions

    def __post_init__(self) -> None:
        """Check every choice."""
        low, high = POOLING_LAYERS
        rules = {
            "norm": (self.norm in get_args(Norm), "after, before or none"),
            "kernel": (self.kernel in KERNELS, "3, 5 or 7"),
            "dropout": (self.dropout is not None and 0 <= self.dropout < 1, "0 or more and below 1"),
            "pooling": (self.pooling in get_args(Pooling), "max or average"),
            "pooling_layers": (self.pooling_layers in range(low, high + 1), f"{low} to {high}"),
        }
        for name, value in self.given.items():
            valid, expected = rules[name]
            if not valid:
                raise SeamlineError(f"config: {name} must be {expected}, got {value}")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "LayerChoices":
        """Return the choices among the fields of a configuration, which may be of a version without them.

        Raises:
            SeamlineError: a value is not among those to choose from.
        """
        return cls(**{name: config[name] for name in CHOICES if name in config})

    @property
    def given(self) -> dict[str, Any]:
        """The choices that are not the model's own, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def check(self, model: str, available: tuple[str, ...]) -> None:
        """Check that a model has the choices that are given.

        Args:
            model: name of the model.
            available: the choices that it has.

        Raises:
            SeamlineError: it lacks one of them.
        """
        for name in self.given:
            if name not in available:
                has = f"of these it has {', '.join(available)}" if available else "leave it out"
                raise SeamlineError(f"config: {name} is no choice of the model {model}; {has}")


CHOICES = tuple(field.name for field in fields(LayerChoices))
"""Names of the choices."""
