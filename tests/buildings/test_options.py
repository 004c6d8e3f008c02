import math

import pytest

from helpers import refusal
from seamline.buildings.options import MeasureOptions


@pytest.mark.parametrize("value", [0, -3.0, math.nan, math.inf])
@pytest.mark.parametrize(
    ("field", "option"),
    [("height_m", "--height"), ("storey_height_m", "--storey-height"), ("pixel_size_m", "--pixel-size")],
)
def test_a_scale_is_a_positive_number(field: str, option: str, value: float) -> None:
    line = refusal(lambda: MeasureOptions(**{field: value}))
    assert line == f"{option} {value:g}: must be above 0; give it in meters"


def test_one_scale_is_enough() -> None:
    line = refusal(lambda: MeasureOptions(height_m=12, pixel_size_m=0.01))
    assert line == "--height and --pixel-size: each gives a scale; use one of them"


@pytest.mark.parametrize("azimuth", [-1, 360, math.nan])
def test_an_azimuth_is_of_the_compass(azimuth: float) -> None:
    assert f"--azimuth {azimuth:g}: must be from 0" in refusal(lambda: MeasureOptions(azimuth=azimuth))
    assert MeasureOptions(azimuth=0).azimuth == 0
