"""Seamline trains image classifiers and semantic segmenters, and shows on one page what they learned.

    import seamline

    run = seamline.train("synthetic-facades", out="runs/mine")
    page = seamline.write_report(run)
    seamline.predict(run, ["photo.jpg"], out="masks")

The names below are resolved on first use, so that `import seamline` is quick.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seamline.api import audit, evaluate, export, predict, train
    from seamline.data.dataset import Dataset, Split
    from seamline.data.registry import load
    from seamline.errors import SeamlineError
    from seamline.inference.predictor import load_model
    from seamline.report.page import write_report
    from seamline.study.reproduce import reproduce
    from seamline.training.config import TrainConfig

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "SeamlineError",
    "Split",
    "TrainConfig",
    "__version__",
    "audit",
    "evaluate",
    "export",
    "load",
    "load_model",
    "predict",
    "reproduce",
    "train",
    "write_report",
]

_HOMES = {
    "Dataset": "seamline.data.dataset",
    "TrainConfig": "seamline.training.config",
    "Split": "seamline.data.dataset",
    "SeamlineError": "seamline.errors",
    "audit": "seamline.api",
    "evaluate": "seamline.api",
    "export": "seamline.api",
    "load": "seamline.data.registry",
    "load_model": "seamline.inference.predictor",
    "predict": "seamline.api",
    "reproduce": "seamline.study.reproduce",
    "train": "seamline.api",
    "write_report": "seamline.report.page",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seamline' has no attribute {name!r}")
    if name in ("load", "train"):
        import_module("seamline.study.reference_results").fill_registry()
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps the functions `export` and `report` when the packages of the same names are imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
