"""Which random changes images go through while a network learns from them. Knows no tensors: recipes name them too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """The random changes that batches go through; each is made anew in each epoch.

    Attributes:
        flip: mirror each image left to right in every second epoch, half of the images in each.
        shift: move each image by up to this many pixels in both directions.
        scale: enlarge or shrink by a factor of up to 1 + this.
        stretch: change the ratio of width to height by a factor of up to 1 + this.
        colour: change brightness, contrast, saturation and tint by up to about this share.
        size: show the images at this share of their width and height, 0..1.
        cutmix: share of the images that go on as another one from some column on; for masks alone.
    """

    flip: bool = False
    shift: int = 0
    scale: float = 0.0
    stretch: float = 0.0
    colour: float = 0.0
    size: float = 1.0
    cutmix: float = 0.0
