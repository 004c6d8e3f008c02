import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray

from measures_factories import (
    HOUSE_CORNERS,
    garage_front,
    house_front,
    house_photo,
    opening,
    rectangle,
    rectified_plane,
    yard_photo,
)
from seamline.buildings.picture import FRONT, NOT_COUNTED, WINDOW, draw_front, draw_fronts
from seamline.run_folder import Front, Interval

HEIGHT, WIDTH = 480, 640
WHOLE = ((0.0, 0.0), (float(WIDTH), 0.0), (float(WIDTH), float(HEIGHT)), (0.0, float(HEIGHT)))
BOX = (100, 100, 300, 250)


def bare_front(**changes: object) -> Front:
    """A front whose plane is the photo itself, with nothing on it."""
    plane = rectified_plane(WHOLE, WIDTH, HEIGHT)
    return structs.replace(Front(number=1, plane=plane, outline=WHOLE, wwr=Interval(0.0)), **changes)


def with_window(**changes: object) -> Front:
    front = bare_front()
    return structs.replace(front, openings=(opening(front.plane, "window", rectangle(BOX), **changes),))


def wall(shade: int) -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), shade, np.uint8)


def near(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a picture has about a color, (H, W) bool."""
    return np.asarray((np.abs(picture.astype(int) - color) < 30).all(2))


def test_a_plane_that_is_the_photo_shows_the_photo() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_front(photo, bare_front()), photo)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_a_photo_of_any_size_is_rectified_to_the_same_place(scale: float) -> None:
    photo = np.zeros((round(1200 * scale), round(1600 * scale), 3), np.uint8)
    photo[:, : round(440 * scale)] = 255
    front = bare_front(plane=rectified_plane(HOUSE_CORNERS, 800, 600))
    # The front is 600 pixels high at x = 200 and 480 at x = 800, so its distances there are as 480 to 600, and a
    # fraction u of its width lies at the fraction 600 u / (480 (1 - u) + 600 u) between; 0.4 at u = 192 / 552.
    row = draw_front(photo, front, scale)[300, :, 0]
    assert np.count_nonzero(row > 127) == pytest.approx(192 / 552 * 800, abs=0.5 + 0.5 / scale)


@pytest.mark.parametrize("shade", [0, 70, 128, 200, 255])
def test_lines_show_on_any_wall(shade: int) -> None:
    picture = draw_front(wall(shade), with_window()).astype(int)
    cut = np.abs(picture[175, 90:110] - shade).max(1)
    assert cut.max() > 80
    assert not np.abs(picture[175, 110:290] - shade).any()
    assert not np.abs(picture[175, :90] - shade).any()


def test_lines_lie_on_the_outline() -> None:
    blue = near(draw_front(wall(255), with_window()), WINDOW)
    rows, columns = np.nonzero(blue)
    box = (columns.min() + columns[rows == 175].min()) / 2, rows.min(), columns.max() + 1, rows.max() + 1
    np.testing.assert_allclose(box, BOX, atol=2)


def test_an_inferred_window_is_dashed() -> None:
    def painted(front: Front) -> float:
        picture = draw_front(wall(255), front)
        return float((picture[95:106, 110:290] < 200).any(2).any(0).mean())

    assert painted(with_window()) == 1
    assert 0.5 < painted(with_window(inferred=True, counted=False)) < 0.9


def test_a_window_that_totals_leave_out_is_gray() -> None:
    picture = draw_front(wall(100), with_window(counted=False))
    assert near(picture, NOT_COUNTED).sum() > 500
    assert not near(picture, WINDOW).any()


def test_kinds_differ_in_color() -> None:
    front = bare_front()
    pictures = [
        draw_front(
            wall(100),
            structs.replace(front, openings=(opening(front.plane, kind, rectangle(BOX), counted=kind == "window"),)),
        )
        for kind in ("window", "door", "shop")
    ]
    colors = {tuple(picture[175, 100].tolist()) for picture in pictures}
    assert len({*colors, NOT_COUNTED}) == 4


def test_each_storey_and_each_column_has_its_number_in_the_margin() -> None:
    front = house_front()
    picture = draw_front(np.full((1200, 1600, 3), 90, np.uint8), front)
    scale = 480 / 400  # the plane of 400 x 300 pixels is enlarged
    side, below = picture.shape[1] - 480, picture.shape[0] - 360
    assert side > 10
    assert below > 10
    numbers = np.asarray(picture[:, : side // 2].min(2).max(1) > 150)  # the lines between storeys start at its middle
    assert [bool(numbers[round(scale * y) - 15 : round(scale * y) + 15].any()) for y in (50, 150, 250)] == [True] * 3
    assert not any(numbers[round(scale * y) - 15 : round(scale * y) + 15].any() for y in (100, 200))
    numbers = np.asarray(picture[360:].min(2).max(0) > 150)
    middles = [side + round(scale * x) for x in (50, 140, 240, 350)]
    assert [bool(numbers[x - 10 : x + 10].any()) for x in middles] == [True] * 4
    assert not numbers[middles[1] + 20 : middles[2] - 20].any()


def test_fronts_are_outlined_and_numbered_over_a_copy() -> None:
    photo = np.full((1200, 1600, 3), 90, np.uint8)
    picture = draw_fronts(photo, house_photo().fronts)
    assert (photo == 90).all()
    yellow = near(picture, FRONT)
    for x, y in ((200, 500), (500, 230), (900, 550), (1200, 300), (1200, 800)):  # on the sides of both
        assert yellow[y - 4 : y + 5, x - 4 : x + 5].any()
    assert (picture[:150] == 90).all()
    assert (picture[:, 825:875] == 90).all()
    for left, top, right, bottom in ((220, 280, 780, 720), (920, 320, 1480, 780)):
        assert yellow[top:bottom, left:right].any()  # its number


def test_a_reduced_photo_has_the_outlines_at_the_same_place() -> None:
    full = near(draw_fronts(np.full((1200, 1600, 3), 90, np.uint8), house_photo().fronts), FRONT)
    half = near(draw_fronts(np.full((600, 800, 3), 90, np.uint8), house_photo().fronts, 0.5), FRONT)
    for points in (np.nonzero(full), 2 * np.array(np.nonzero(half))):
        np.testing.assert_allclose(np.min(points, 1), (200, 200), atol=5)
        np.testing.assert_allclose(np.max(points, 1), (800, 1500), atol=5)


@pytest.mark.parametrize(
    "front", [house_front(), garage_front(), yard_photo().fronts[0]], ids=["house", "garage", "yard"]
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3)])
def test_photos_of_any_shape_are_drawn(front: Front, shape: tuple[int, int]) -> None:
    photo = np.zeros((*shape, 3), np.uint8)
    assert draw_fronts(photo, [front]).shape == photo.shape
    picture = draw_front(photo, front)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3


@pytest.mark.parametrize(("width", "height"), [(1, 1), (100_000, 1), (1, 100_000), (5000, 4000)])
def test_a_plane_of_any_size_gives_a_picture_of_bounded_size(width: int, height: int) -> None:
    front = bare_front(plane=rectified_plane(WHOLE, width, height))
    picture = draw_front(wall(90), front)
    assert max(picture.shape) <= 1600
    assert max(picture.shape) >= 480
