"""Settings of a sweep: what a user writes, and what is drawn."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import refusal
from seamline.training.search_space import (
    Choices,
    Range,
    axes_of,
    draw_settings,
    grid,
    parse_seeds,
    parse_setting,
    parse_vary,
    setting_name,
)


def test_values_and_ranges_are_parsed_as_their_fields_take_them() -> None:
    axes = parse_vary(["lr=0.01,1e-3", "hflip=true,false", "class_weights=none,1/1/5,balanced", "epochs=int:2..8"])
    assert axes == (
        Choices("lr", (0.01, 0.001)),
        Choices("hflip", (True, False)),
        Choices("class_weights", (None, (1.0, 1.0, 5.0), "balanced")),
        Range("epochs", "int", 2, 8),
    )
    assert parse_vary([f"{axis.field}={axis.text}" for axis in axes]) == axes
    (wide,) = parse_vary(["batch_size=int:1..999999"])
    assert wide.text == "int:1..999999"
    (narrow,) = parse_vary(["lr=log:0.00012345678..1"])
    assert narrow.text == "log:0.00012345678..1"
    assert parse_vary(["model=timm/resnet18,cnn"]) == (Choices("model", ("timm/resnet18", "cnn")),)


def test_a_mapping_gives_the_same_axes() -> None:
    texts = ["lr=log:1e-4..1e-2", "class_weights=none,1/1/5", "hflip=true,false"]
    values = {"lr": "log:1e-4..1e-2", "class_weights": [None, (1, 1, 5)], "hflip": (True, False)}
    assert axes_of(values) == parse_vary(texts)
    assert refusal(lambda: axes_of({"lr": 3})) == "vary: lr takes a list of values or a text, got 3"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("lr", "write it as FIELD=VALUES"),
        ("learning_rate=1", "did you mean 'lr'?"),
        ("lr=", "has an empty value"),
        ("lr=1,,2", "has an empty value"),
        ("lr=1,2,1.0", "1.0 is repeated"),
        ("lr=0.10,0.1", "0.1 is repeated"),
        ("lr=1e-1,0.1", "0.1 is repeated"),
        ("lr=high", "lr takes a number, got 'high'"),
        ("lr=1..2", "write a range as float:LOW..HIGH"),
        ("lr=log:1", "write the range as LOW..HIGH"),
        ("lr=log:2..1", "the range is empty"),
        ("lr=log:0..1", "starts above 0"),
        ("lr=float:0..inf", "write the range as LOW..HIGH"),
        ("batch_size=float:1..8", "write int:1..8"),
        ("epochs=int:1.5..8", "are whole numbers"),
        ("model=log:1..2", "model is no number"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(text: str, answer: str) -> None:
    line = refusal(lambda: parse_vary([text]))
    assert line.startswith("--vary ")
    assert answer in line


def test_a_field_is_varied_once() -> None:
    assert "lr is varied twice" in refusal(lambda: parse_vary(["lr=1", "lr=2"]))


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", (0,)), ("0-4", (0, 1, 2, 3, 4)), ("3,0..1,9", (3, 0, 1, 9)), (" 2 - 3 ", (2, 3))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("4-0", "4-0 is backwards; write 0-4"),
        ("0-2,1", "1 is given twice"),
        ("a", "a is no seed"),
        ("1,", "an empty part is no seed"),
        ("-1", "-1 is no seed"),
        ("0-5000", "more than 1,000 seeds"),
    ],
)
def test_seeds_that_are_none(text: str, answer: str) -> None:
    assert answer in refusal(lambda: parse_seeds(text))


@given(st.lists(st.integers(0, 10**17), min_size=1, max_size=8, unique=True))
def test_seeds_of_any_list_come_back(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)


def test_a_grid_has_all_combinations() -> None:
    axes = parse_vary(["lr=1,2", "epochs=3,4,5"])
    expected = [{"lr": lr, "epochs": epochs} for lr, epochs in itertools.product((1, 2), (3, 4, 5))]
    assert grid(axes) == expected
    assert grid(()) == [{}]
    assert "draw from it with --random N" in refusal(lambda: grid(parse_vary(["lr=float:1..2"])))
    wide = parse_vary([f"{name}={','.join(map(str, range(1, 201)))}" for name in ("epochs", "batch_size")])
    assert "40,000 combinations are too many" in refusal(lambda: grid(wide))


def test_draws_are_inside_their_ranges_and_grow_with_more_trials() -> None:
    axes = parse_vary(["lr=log:1e-4..1e-2", "batch_size=int:4..6", "warmup=float:0.1..0.3", "hflip=true,false"])
    few, many = draw_settings(axes, 20, seed=3), draw_settings(axes, 300, seed=3)
    assert many[:20] == few
    assert draw_settings(axes, 20, seed=4) != few
    assert all(1e-4 <= one["lr"] <= 1e-2 and 0.1 <= one["warmup"] <= 0.3 for one in many)
    assert {one["batch_size"] for one in many} == {4, 5, 6}
    narrow = draw_settings(parse_vary(["warmup=float:0.1..0.10049"]), 6, seed=0)
    assert max(one["warmup"] for one in narrow) == 0.10049  # not 0.1005
    below = sum(one["lr"] < 1e-3 for one in many)  # half of them in the logarithm, an eleventh on a linear scale
    assert abs(below - 150) < 4 * math.sqrt(75)


def test_settings_are_not_drawn_twice() -> None:
    axes = parse_vary(["hflip=true,false", "batch_size=int:1..2"])
    assert sorted(setting_name(one) for one in draw_settings(axes, 4, seed=0)) == [
        "hflip=false batch_size=1",
        "hflip=false batch_size=2",
        "hflip=true batch_size=1",
        "hflip=true batch_size=2",
    ]
    assert "only 4 different settings" in refusal(lambda: draw_settings(axes, 5, seed=0))
    assert "nothing is varied" in refusal(lambda: draw_settings((), 5, seed=0))
    assert "must be 1 to" in refusal(lambda: draw_settings(axes, 0, seed=0))


def test_a_setting_is_read_as_it_is_named() -> None:
    fields = {"lr": 0.01, "hflip": True, "epochs": 4, "class_weights": (1.0, 1.0, 4.0), "model": "timm/resnet18"}
    assert parse_setting(setting_name(fields)) == fields
    assert parse_setting("class_weights=1,1,4") == {"class_weights": (1.0, 1.0, 4.0)}
    assert parse_setting(setting_name({})) == {}
    assert "--setting: is empty" in refusal(lambda: parse_setting(" "))
    assert refusal(lambda: parse_setting("epocks=3")).startswith("--setting epocks=3: unknown field")
