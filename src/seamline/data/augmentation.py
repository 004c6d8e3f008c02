"""Settings of data augmentation. This module does not import PyTorch, so that configurations can name them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """Random changes of the training images, drawn anew in each epoch.

    The defaults change nothing. `seamline.data.transforms` implements the changes, `seamline.data.loader` draws them.
    """

    hflip: bool = False  # whether images are mirrored left to right in every second epoch, half of the images in each
    translate: int = 0  # largest translation in both directions, in pixels
    scale_jitter: float = 0.0  # images are scaled by a factor of at most 1 + this, or 1 / (1 + this)
    aspect_jitter: float = 0.0  # the ratio of width to height is changed by a factor of at most 1 + this
    perspective: float = 0.0  # corners of images move at random by up to this fraction of half the sides, 0..1
    color_jitter: float = 0.0  # strength of changes of brightness, contrast, saturation and tint, about a fraction
    gamma_jitter: float = 0.0  # images are raised to a power of at most 1 + this, or 1 / (1 + this): dusk and glare
    crop: int = 0  # side in pixels of a random square part that the model is trained on; 0 for whole images
    train_scale: float = 1.0  # fraction of the images' width and height at which the model is trained, 0..1
    # fraction of the images that continue as another image from some column on; for segmentation only
    cutmix: float = 0.0
    erase: float = 0.0  # fraction of the images in which a random rectangle gets a random color

    @property
    def is_affine(self) -> bool:
        """Whether images are resampled between pixels, which translations alone do not need."""
        jitter = self.scale_jitter or self.aspect_jitter or self.perspective
        return bool(jitter or self.crop or self.train_scale != 1)
