"""The Python API: each function reads as its story."""

from seamline.api.data import inspect
from seamline.api.run import Run
from seamline.api.training import evaluate, plan, train
from seamline.api.use import compare, export, predict

__all__ = ["Run", "compare", "evaluate", "export", "inspect", "plan", "predict", "train"]
