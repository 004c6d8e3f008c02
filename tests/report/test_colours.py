import base64
import io

import numpy as np
import pytest
from PIL import Image

from report.made_masks import COLOURS
from seamline.report.colours import NOWHERE, SAFE, hexed, palette_text, safe_colours
from seamline.report.masks import errors_uri, mask_uri, photo_uri, shares_of, wrong_pixels


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def many(count: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((i, 255 - i, (7 * i) % 256) for i in range(count))


def test_safe_colours_stay_near_the_own_ones_and_differ() -> None:
    black, blue, yellow, vermilion, purple = (hexed(colour) for colour in safe_colours(COLOURS))
    assert (black, blue, yellow, vermilion, purple) == ("#000000", "#0072b2", "#f0e442", "#d55e00", "#cc79a7")
    assert safe_colours(()) == ()
    assert set(safe_colours(many(8))) == set(SAFE)
    assert len(set(safe_colours(many(20)))) == 20


@pytest.mark.parametrize("classes", [1, 2, 5, 15, 16, 40, 255])
def test_a_mask_holds_its_palette_as_a_text_that_can_be_swapped(classes: int) -> None:
    own = many(classes)
    mask = np.arange(classes * 20, dtype=np.int64).reshape(20, -1) % classes
    mask[0, 0] = 255
    uri = mask_uri(mask.astype(np.uint8), own)
    assert uri.count(palette_text(own)) == 1
    swapped = opened(uri.replace(palette_text(own), palette_text(safe_colours(own))))
    shown = np.asarray(swapped.convert("RGB"))
    expected = np.array([*safe_colours(own), NOWHERE])[np.minimum(mask, classes)]
    np.testing.assert_array_equal(shown, expected)


def test_errors_are_one_colour_and_the_rest_is_faint_grey() -> None:
    photo = Image.fromarray(np.tile(np.arange(0, 256, 32, dtype=np.uint8), (8, 1)))
    truth = np.zeros((8, 8), np.uint8)
    output = truth.copy()
    output[:2] = 1
    truth[0] = 255  # counts nowhere, so it cannot be wrong
    shown = np.asarray(opened(errors_uri(photo, truth, output, 2)).convert("RGB")).astype(int)
    grey = np.ptp(shown, axis=2) == 0
    assert grey[0].all()
    assert not grey[1].any()
    assert grey[2:].all()
    assert shown[2:].min() > 180
    assert (np.diff(shown[4, :, 0]) >= 0).all()
    assert int(wrong_pixels(truth, output, 2).sum()) == 8


def test_a_photo_shrinks_and_stays_as_it_was() -> None:
    photo = Image.new("L", (100, 40))
    uri = photo_uri(photo, 25)
    assert uri.startswith("data:image/jpeg")
    assert opened(uri).size == (25, 10)
    assert photo.size == (100, 40)


def test_shares_count_only_what_counts() -> None:
    assert shares_of(np.array([[0, 1, 1, 255]], np.uint8), 3).tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert shares_of(np.full((2, 2), 255, np.uint8), 2).tolist() == [0, 0]
