"""What evaluation writes about the layers of a classifier: its filters, and linear probes."""

import math

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, Number, Side


class FilterFraction(Struct, frozen=True, kw_only=True):
    """Filters of one type in a layer.

    Attributes:
        count: how many.
        fraction: fraction of the layer's filters.
    """

    count: Count
    fraction: Estimate


class FilterLayer(Struct, frozen=True, kw_only=True):
    """The filters of one layer.

    Attributes:
        name: name of the layer, such as `layer 1`.
        shape: output channels, input channels, height and width of the weights.
        weights: the weights, flat.
        types: type of each filter, out × in of them, flat.
        correlations: correlation of each filter with the pattern of its type, flat.
        fractions: number and fraction of filters by type, the most frequent first.
    """

    name: str
    shape: tuple[Side, Side, Side, Side]
    weights: tuple[Number, ...]
    types: tuple[str, ...]
    correlations: tuple[Number, ...]
    fractions: dict[str, FilterFraction]

    def __post_init__(self) -> None:
        """Check that the lists fit the shape."""
        if math.prod(self.shape) != len(self.weights):
            raise ValueError(f"weights is a list of {len(self.weights)}, which is not of the shape {self.shape}")
        if not self.shape[0] * self.shape[1] == len(self.types) == len(self.correlations):
            raise ValueError("types and correlations do not have one entry per filter")
        if not set(self.types) <= set(self.fractions):
            raise ValueError("types has a type that fractions lacks")


class FilterAnalysis(Struct, frozen=True, kw_only=True):
    """Types of the filters of each convolution.

    Attributes:
        rule: how a filter gets its type, in a sentence or two.
        threshold: correlation from which a filter is of a type.
        null_rate: fraction of filters of pure noise that reach the threshold.
        layers: the layers, from the first.
    """

    rule: str
    threshold: Number
    null_rate: Number
    layers: tuple[FilterLayer, ...]


class LinearProbe(Struct, frozen=True, kw_only=True):
    """A linear classifier on the features of some layers.

    Attributes:
        name: `pixels`, `layer 1`, `layers 1 and 2` or `whole network`.
        n_features: number of features; null for the whole network.
        accuracy: accuracy on the validation images.
        per_class: recall of each class.
    """

    name: str
    n_features: Count | None
    accuracy: Estimate
    per_class: dict[str, Estimate]


class LinearProbes(Struct, frozen=True, kw_only=True):
    """What a linear classifier reads out of each layer.

    Attributes:
        rule: how the probes were fitted, in a sentence.
        probes: the probes, from the pixels to the whole network.
    """

    rule: str
    probes: tuple[LinearProbe, ...]
