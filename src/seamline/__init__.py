"""Seamline trains image classifiers and semantic segmenters, and shows on one page what they learned.

    import seamline

    run = seamline.train("synthetic-facades", out="runs/mine")
    page = seamline.report(run)
    seamline.predict(run, ["photo.jpg"], out="masks")

The names below are resolved on first use, so that `import seamline` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seamline.api import audit, evaluate, export, report, train
    from seamline.data.dataset import Dataset, Split
    from seamline.data.registry import load
    from seamline.errors import SeamlineError
    from seamline.inference.predict import predict
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
    "predict",
    "report",
    "reproduce",
    "train",
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
    "predict": "seamline.inference.predict",
    "report": "seamline.api",
    "reproduce": "seamline.study.reproduce",
    "train": "seamline.api",
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
