"""Seamline trains image classifiers and semantic segmenters, and shows on one page what they learned.

    import seamline

    run = seamline.train("builtin-facades", out="runs/mine")
    page = seamline.report(run)
    seamline.predict(run, ["photo.jpg"], out="masks")

The names below are resolved on first use, so that `import seamline` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seamline.data.catalogue import load
    from seamline.data.dataset import Dataset, Split
    from seamline.data.errors import UserError
    from seamline.learn.recipes import Recipe
    from seamline.pipeline import audit, evaluate, export, report, train
    from seamline.ship.predict import predict
    from seamline.studies import reproduce

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Recipe",
    "Split",
    "UserError",
    "__version__",
    "audit",
    "evaluate",
    "export",
    "load",
    "predict",
    "report",
    "reproduce",
    "train",
]

_HOMES = {
    "Dataset": "seamline.data.dataset",
    "Recipe": "seamline.learn.recipes",
    "Split": "seamline.data.dataset",
    "UserError": "seamline.data.errors",
    "audit": "seamline.pipeline",
    "evaluate": "seamline.pipeline",
    "export": "seamline.pipeline",
    "load": "seamline.data.catalogue",
    "predict": "seamline.ship.predict",
    "report": "seamline.pipeline",
    "reproduce": "seamline.studies",
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
