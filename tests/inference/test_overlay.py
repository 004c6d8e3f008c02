import io

import numpy as np
import pytest
from PIL import Image

from seamline.data.preprocess import center_crop_resize, resize_max_side
from seamline.inference.overlay import blend_overlay, draw_legend, encode_png


def test_colours_are_laid_over_half_transparent_and_black_is_left_clear() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (150, 7, 3), dtype=np.uint8)
    mask = (np.arange(150 * 7) % 3).astype(np.uint8).reshape(150, 7)
    laid = photo.copy()
    blend_overlay(laid, mask, [(255, 255, 255), (0, 0, 0), (10, 20, 30)])
    np.testing.assert_array_equal(laid[mask == 1], photo[mask == 1])
    np.testing.assert_array_equal(laid[mask == 0], photo[mask == 0] // 2 + 127)
    np.testing.assert_array_equal(laid[mask == 2], photo[mask == 2] // 2 + np.array([5, 10, 15], np.uint8))


@pytest.mark.parametrize("count", [1, 5, 30, 255])
def test_a_legend_shows_every_class(count: int) -> None:
    colours = [(i, 255 - i, (7 * i) % 256) for i in range(1, count)]
    legend = draw_legend([f"class {i}" for i in range(count)], [(0, 0, 0), *colours])
    assert legend.shape[0] < 1200
    shown = {tuple(pixel) for pixel in np.unique(legend[:, ::20].reshape(-1, 3), axis=0).tolist()}
    assert shown >= {(0, 0, 0), *colours}
    assert (legend[:5] == 255).all()
    assert (legend[:, -5:] == 255).all()  # no name is cut off


def test_a_picture_comes_back_from_its_bytes() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(photo)))), photo)


def test_photos_are_fitted_to_the_network() -> None:
    photo = np.zeros((40, 90, 3), np.uint8)
    photo[:, 30:60] = (200, 100, 0)
    assert center_crop_resize(photo, (20, 10, 3)).shape == (20, 10, 3)
    assert (center_crop_resize(photo, (20, 10, 3)) == (200, 100, 0)).all()  # the middle
    assert center_crop_resize(photo[:, 30:60], (28, 28, 1)).shape == (28, 28, 1)
    assert (center_crop_resize(photo[:, 30:60], (28, 28, 1)) == 118).all()  # 0.299 red + 0.587 green + 0.114 blue
    assert center_crop_resize(photo[:1, :1], (28, 28, 3)).shape == (28, 28, 3)
    assert center_crop_resize(photo[:1], (28, 28, 3)).shape == (28, 28, 3)
    assert resize_max_side(photo, 3, 45).shape == (20, 45, 3)
    assert resize_max_side(photo, 1, 45).shape == (20, 45, 1)
    assert resize_max_side(photo[:1], 3, 45).shape == (1, 45, 3)
    np.testing.assert_array_equal(resize_max_side(photo, 3, 90), photo)
    np.testing.assert_array_equal(resize_max_side(photo, 3, 0), photo)
