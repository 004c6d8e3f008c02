"""The oldest supported versions are those that `make test-minimum` installs."""

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)")


def test_each_lower_bound_is_the_version_of_the_minimum_constraints() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds: dict[str, str] = {}
    for requirement in {*project["dependencies"], *chain(*project["optional-dependencies"].values())}:
        if requirement.startswith("seamline["):  # another extra
            continue
        match = REQUIREMENT.fullmatch(requirement)
        assert match, f"{requirement} has no lower bound"
        assert bounds.setdefault(match[1], match[2]) == match[2], f"{match[1]} has two lower bounds"
    lines = (ROOT / "constraints-minimum.txt").read_text().splitlines()
    versions = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert versions.keys() == bounds.keys()
    for name, version in versions.items():
        assert f"{version}.".startswith(f"{bounds[name]}."), f"{name}: {version} is not {bounds[name]}"
