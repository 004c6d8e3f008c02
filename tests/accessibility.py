"""axe-core in a page of a test."""

from typing import Any

import pytest


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong on a page: the rule and the first element of each; empty where it is right."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    return [
        f"{one['id']}: {len(one['nodes'])}, such as {one['nodes'][0]['html'][:200]}"
        for one in axe.Axe().run(page).response["violations"]
    ]
