"""What is written for each photo, and the record of all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import encode_mask
from seamline.errors import SeamlineError
from seamline.inference.find_images import LEGEND, RECORD, Photo
from seamline.inference.overlay import draw_legend, lay_over, png
from seamline.inference.predict_one import label_of, mask_of, shares_of
from seamline.inference.predictor import Model
from seamline.io import write_bytes, write_json

ON_PAGE = 1600
"""Pixels on the longer side of a photo that is kept for a page."""


@dataclass(frozen=True, eq=False)
class Results:
    """Writes what a model says of photos into a folder.

    Attributes:
        model: the model.
        folder: where the files go.
        size: the most pixels on a photo's longer side for a network that gives masks; 0 for no limit.
        keep_photos: whether to keep a small copy of each photo.
    """

    model: Model
    folder: Path
    size: int
    keep_photos: bool

    def check_names(self, photos: Sequence[Photo]) -> None:
        """Refuse a folder in which a result would be written over one of the photos.

        Raises:
            SeamlineError: names the photo.
        """
        inputs = {photo.file.absolute().resolve(): photo.file for photo in photos}
        names = [LEGEND] if self.model.segments else []
        names += [name for photo in photos for name in self._names(photo).values() if name is not None]
        for name in names:
            photo = inputs.get((self.folder / name).absolute().resolve())
            if photo is not None:
                raise SeamlineError(
                    f"{photo}: a result would be written over this photo; name another folder with --out"
                )

    def begin(self) -> None:
        """Make the folder, its legend and an empty record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.model.segments:
            write_bytes(self.folder / LEGEND, png(draw_legend(self.model.classes, self.model.colours)))
        self.record([], [])

    def record(self, photos: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, str]]) -> None:
        """Write `predictions.json`."""
        model = self.model
        record = {
            "model": str(model.path),
            "dataset": model.dataset,
            "recipe_name": model.recipe_name,
            "classes": model.classes,
            "colours": model.colours,
            "photos": photos,
            "failed": failed,
        }
        write_json(self.folder / RECORD, record)

    def add(self, photo: Photo, pixels: NDArray[np.uint8], told: Callable[[int, int], None]) -> dict[str, Any]:
        """Predict a photo and write its files.

        Args:
            photo: the photo.
            pixels: (H, W, 3) uint8; changed.
            told: called with parts done and parts in all.

        Returns:
            What the record says of it.
        """
        height, width = pixels.shape[:2]
        names = self._names(photo)
        record: dict[str, Any] = {"file": str(photo.file), "width": width, "height": height, **names}
        if names["photo"] is not None:
            write_bytes(self.folder / names["photo"], encode_jpeg(pixels, ON_PAGE))
        return record | (self._masked(pixels, names, told) if self.model.segments else label_of(self.model, pixels))

    def _names(self, photo: Photo) -> dict[str, str | None]:
        """Return the names of a photo's files, None for what is not kept."""
        names: dict[str, str | None] = {}
        if self.model.segments:
            names = {"mask": f"{photo.stem}.mask.png", "overlay": f"{photo.stem}.overlay.png"}
        return {**names, "photo": f"{photo.stem}.photo.jpg" if self.keep_photos else None}

    def _masked(
        self, pixels: NDArray[np.uint8], names: Mapping[str, str | None], told: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Write a photo's mask and overlay; return each class's share of it."""
        model = self.model
        mask = mask_of(model, pixels, self.size, told)
        write_bytes(self.folder / str(names["mask"]), encode_mask(mask, model.colours))
        lay_over(pixels, mask, model.colours)
        write_bytes(self.folder / str(names["overlay"]), png(pixels))
        return {"shares": shares_of(model, mask)}
