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

from seamline.errors import require_extra
from seamline.threads import limit_spinning

if TYPE_CHECKING:
    from seamline.api.data import inspect
    from seamline.api.measuring import Measures, measure
    from seamline.api.run import Run
    from seamline.api.suggesting import suggest
    from seamline.api.sweep import Sweep, sweep
    from seamline.api.sweep_plan import SweepOptions
    from seamline.api.training import evaluate, train
    from seamline.api.use import compare, export, export_web, predict, verify
    from seamline.buildings.options import MeasureOptions
    from seamline.data.dataset import Dataset, Split
    from seamline.data.prepare import load_dataset
    from seamline.errors import SeamlineError, TrainingInterrupted
    from seamline.inference.prediction import Prediction
    from seamline.inference.predictor import Predictor, load_model
    from seamline.report.page import write_report
    from seamline.study.reproduce import reproduce
    from seamline.training.config import TrainConfig
    from seamline.training.plan import RunOptions

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "MeasureOptions",
    "Measures",
    "Prediction",
    "Predictor",
    "Run",
    "RunOptions",
    "SeamlineError",
    "Split",
    "Sweep",
    "SweepOptions",
    "TrainConfig",
    "TrainingInterrupted",
    "__version__",
    "compare",
    "evaluate",
    "export",
    "export_web",
    "inspect",
    "load_dataset",
    "load_model",
    "measure",
    "predict",
    "reproduce",
    "suggest",
    "sweep",
    "train",
    "verify",
    "write_report",
]

_HOMES = {
    "Dataset": "seamline.data.dataset",
    "MeasureOptions": "seamline.buildings.options",
    "Measures": "seamline.api.measuring",
    "Prediction": "seamline.inference.prediction",
    "Predictor": "seamline.inference.predictor",
    "Run": "seamline.api.run",
    "RunOptions": "seamline.training.plan",
    "SeamlineError": "seamline.errors",
    "Split": "seamline.data.dataset",
    "Sweep": "seamline.api.sweep",
    "SweepOptions": "seamline.api.sweep_plan",
    "TrainConfig": "seamline.training.config",
    "TrainingInterrupted": "seamline.errors",
    "compare": "seamline.api.use",
    "evaluate": "seamline.api.training",
    "export": "seamline.api.use",
    "export_web": "seamline.api.use",
    "inspect": "seamline.api.data",
    "load_dataset": "seamline.data.prepare",
    "load_model": "seamline.inference.predictor",
    "measure": "seamline.api.measuring",
    "predict": "seamline.api.use",
    "reproduce": "seamline.study.reproduce",
    "suggest": "seamline.api.suggesting",
    "sweep": "seamline.api.sweep",
    "train": "seamline.api.training",
    "verify": "seamline.api.use",
    "write_report": "seamline.report.page",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562).

    Raises:
        SeamlineError: it needs PyTorch, which is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'seamline' has no attribute {name!r}")
    limit_spinning()  # takes effect if the module below imports PyTorch
    with require_extra(name, "train"):
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
