"""A finished run, as `train` and `evaluate` return it."""

from dataclasses import dataclass
from html import escape
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Unpack

import msgspec

from seamline.inference.predictor import LoadOptions, Predictor, load_model
from seamline.report.run_data import read_run
from seamline.report.summary import key_metrics
from seamline.run_folder import Finding, Metrics, RunFolder, RunInfo

MAX_FINDINGS = 3
"""Findings that a notebook shows."""


@dataclass(frozen=True)
class Run:
    """A finished run. In a notebook it shows its key metrics and findings.

    Attributes:
        path: the run folder.
    """

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def folder(self) -> RunFolder:
        """The files of the run."""
        return RunFolder(self.path)

    @property
    def info(self) -> RunInfo:
        """How it was trained."""
        return self.folder.info.read()

    @property
    def metrics(self) -> Metrics:
        """Metrics of the training, validation and test images, each an `Estimate` with its 95 % interval."""
        return self.folder.metrics.read()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the metrics show, the most important first."""
        return self.folder.findings.read()

    @property
    def history(self) -> Any:
        """The epochs: a pandas DataFrame where pandas is installed, else a list of dicts."""
        epochs = [msgspec.structs.asdict(epoch) for epoch in self.folder.history.read()]
        return import_module("pandas").DataFrame(epochs) if find_spec("pandas") else epochs

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder.report_file

    def predictor(self, **options: Unpack[LoadOptions]) -> Predictor:
        """Load the model.

        Args:
            **options: `backend`, `device` and `threads`; see `load_model`.

        Returns:
            The predictor.
        """
        return load_model(self.path, **options)

    def _repr_html_(self) -> str:
        data = read_run(self.path)
        rows = "".join(
            f"<tr><th>{escape(metric.name)}</th><td>{escape(metric.value)}</td><td>{escape(metric.interval)}</td>"
            f"<td>{escape(metric.of)}</td></tr>"
            for metric in key_metrics(data)
        )
        findings = "".join(f"<li>{escape(finding.sentence)}</li>" for finding in data.findings[:MAX_FINDINGS])
        title = f"{data.info.dataset.title}: {data.info.preset}, {data.info.model.name}"
        notice = f"<p>{escape(data.info.notice)}</p>" if data.info.notice else ""
        return (
            f"<div><p><b>{escape(title)}</b></p>{notice}<table>{rows}</table><ul>{findings}</ul>"
            f"<p><code>{escape(str(self.report))}</code></p></div>"
        )
