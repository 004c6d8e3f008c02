"""What evaluation writes about the training images: some of them, and what augmentation makes of them."""

from msgspec import Struct

from seamline.run_folder.fields import Count, Side
from seamline.run_folder.results import sheet_size


class TrainingImage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A training image."""

    name: str  # name of the image
    label: Count | None = None  # index of its class; null where its label is a mask


class AugmentedImages(Struct, frozen=True, kw_only=True):
    """Layout of the sheets of augmented images: a row for each image, a column for each epoch, without gaps."""

    tile: tuple[Side, Side]  # height and width of an augmented image
    images: tuple[Count, ...]  # positions in `images` of those that are augmented
    epochs: tuple[Count, ...]  # epochs, from 1, that augment them so

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture that holds all of them."""
        return len(self.images) * self.tile[0], len(self.epochs) * self.tile[1]


class TrainingImages(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A random sample of the training images, on sheets row by row without gaps."""

    tile: tuple[Side, Side]  # height and width of an image
    columns: Side  # images per row
    images: tuple[TrainingImage, ...]  # the images; of a classifier class by class
    augmented: AugmentedImages | None = None  # some of them, augmented; null where training does not augment

    def __post_init__(self) -> None:
        """Check that the augmented images are among the others."""
        if self.augmented and any(position >= len(self.images) for position in self.augmented.images):
            raise ValueError(f"augmented has an image beyond the {len(self.images)} images")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a picture that holds all images."""
        return sheet_size(self.tile, self.columns, len(self.images))
