"""Small pictures of the images of a dataset or folder, by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Dataset, Split, count_classes
from seamline.data.image_io import read_image
from seamline.data.lazy_array import evenly_spaced
from seamline.data.near_duplicates.report import images_below
from seamline.data.preprocess import downscale
from seamline.data.validate import SPLIT_NAMES, Inspection
from seamline.report.images import photo_uri

FADED = 0.75
"""How far pixels of other classes go to light gray."""
LIGHT = 236
"""That gray."""
QUALITY = 78
MAX_MASKS = 2_000
"""Masks, evenly spaced over the images, that are searched for images of each class."""


@dataclass(frozen=True)
class Thumbnail:
    """A small picture."""

    name: str  # name of the image
    split: str  # `train`, `val` or `test`; of a folder without labels the first folder of its path
    uri: str  # the picture, as a data URI
    width: int  # in pixels
    height: int  # in pixels


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Makes small pictures of the images of an inspection."""

    data: Dataset | None
    folder: Path | None

    @classmethod
    def of(cls, inspection: Inspection) -> "Thumbnails":
        """Return those of an inspection."""
        return cls(inspection.data, inspection.folder)

    def named(self, names: Iterable[str], side: int) -> tuple[Thumbnail, ...]:
        """Return pictures of images, with a longer side of at most `side` pixels.

        Raises:
            SeamlineError: an image cannot be read.
        """
        return tuple(_thumbnail(*self._image(name), name, side) for name in names)

    def evenly_spaced(self, most: int, side: int) -> tuple[Thumbnail, ...]:
        """Return pictures of images of a folder without a supported layout, evenly spaced over all of them."""
        files = [] if self.folder is None else images_below(self.folder)
        places = evenly_spaced(len(files), most)
        return self.named((files[place].relative_to(self.folder or "").as_posix() for place in places), side)

    def of_class(self, label: int, most: int, side: int) -> tuple[Thumbnail, ...]:
        """Return pictures of images of a class, evenly spaced over all of them; of masks, other pixels are faded.

        Args:
            label: the class.
            most: number of images, at most.
            side: longer side in pixels, at most.
        """
        chosen = []
        members = self._members[label]
        for place in evenly_spaced(len(members), most):
            name, index = members[place]
            split = self._splits[name]
            picture = split.images[index]
            if self.data is not None and self.data.task == "segmentation":
                picture = fade_others(picture, split.labels[index] == label)
            chosen.append(_thumbnail(picture, name, split.names[index], side))
        return tuple(chosen)

    @property
    def _splits(self) -> dict[str, Split]:
        """The splits that hold images, `train` first."""
        by_name = {} if self.data is None else self.data.splits_by_name
        return {name: by_name[name] for name in SPLIT_NAMES if name in by_name}

    @cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        """Name of an image -> its split, and its index there."""
        return {name: (key, index) for key, split in self._splits.items() for index, name in enumerate(split.names)}

    @cached_property
    def _members(self) -> tuple[Sequence[tuple[str, int]], ...]:
        """For each class its images as (split, index); of masks, the half of its images that show most of it."""
        if self.data is None:
            return ()
        members: list[list[tuple[str, int]]] = [[] for _ in self.data.classes]
        if self.data.task == "classification":
            for name, split in self._splits.items():
                for index, label in enumerate(np.asarray(split.labels[:]).tolist()):
                    members[label].append((name, index))
            return tuple(members)
        places = list(self._places.values())
        chosen = evenly_spaced(len(places), MAX_MASKS)
        masks = (self._splits[name].labels[index] for name, index in (places[place] for place in chosen))
        counts = np.stack([count_classes(np.asarray(mask)[None], len(members)) for mask in masks])
        for label, of_class in enumerate(counts.T):
            if of_class.any():
                shown = np.flatnonzero(of_class >= np.median(of_class[of_class > 0]))
                members[label] = [places[chosen[place]] for place in shown]
        return tuple(members)

    def _image(self, name: str) -> tuple[NDArray[np.uint8], str]:
        """Return an image, (H, W, C) uint8, and its split."""
        if self.folder is not None:
            return read_image(self.folder / name), name.partition("/")[0] if "/" in name else ""
        split, index = self._places[name]
        return self._splits[split].images[index], split


def fade_others(image: NDArray[np.uint8], of_class: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mix the pixels of an image (H, W, C) uint8 outside of a class (H, W) bool with light gray."""
    faded = np.rint((1 - FADED) * image + FADED * LIGHT).astype(np.uint8)
    result: NDArray[np.uint8] = np.where(of_class[..., None], image, faded)
    return result


def _thumbnail(image: NDArray[np.uint8], split: str, name: str, side: int) -> Thumbnail:
    small = downscale(np.asarray(image), side)
    picture = Image.fromarray(small[..., 0] if small.shape[2] == 1 else small)
    return Thumbnail(name, split, photo_uri(picture, side, QUALITY), picture.width, picture.height)
