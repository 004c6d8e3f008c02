"""What `train` and `evaluate` print of a run."""

import re
from pathlib import Path

import numpy as np
import pytest

from report.factories import write_classification_run, write_segmentation_run
from seamline.api.run import Run
from seamline.cli.runs import print_runs
from seamline.run_folder import RunFolder


@pytest.mark.parametrize(
    ("write", "key", "title"),
    [(write_classification_run, "recall", "recall"), (write_segmentation_run, "ap", "AP")],
)
def test_the_worst_class_stands_beside_the_mean(
    write: object, key: str, title: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(write)
    write(tmp_path / "run")
    print_runs([Run(tmp_path / "run")], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    metrics = RunFolder(tmp_path / "run").metrics.read()
    for line, split in ((lines[0], metrics.val), (lines[1], metrics.held_out)):
        values = {name: one[key].value for name, one in split.per_class.items()}
        worst = min(values, key=lambda name: values[name])
        assert re.search(rf"lowest {title} [\d.]+ ?%? \([\d.]+ to [\d.]+\), of {worst}$", line), line
        assert values[worst] == np.nanmin(list(values.values()))
