"""The prediction for one image, in memory."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_io import encode_jpeg, read_image
from seamline.inference.overlay import blend_overlay, encode_png
from seamline.run_folder import Color

_NOTEBOOK_SIDE = 640  # pixels
_NOTEBOOK_CLASSES = 8


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """The prediction of a model for one image.

    Attributes:
        source: path of the image, or its pixels (H, W, 3) uint8.
        height: of the image in pixels.
        width: of the image in pixels.
        classes: the K class names.
        palette: K colors; empty for classification.
        label: the most probable class; None for segmentation.
        probabilities: class -> probability, calibrated; empty for segmentation.
        mask: (H, W) uint8, the class index of each pixel; None for classification.
        confidence: (H, W) uint8, the calibrated probability of each pixel's class, 0..255 for 0..1; None for
            classification.
        probability_maps: (K, H, W) float32, calibrated; None for classification and where they were not requested.
        intervals: class -> ends of the conformal interval of its fraction; empty for classification and for models
            without them.
        novelty: how unlike the training images the image is: above 1 it is farther from them than validation images
            are, except for a stated fraction; None where the model cannot tell.
    """

    source: Path | NDArray[np.uint8]
    height: int
    width: int
    classes: tuple[str, ...]
    palette: tuple[Color, ...] = ()
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    mask: NDArray[np.uint8] | None = None
    confidence: NDArray[np.uint8] | None = None
    probability_maps: NDArray[np.float32] | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    novelty: float | None = None

    @property
    def probability(self) -> float | None:
        """Probability of `label`; None for segmentation."""
        return None if self.label is None else self.probabilities[self.label]

    @cached_property
    def fractions(self) -> dict[str, float]:
        """Class -> fraction of the image's pixels; empty for classification."""
        if self.mask is None:
            return {}
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        return dict(zip(self.classes, (counts / self.mask.size).tolist(), strict=True))

    @property
    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, the image; it is read again where it was given as a path, so that results stay small.

        Raises:
            SeamlineError: the file cannot be read any more.
        """
        return read_image(self.source) if isinstance(self.source, Path) else self.source

    def overlay(self) -> Image.Image:
        """Blend the classes' colors over the image, half and half.

        Returns:
            An RGB image; for classification the image as it is.
        """
        return Image.fromarray(self._overlay())

    def _overlay(self) -> NDArray[np.uint8]:
        image = self.image
        if self.mask is not None:
            image = image if isinstance(self.source, Path) else image.copy()
            blend_overlay(image, self.mask, self.palette)
        return image

    def __repr__(self) -> str:
        shares = self.fractions or self.probabilities
        classes = sorted(shares, key=lambda name: -shares[name])[:3]
        return f"<Prediction {', '.join(f'{name} {shares[name]:.1%}' for name in classes)}>"

    def _repr_png_(self) -> bytes:
        """Return the overlay as a PNG, for notebooks."""
        picture = self.overlay()
        picture.thumbnail((_NOTEBOOK_SIDE, _NOTEBOOK_SIDE))
        return encode_png(np.asarray(picture))

    def _repr_html_(self) -> str:
        """Return the overlay with its classes, the most frequent or most probable first, for notebooks."""
        picture = base64.b64encode(encode_jpeg(self._overlay(), _NOTEBOOK_SIDE)).decode()
        shares = self.fractions or self.probabilities
        rows = []
        for name in sorted(shares, key=lambda name: -shares[name])[:_NOTEBOOK_CLASSES]:
            color = "rgb({},{},{})".format(*self.palette[self.classes.index(name)]) if self.palette else "transparent"
            swatch = f'<td style="background:{color};width:1em"></td>'
            rows.append(f"<tr>{swatch}<td>{escape(name)}</td><td>{shares[name]:.1%}</td></tr>")
        return (
            f'<div style="display:flex;gap:1em;align-items:flex-start"><img src="data:image/jpeg;base64,{picture}" '
            f'alt="{escape(repr(self))}"><table>{"".join(rows)}</table></div>'
        )
