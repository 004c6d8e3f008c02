import base64
import io

import numpy as np
import pytest
from PIL import Image

from report.factories import PALETTE
from seamline.report.images import errors_uri, faint_uri, mask_uri, photo_uri, sprite_uri, wrong_pixels
from seamline.report.palette import IGNORED, OKABE_ITO, colorblind_palette, hex_color, png_palette_text


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def many(count: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((i, 255 - i, (7 * i) % 256) for i in range(count))


def test_color_blind_palettes_stay_close_to_the_own_one_and_differ() -> None:
    black, blue, yellow, vermilion, purple = (hex_color(color) for color in colorblind_palette(PALETTE))
    assert (black, blue, yellow, vermilion, purple) == ("#000000", "#0072b2", "#f0e442", "#d55e00", "#cc79a7")
    assert colorblind_palette(()) == ()
    assert set(colorblind_palette(many(8))) == set(OKABE_ITO)
    assert len(set(colorblind_palette(many(20)))) == 20


@pytest.mark.parametrize("classes", [1, 2, 5, 15, 16, 40, 255])
def test_a_mask_has_its_palette_as_a_text_that_can_be_swapped(classes: int) -> None:
    own = many(classes)
    mask = np.arange(classes * 20, dtype=np.int64).reshape(20, -1) % classes
    mask[0, 0] = 255
    uri = mask_uri(mask.astype(np.uint8), own)
    assert uri.count(png_palette_text(own)) == 1
    swapped = opened(uri.replace(png_palette_text(own), png_palette_text(colorblind_palette(own))))
    shown = np.asarray(swapped.convert("RGB"))
    expected = np.array([*colorblind_palette(own), IGNORED])[np.minimum(mask, classes)]
    np.testing.assert_array_equal(shown, expected)


def test_errors_have_the_color_of_the_prediction_and_the_rest_is_transparent() -> None:
    ground_truth = np.zeros((8, 8), np.uint8)
    prediction = ground_truth.copy()
    prediction[:2], prediction[2, :3] = 1, 3
    ground_truth[0] = 255  # ignored, so it cannot be wrong
    uri = errors_uri(ground_truth, prediction, PALETTE)
    shown = np.asarray(opened(uri).convert("RGBA"))
    assert {tuple(pixel) for pixel in shown[1].tolist()} == {(*PALETTE[1], 255)}
    assert {tuple(pixel) for pixel in shown[2, :3].tolist()} == {(*PALETTE[3], 255)}
    assert not shown[0, :, 3].any()
    assert not shown[3:, :, 3].any()
    assert int(wrong_pixels(ground_truth, prediction, 5).sum()) == 11
    safe = np.asarray(opened(swapped(uri)).convert("RGBA"))
    assert tuple(safe[1, 0].tolist()) == (*colorblind_palette(PALETTE)[1], 255)
    assert np.array_equal(safe[..., 3], shown[..., 3])


def swapped(uri: str) -> str:
    return uri.replace(png_palette_text(PALETTE), png_palette_text(colorblind_palette(PALETTE)))


def test_the_photo_below_errors_is_faint_and_gray() -> None:
    photo = Image.fromarray(np.tile(np.arange(0, 256, 32, dtype=np.uint8).repeat(8), (64, 1)))
    shown = np.asarray(opened(faint_uri(photo, 32)))
    assert shown.shape == (32, 32)
    assert shown.min() > 180
    assert (np.diff(shown[16, 2::4].astype(int)) >= 0).all()


def test_a_large_sprite_in_color_is_a_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    assert sprite_uri(Image.fromarray(noise)).startswith("data:image/jpeg")
    assert sprite_uri(Image.fromarray(noise[:64])).startswith("data:image/png")
    assert sprite_uri(Image.fromarray(np.tile(noise[..., 0], (2, 2)))).startswith("data:image/png")


def test_a_photo_is_scaled_down_in_a_copy() -> None:
    photo = Image.new("L", (100, 40))
    uri = photo_uri(photo, 25)
    assert uri.startswith("data:image/jpeg")
    assert opened(uri).size == (25, 10)
    assert photo.size == (100, 40)
