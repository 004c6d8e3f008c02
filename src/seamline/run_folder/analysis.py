"""What evaluation writes about the layers of a classifier: its filters, and linear probes."""

import math

from msgspec import Struct

from seamline.run_folder.fields import Count, Estimate, Number, Side


class FilterFraction(Struct, frozen=True, kw_only=True):
    """Filters of one type in a layer."""

    count: Count  # how many
    fraction: Estimate  # fraction of the layer's filters


class FilterLayer(Struct, frozen=True, kw_only=True):
    """The filters of one layer."""

    name: str  # name of the layer, such as `layer 1`
    shape: tuple[Side, Side, Side, Side]  # output channels, input channels, height and width of the weights
    weights: tuple[Number, ...]  # the weights, flat
    types: tuple[str, ...]  # type of each filter, out × in of them, flat
    correlations: tuple[Number, ...]  # correlation of each filter with the pattern of its type, flat
    fractions: dict[str, FilterFraction]  # number and fraction of filters by type, the most frequent first

    def __post_init__(self) -> None:
        """Check that the lists fit the shape."""
        if math.prod(self.shape) != len(self.weights):
            raise ValueError(f"weights is a list of {len(self.weights)}, which is not of the shape {self.shape}")
        if not self.shape[0] * self.shape[1] == len(self.types) == len(self.correlations):
            raise ValueError("types and correlations do not have one entry per filter")
        if not set(self.types) <= set(self.fractions):
            raise ValueError("types has a type that fractions lacks")


class FilterAnalysis(Struct, frozen=True, kw_only=True):
    """Types of the filters of each convolution."""

    rule: str  # how a filter gets its type, in a sentence or two
    threshold: Number  # correlation from which a filter is of a type
    null_rate: Number  # fraction of filters of pure noise that reach the threshold
    layers: tuple[FilterLayer, ...]  # the layers, from the first


class LinearProbe(Struct, frozen=True, kw_only=True):
    """A linear classifier on the features of some layers."""

    name: str  # `pixels`, `layer 1`, `layers 1 and 2` or `whole network`
    n_features: Count | None  # number of features; null for the whole network
    accuracy: Estimate  # accuracy on the validation images
    per_class: dict[str, Estimate]  # recall of each class


class LinearProbes(Struct, frozen=True, kw_only=True):
    """Accuracy of a linear classifier on the features of each layer."""

    rule: str  # how the probes were fitted, in a sentence
    probes: tuple[LinearProbe, ...]  # the probes, from the pixels to the whole network
