"""Images that two runs predict differently, as their run folders show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.masks import downscale_mask
from seamline.evaluation.compare import ChangedImage
from seamline.report.formatting import fractions_text
from seamline.report.images import mask_uri, photo_uri, png_uri
from seamline.report.run_data import RunData
from seamline.run_folder import SegmentationArrays

SIDE = 256
"""Longer side in pixels of a photo and its masks."""
QUALITY = 78
MAX_MASKS = 24
"""Images with masks on the page: those of all pairs of runs, gains and losses alike."""
MAX_TILES = 120
"""Images with labels on the page, likewise."""


@dataclass(frozen=True)
class ChangedPicture:
    """A changed image with what the page shows of it."""

    image: ChangedImage  # its name, its class and what the runs predict
    # what a picture shows -> the picture, as a data URI: of an image with a mask the photo, both predictions and the
    # ground truth, else the image alone
    pictures: Mapping[str, str]
    descriptions: Mapping[str, str]  # what a picture shows -> its content, in words


class ComparedImages:
    """The images of runs that were evaluated on the same split.

    Args:
        runs: the runs; pictures are those of the first run that has them.
        names: a short name of each.
        split: the split.
    """

    def __init__(self, runs: Sequence[RunData], names: Sequence[str], split: str) -> None:
        self.runs, self.names, self.split = runs, names, split
        self._photos: dict[str, tuple[Image.Image, NDArray[np.uint8]]] = {}
        self._tiles: dict[str, Image.Image] = {}
        for run in runs:
            self._photos |= {name: shown for name, shown in _photos(run, split).items() if name not in self._photos}
            self._tiles |= {name: tile for name, tile in _tiles(run, split).items() if name not in self._tiles}
        self._predicted = [_predicted(run, split) if self._photos else {} for run in runs]

    def most(self, pairs: int) -> int:
        """Return the number of images to show of gains, and of losses, of each of the pairs of runs."""
        return max(2, (MAX_MASKS if self.runs[0].info.task == "segmentation" else MAX_TILES) // (2 * pairs))

    def pictures(self, changed: Sequence[ChangedImage], second: int, most: int) -> list[ChangedPicture]:
        """Return the first of the changed images whose pictures the run folders hold.

        Args:
            changed: the images, those to be shown first at the start.
            second: number of the run that is compared with the first.
            most: how many, at most.
        """
        known = self._photos if self.runs[0].info.task == "segmentation" else self._tiles
        shown = [one for one in changed if one.name in known][:most]
        return [self._masks(one, second) if one.name in self._photos else self._tile(one) for one in shown]

    def _tile(self, image: ChangedImage) -> ChangedPicture:
        return ChangedPicture(image, {"image": png_uri(self._tiles[image.name])}, {})

    def _masks(self, image: ChangedImage, second: int) -> ChangedPicture:
        """Return the photo of an image, the masks that two runs predict, and the true one."""
        photo, ground_truth = self._photos[image.name]
        palette, classes = self.runs[0].palette, self.runs[0].classes
        masks = {self.names[number]: self._predicted[number][image.name] for number in (0, second)}
        masks["ground truth"] = ground_truth
        pictures = {"photo": photo_uri(photo, SIDE, QUALITY)}
        pictures |= {title: mask_uri(downscale_mask(mask, SIDE), palette) for title, mask in masks.items()}
        return ChangedPicture(image, pictures, {title: _description(mask, classes) for title, mask in masks.items()})


def _description(mask: NDArray[np.uint8], classes: Sequence[str]) -> str:
    """Return the largest fractions of a mask in words."""
    counts = np.bincount(mask[mask < len(classes)], minlength=len(classes))
    fractions: dict[str, float] = dict(zip(classes, (counts / max(1, counts.sum())).tolist(), strict=True))
    return fractions_text(fractions)


def _photos(run: RunData, split: str) -> dict[str, tuple[Image.Image, NDArray[np.uint8]]]:
    """Return photo and true mask of the images with masks that a run folder holds, by name."""
    photos = {one.example.name: (one.image, one.ground_truth) for one in run.examples.get(split, ())}
    sheets: Any = getattr(run, "mask_sheets", {}).get(split)
    if sheets is not None:
        per_image = run.results[split].per_image
        for index, case in enumerate(sheets.sheets.cases):
            photo, ground_truth, _ = sheets.tile(index)
            photos.setdefault(per_image[case.rank - 1].name, (photo, ground_truth))
    return photos


def _tiles(run: RunData, split: str) -> dict[str, Image.Image]:
    """Return the images of a classifier's example sheet, by name."""
    images = run.sheets.get(split)
    if images is None:
        return {}
    return {one.name: images.arrange([index], 1) for index, one in enumerate(images.sheet.examples)}


def _predicted(run: RunData, split: str) -> Mapping[str, NDArray[np.uint8]]:
    """Return the predicted masks of a split, by name."""
    arrays = run.folder.read_arrays(split, run.info)
    return dict(zip(arrays.names, arrays.predicted, strict=True)) if isinstance(arrays, SegmentationArrays) else {}
