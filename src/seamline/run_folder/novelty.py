"""What evaluation writes to recognize images that are unlike the training images: `novelty.json`."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seamline.run_folder.fields import ABSENT, Count, Estimate, Number, Positive, Side


class NoveltyReference(Struct, frozen=True, kw_only=True):
    """Features of training images, and how far from the nearest of them an image may lie."""

    false_alarm_rate: Number  # fraction of images like the validation images that lie beyond the threshold
    threshold: Positive  # distance beyond which an image is novel
    size: tuple[Side, Side]  # number M of training images, and D of features
    scales: bytes  # (D,) what pooled features are multiplied by, float32 little-endian, as base64
    features: bytes  # (M, D) multiplied features, float16 little-endian, as base64

    def __post_init__(self) -> None:
        """Check that the bytes are of this size."""
        images, features = self.size
        if (len(self.scales), len(self.features)) != (4 * features, 2 * images * features):
            raise ValueError("scales or features do not fit size")

    @property
    def scale_array(self) -> NDArray[np.float32]:
        """What features are multiplied by, (D,) float32."""
        return np.frombuffer(self.scales, "<f4")

    @property
    def feature_array(self) -> NDArray[np.float32]:
        """The features, (M, D) float32."""
        return np.frombuffer(self.features, "<f2").reshape(self.size).astype(np.float32)


class Novelty(Struct, frozen=True, kw_only=True):
    """How images that are unlike the training images are recognized, and how many of the test images are."""

    reference: NoveltyReference | None = None  # null where there are too few groups for a threshold
    images: Count  # number of validation images that the threshold was set by
    groups: Count  # number of their groups; each counts once
    flagged: Estimate = ABSENT  # fraction of the test images that count as novel
