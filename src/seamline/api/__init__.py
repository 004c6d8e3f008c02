"""The Python API: each function reads as its story.

The names are imported on first use, because training imports PyTorch and prediction does not need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seamline.api.data import inspect
    from seamline.api.run import Run
    from seamline.api.training import evaluate, plan, train
    from seamline.api.use import compare, export, predict

__all__ = ["Run", "compare", "evaluate", "export", "inspect", "plan", "predict", "train"]

_HOMES = {
    "data": ("inspect",),
    "run": ("Run",),
    "training": ("evaluate", "plan", "train"),
    "use": ("compare", "export", "predict"),
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used (PEP 562)."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"seamline.api.{module}"), name)
    raise AttributeError(f"module 'seamline.api' has no attribute {name!r}")
