"""Writes predictions into a folder: masks, overlays, confidence maps, a legend and the record of them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import encode_mask
from seamline.data.pixel_meaning import TraitCounts, conversion_warning, unused_data
from seamline.errors import SeamlineError
from seamline.inference.find_images import LEGEND, Photo
from seamline.inference.overlay import blend_overlay, draw_legend, encode_png
from seamline.inference.predictor import Predictor
from seamline.io import write_bytes
from seamline.run_folder import PhotoError, PhotoPrediction, PredictionRecord, UnusedData, prediction_record

PHOTO_SIDE = 1600
"""Longer side in pixels of the copies of photos that a page shows."""


@dataclass(frozen=True)
class PredictionWriter:
    """Predicts photos and writes the results into a folder."""

    predictor: Predictor
    folder: Path
    max_side: int | None  # see `Predictor`
    copy_photos: bool  # whether to write a small copy of each photo, for a page
    unused: tuple[UnusedData, ...] = ()  # files beside the photos that are none, for the record
    traits: TraitCounts = field(default_factory=TraitCounts)  # unusual properties of the photos read

    @property
    def all_unused(self) -> tuple[UnusedData, ...]:
        """What is not used, files and parts of photos."""
        return (*self.unused, *unused_data(self.traits))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about unusual photos, and about what the model cannot tell of them."""
        return tuple(filter(None, [conversion_warning(self.traits), self.predictor.novelty_unavailable]))

    def check_collisions(self, photos: Sequence[Photo]) -> None:
        """Refuse a folder in which a result would overwrite one of the photos.

        Raises:
            SeamlineError: names the photo.
        """
        inputs = {photo.file.absolute().resolve(): photo.file for photo in photos}
        outputs = [LEGEND, *(name for photo in photos for name in self._file_names(photo).values())]
        for name in outputs:
            if overwritten := inputs.get((self.folder / name).absolute().resolve()):
                raise SeamlineError(
                    f"{overwritten}: a result would overwrite this photo; name another folder with --out"
                )

    def start(self) -> None:
        """Create the folder, its legend and an empty record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.predictor.task == "segmentation":
            legend = draw_legend(self.predictor.classes, self.predictor.palette)
            write_bytes(self.folder / LEGEND, encode_png(legend))
        self.write_record([], [])

    def write_record(self, photos: Sequence[PhotoPrediction], errors: Sequence[PhotoError]) -> None:
        """Write `predictions.json`."""
        metadata = self.predictor.metadata
        record = PredictionRecord(
            model=str(self.predictor.path),
            task=metadata.task,
            dataset=metadata.dataset,
            preset=metadata.preset,
            classes=metadata.classes,
            palette=metadata.palette,
            false_alarm_rate=self.predictor.false_alarm_rate,
            interval_level=self.predictor.interval_level,
            photos=tuple(photos),
            errors=tuple(errors),
            unused=self.all_unused,
            warnings=self.warnings,
        )
        prediction_record(self.folder).write(record)

    def write(
        self, photo: Photo, pixels: NDArray[np.uint8], progress: Callable[[int, int], None] | None = None
    ) -> PhotoPrediction:
        """Predict a photo and write its files.

        Args:
            photo: the photo.
            pixels: (H, W, 3) uint8; changed.
            progress: called with the number of tiles done and their total.
        """
        names = self._file_names(photo)
        if self.copy_photos:
            write_bytes(self.folder / names["photo"], encode_jpeg(pixels, PHOTO_SIDE))
        prediction = self.predictor(pixels, max_side=self.max_side, progress=progress)
        if prediction.mask is not None and prediction.confidence is not None:
            palette = self.predictor.palette
            write_bytes(self.folder / names["mask"], encode_mask(prediction.mask, palette))
            write_bytes(self.folder / names["confidence"], encode_png(prediction.confidence))
            blend_overlay(pixels, prediction.mask, palette)
            write_bytes(self.folder / names["overlay"], encode_png(pixels))
        return PhotoPrediction(
            file=str(photo.file),
            width=prediction.width,
            height=prediction.height,
            **names,
            class_fractions=prediction.fractions,
            class_intervals=dict(prediction.intervals),
            label=prediction.label,
            probability=prediction.probability,
            probabilities=dict(prediction.probabilities),
            novelty=prediction.novelty,
        )

    def _file_names(self, photo: Photo) -> dict[str, str]:
        """Return the names of a photo's files."""
        names = {"photo": f"{photo.stem}.photo.jpg"} if self.copy_photos else {}
        if self.predictor.task == "segmentation":
            names |= {kind: f"{photo.stem}.{kind}.png" for kind in ("mask", "overlay", "confidence")}
        return names
