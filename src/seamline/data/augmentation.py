"""Which random changes images go through while a network learns from them. Knows no tensors: recipes name them too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """The random changes that batches go through; each is made anew in each epoch.

    Attributes:
        hflip: mirror each image left to right in every second epoch, half of the images in each.
        translate_px: move each image by up to this many pixels in both directions.
        scale_jitter: enlarge or shrink by a factor of up to 1 + this.
        aspect_jitter: change the ratio of width to height by a factor of up to 1 + this.
        color_jitter: change brightness, contrast, saturation and tint by up to about this share.
        train_scale: show the images at this share of their width and height, 0..1.
        cutmix: share of the images that go on as another one from some column on; for masks alone.
    """

    hflip: bool = False
    translate_px: int = 0
    scale_jitter: float = 0.0
    aspect_jitter: float = 0.0
    color_jitter: float = 0.0
    train_scale: float = 1.0
    cutmix: float = 0.0
