"""Seamline trains image classifiers and shows on one page what they learned and where they fail.

    import seamline

    run = seamline.train("builtin-garments", out="runs/mine")
    page = seamline.report(run)

The names below are resolved on first use, so that `import seamline` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seamline.data.catalogue import load
    from seamline.data.dataset import Dataset, Split
    from seamline.data.errors import UserError
    from seamline.learn.recipes import Recipe
    from seamline.pipeline import evaluate, report, reproduce, train

__version__ = "0.1.0"

__all__ = ["Dataset", "Recipe", "Split", "UserError", "__version__", "evaluate", "load", "report", "reproduce", "train"]

_HOMES = {
    "Dataset": "seamline.data.dataset",
    "Recipe": "seamline.learn.recipes",
    "Split": "seamline.data.dataset",
    "UserError": "seamline.data.errors",
    "evaluate": "seamline.pipeline",
    "load": "seamline.data.catalogue",
    "report": "seamline.pipeline",
    "reproduce": "seamline.pipeline",
    "train": "seamline.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seamline' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
