from typing import Any

import pytest

from seamline.data.shapes import COLOUR, COUNT, FIGURE, MEASURED, NUMBER, SIDE, TEXT, TRUTH, Each, Maybe, OrNull, misfit

SHAPE = {
    "name": TEXT,
    "sizes": [SIDE],
    "figure": FIGURE,
    "loss": OrNull(MEASURED),
    "share": Maybe(NUMBER),
    "of": Maybe(Each({"count": COUNT, "colour": COLOUR, "seen": TRUTH})),
}
FITS = {"name": "x", "sizes": [1, 2], "figure": {"value": 0.5, "low": None}, "loss": float("nan")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"figure": 3, "share": 1.5, "loss": None, "more": object()}, None),
        ({"figure": None, "share": None, "of": {"a": {"count": 0, "colour": [0, 1, 255], "seen": True}}}, None),
        ({"name": None}, "name is None, not a text"),
        ({"name": "x", "sizes": {}}, "sizes is an object, not a list"),
        ({"sizes": [1, 0]}, "sizes[1] is 0, not a whole number of 1 or more"),
        ({"sizes": [2.0]}, "sizes[0] is 2.0, not a whole number of 1 or more"),
        ({"figure": {"value": "x"}}, "figure.value is 'x', not a number"),
        ({"figure": "high"}, "figure is 'high', not a number"),
        ({"figure": [1, 2]}, "figure is a list of 2, not a number"),
        ({"share": float("inf")}, "share is inf, not a number"),
        ({"share": 1e300}, "share is 1e+300, not a number"),
        ({"share": True}, "share is True, not a number"),
        ({"loss": 10**400}, "loss is 1000000000000000000000000000000000000000…, not a number"),
        ({"of": {"a": {"count": -1}}}, "colour, seen not found in of.a"),
        ({"of": {"a": {"count": -1, "colour": [], "seen": 0}}}, "of.a.count is -1, not a whole number of 0 or more"),
        (
            {"of": {"a": {"count": 1, "colour": [0, 0, 256], "seen": True}}},
            "of.a.colour is a list of 3, not a colour of three numbers, 0 to 255",
        ),
    ],
)
def test_a_misfit_is_named_by_its_place(change: dict[str, Any], said: str | None) -> None:
    assert misfit(FITS | change, SHAPE) == said


def test_what_is_missing_is_named() -> None:
    assert misfit({}, SHAPE) == "name, sizes, figure, loss not found in it"
    assert misfit([], SHAPE) == "it is a list of 0, not an object"
