"""How often a network looks at an image before it answers, and how to have it look less often."""

from dataclasses import dataclass, replace
from itertools import combinations, product

from seamline.models.blocks import BaseModel


@dataclass(frozen=True)
class Looks:
    """The sizes and sides at which an image is looked at.

    Attributes:
        scales: sizes, 1 for the image's own.
        mirrored: whether each time at the mirror image too.
    """

    scales: tuple[float, ...]
    mirrored: bool

    @property
    def pixels(self) -> float:
        """Pixels that are looked at, in images."""
        return sum(scale**2 for scale in self.scales) * (1 + self.mirrored)

    def __str__(self) -> str:
        sizes = " and ".join(f"{scale:g}" for scale in self.scales)
        where = "its own size" if self.scales == (1.0,) else f"{sizes} times its size"
        return f"at {where}{', mirrored too' if self.mirrored else ''}"


def looks_of(network: BaseModel) -> Looks:
    """Return how a network looks when not training."""
    return Looks(network.scales, network.mirrored)


def look(network: BaseModel, looks: Looks) -> None:
    """Have a network look so, at sizes and sides that it knows."""
    network.scales, network.mirrored = looks.scales, looks.mirrored


def fewer(looks: Looks) -> list[Looks]:
    """Return all ways of looking at some of the same sizes and sides, those of the fewest pixels first."""
    counts = range(1, len(looks.scales) + 1)
    sizes = [chosen for count in counts for chosen in combinations(looks.scales, count)]
    sides = (False, True) if looks.mirrored else (False,)
    found = [replace(looks, scales=scales, mirrored=mirrored) for scales, mirrored in product(sizes, sides)]
    return sorted((one for one in found if one != looks), key=lambda one: one.pixels)
