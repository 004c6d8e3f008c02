import numpy as np
import pytest

from helpers import refusal
from seamline.buildings.roles import ROLES, find_roles


def test_roles_by_name() -> None:
    names = ("sky", "Wall", "window", "balcony_fence", "shop", "door", "cornice", "tree", "car")
    roles = find_roles(names)
    assert roles.roles == ("other", "facade", "window", "balcony", "shop", "door", "pillar", "hidden", "hidden")
    assert roles.by_class["Wall"] == "facade"


def test_the_users_choice_comes_first() -> None:
    roles = find_roles(("a", "b", "window"), {"facade": "a", "window": "b"})
    assert roles.by_class == {"a": "facade", "b": "window", "window": "window"}
    assert find_roles(("wall", "window", "tree"), {"other": "tree"}).by_class["tree"] == "other"


def test_probabilities_of_one_role_add_up() -> None:
    roles = find_roles(("tree", "facade", "car", "window"))
    probabilities = np.array([0.1, 0.2, 0.3, 0.4], np.float32).reshape(4, 1, 1) * np.ones((1, 2, 3), np.float32)
    merged = roles.merge(probabilities)
    assert merged.shape == (8, 2, 3)
    sums = dict(zip(ROLES, merged[:, 0, 0], strict=True))
    assert sums["hidden"] == pytest.approx(0.4)
    assert sums["facade"] == pytest.approx(0.2)
    assert sums["window"] == pytest.approx(0.4)
    np.testing.assert_allclose(merged.sum(0), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"glass": "window"}, ["--roles glass=window: no such role", "facade"]),
        ({"window": "glass"}, ["--roles window=glass: no such class", "sky"]),
    ],
)
def test_a_role_or_class_that_is_not_there(chosen: dict[str, str], expected: list[str]) -> None:
    line = refusal(lambda: find_roles(("sky", "wall", "window"), chosen))
    for part in expected:
        assert part in line


@pytest.mark.parametrize(("names", "needed"), [(("sky", "window"), "facade"), (("sky", "wall"), "window")])
def test_a_model_without_the_classes_is_refused(names: tuple[str, ...], needed: str) -> None:
    line = refusal(lambda: find_roles(names))
    assert f"no class of the model is {needed} by its name (sky, " in line
    assert f"--roles {needed}=CLASS" in line
