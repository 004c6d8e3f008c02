"""What evaluation writes about a classifier: its filters, linear probes, and why it confuses classes."""

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


class ClassProperties(Struct, frozen=True, kw_only=True):
    """Properties of the held-out images of one class."""

    recall: Estimate  # fraction of them that are predicted correctly
    recall_by_sharpness: tuple[Estimate, ...]  # the same in each third of them, the least sharp first
    edges: Estimate  # mean fraction of their pixels that are at an edge
    # mean squared distance of their pooled features from the mean of the class, as a fraction of that of all images
    # from the mean of all, both without bias; each feature is divided by its standard deviation; null for fewer than
    # three images
    spread: Estimate
    # mean fraction of the response of layer 1 that filters of each orientation contribute; empty where there are none
    orientations: dict[str, Estimate] = {}


class ClassPair(Struct, frozen=True, kw_only=True):
    """How much two classes resemble each other."""

    classes: tuple[Count, Count]  # indices of the classes
    confused: Count  # held-out images of one that are predicted as the other
    overlap: Estimate  # overlap of the mean images, 0 to 1
    outline_overlap: Estimate  # overlap of the mean outlines; null where images have no common background


class ClassAnalysis(Struct, frozen=True, kw_only=True):
    """Why classes are confused: how they look, and how their features vary; `class_means.png` shows the means."""

    images: Count  # number of held-out images
    tile: tuple[Side, Side]  # height and width of a mean image
    outlines: bool  # whether images have a common background; the means of outlines are then the second row
    classes: dict[str, ClassProperties]  # properties of each class
    pairs: tuple[ClassPair, ...]  # the pairs, the most frequently confused first
    n_confused: Count  # number of pairs, the first ones, that are confused significantly more often than the others
    overlap_difference: Estimate  # mean overlap of these pairs minus that of the others; null where there are none
    outline_difference: Estimate  # the same of outlines
    accuracy_by_sharpness: tuple[Estimate, ...]  # accuracy in the thirds of all classes, the least sharp first
    sharpness_difference: Estimate  # accuracy in the last third minus that in the first
    spread_correlation: Estimate  # rank correlation of spread and recall over the classes; null for fewer than six

    def __post_init__(self) -> None:
        """Check that pairs and classes fit."""
        if self.n_confused > len(self.pairs):
            raise ValueError(f"n_confused is {self.n_confused}, more than the {len(self.pairs)} pairs")
        if any(max(pair.classes) >= len(self.classes) for pair in self.pairs):
            raise ValueError(f"a pair has a class beyond the {len(self.classes)} classes")
