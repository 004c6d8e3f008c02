import io

import numpy as np
import pytest
from PIL import Image

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import downscale_mask


@pytest.mark.parametrize("channels", [1, 3])
def test_large_photos_are_downscaled(channels: int) -> None:
    photo = np.full((30, 50, channels), 90, dtype=np.uint8)
    photo[:, 25:] = 200
    for longest, size in ((25, (25, 15)), (1600, (50, 30))):
        shown = Image.open(io.BytesIO(encode_jpeg(photo, longest)))
        assert (shown.format, shown.size) == ("JPEG", size)
        pixels = np.asarray(shown.convert("RGB")).astype(int)
        assert np.abs(pixels[:, : size[0] // 3] - 90).max() < 6
        assert np.abs(pixels[:, -size[0] // 3 :] - 200).max() < 6


def test_masks_are_downscaled_without_mixing_classes() -> None:
    mask = np.zeros((40, 100), np.uint8)
    mask[:, 50:] = 4
    small = downscale_mask(mask, 25)
    assert small.shape == (10, 25)
    assert set(np.unique(small)) == {0, 4}
    assert np.array_equal(downscale_mask(mask, 100), mask)
