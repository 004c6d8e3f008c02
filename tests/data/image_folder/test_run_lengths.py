"""Run-length encoded masks, with values computed by hand."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from seamline.data.image_folder.run_lengths import coco_runs, decode_coco_counts, decode_runs, encode_runs


def test_coco_counts_are_decoded() -> None:
    assert decode_coco_counts("121") == [1, 2, 1]
    # 40 is X1; the fourth number is 3 above the second; 5 is 35 below 40, mN
    assert decode_coco_counts("61X13mN000`0") == [6, 1, 40, 4, 5, 4, 5, 4, 21]


def test_runs_go_down_the_columns() -> None:
    runs = coco_runs("cell", {"size": [2, 3], "counts": [1, 2, 3]})
    assert (runs.label, decode_runs(runs, 2, 3, "x").tolist()) == ("cell", [[0, 255, 0], [255, 0, 0]])
    assert decode_runs(coco_runs("cell", {"size": [2, 3], "counts": "123"}), 2, 3, "x").sum() == 510


@pytest.mark.parametrize(
    "segmentation",
    [
        {},
        {"size": [2, 3]},
        {"size": [2, 3], "counts": [1, 2]},
        {"size": [2, 3], "counts": [-1, 7]},
        {"size": [2], "counts": [2]},
        {"size": [2, 3], "counts": "X"},
        {"size": [2, 3], "counts": "é"},
        {"size": [2, 3], "counts": "o" * 100},
        {"size": [2.5, 3], "counts": [6]},
        {"size": [0, 3], "counts": []},
    ],
)
def test_invalid_runs_are_refused(segmentation: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"run|character"):
        coco_runs("cell", segmentation)


@given(st.text())
def test_any_string_is_decoded_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert all(isinstance(count, int) for count in decode_coco_counts(text))


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2)))
def test_a_region_survives_encoding(region: NDArray[np.bool_]) -> None:
    height, width = region.shape
    assert np.array_equal(decode_runs(encode_runs("x", region), height, width, "x") == 255, region)
