"""What the classes of a model mean for measuring a building."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seamline.data.class_map.apply import list_choices
from seamline.errors import SeamlineError

Role = Literal["other", "facade", "window", "balcony", "shop", "door", "pillar", "hidden"]
ROLES: tuple[Role, ...] = get_args(Role)
"""The roles, in the order of `Roles.merge`; `hidden` is what stands in front of buildings."""

BUILDING: tuple[Role, ...] = ("facade", "window", "balcony", "shop", "door", "pillar")
"""The roles that are part of a building."""

NAMES: dict[Role, tuple[str, ...]] = {
    "facade": ("facade", "wall", "building", "house"),
    "window": ("window", "windows", "glass", "glazing"),
    "balcony": ("balcony", "balconies", "balcony-fence"),
    "shop": ("shop", "shops", "storefront", "shop window"),
    "door": ("door", "doors", "entrance", "gate"),
    "pillar": ("pillar", "pillars", "column", "cornice", "sill", "molding", "deco", "blind"),
    "hidden": ("vegetation", "tree", "trees", "vehicle", "vehicles", "car", "cars", "person", "people", "obstacle"),
}
"""Role -> names of classes that have it, in lower case."""


@dataclass(frozen=True)
class Roles:
    """The role of each class of a model."""

    classes: tuple[str, ...]  # K class names
    roles: tuple[Role, ...]  # K roles

    @property
    def by_class(self) -> dict[str, str]:
        """Class -> role."""
        return dict(zip(self.classes, self.roles, strict=True))

    def merge(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add up the probabilities of classes of one role: (K, H, W) -> (8, H, W) float32, in the order of `ROLES`."""
        merged = np.zeros((len(ROLES), *probabilities.shape[1:]), np.float32)
        for role, of_class in zip(self.roles, probabilities, strict=True):
            merged[ROLES.index(role)] += of_class
        return merged


def find_roles(classes: Sequence[str], chosen: Mapping[str, str] | None = None) -> Roles:
    """Find the roles of classes by their names; a class of no known name is `other`.

    Args:
        classes: K class names.
        chosen: role -> class, the user's choice, which comes first: `{"window": "glass"}`. Another class that has the
            role by its name keeps it.

    Raises:
        SeamlineError: there is no such role or class, a class has two roles, or no class is facade or window.
    """
    roles = {name: _role_by_name(name) for name in classes}
    chosen = chosen or {}
    for role, name in chosen.items():
        if role not in ROLES:
            raise SeamlineError(f"--roles {role}={name}: no such role; {list_choices('roles', ROLES)}")
        if name not in roles:
            raise SeamlineError(f"--roles {role}={name}: no such class; {list_choices('classes', classes)}")
        if len(several := [other for other in chosen if chosen[other] == name]) > 1:
            raise SeamlineError(f"--roles: {name} has two roles, {several[0]} and {several[1]}; give it one")
        roles[name] = next(known for known in ROLES if known == role)
    for needed in ("facade", "window"):
        if needed not in roles.values():
            raise SeamlineError(
                f"no class of the model is {needed} by its name ({', '.join(classes)}); say which with "
                f"--roles {needed}=CLASS, or use a model that has it"
            )
    return Roles(tuple(classes), tuple(roles[name] for name in classes))


def _role_by_name(name: str) -> Role:
    """Return the role that a class has by its name."""
    plain = name.strip().lower().replace("_", "-")
    return next((role for role, names in NAMES.items() if plain in names), "other")
