import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import seamline


def test_the_public_names() -> None:
    assert seamline.__all__ == [
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
    assert dir(seamline) == sorted(seamline.__all__)
    for name in seamline.__all__:
        assert getattr(seamline, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(seamline, "fit")


@pytest.mark.parametrize("command", ["--help", "train --help", "list", "list --json", "inspect images"])
def test_a_command_that_computes_nothing_imports_no_backend(command: str, tmp_path: Path) -> None:
    for index in range(4):
        file = tmp_path / "images" / "ab"[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (60 * index, 0, 0)).save(file)
    script = (
        "import sys, seamline.cli\n"
        f"seamline.cli.app({command.split()!r}, standalone_mode=False)\n"
        "sys.exit('torch' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    environment = {**os.environ, "SEAMLINE_CACHE": str(tmp_path / "cache")}
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout


def test_functions_stay_when_packages_of_their_names_are_imported() -> None:
    script = (
        "import seamline.report.page, seamline.export.verify, seamline\n"
        "print(*(type(one).__name__ for one in (seamline.write_report, seamline.export, seamline.train)))"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == "function function function\n"


@pytest.mark.parametrize("command", ["--help", "list"])
def test_a_command_that_only_prints_imports_no_large_package(command: str) -> None:
    script = (
        "import atexit, sys\n"
        "large = {'torch', 'onnxruntime', 'matplotlib', 'jinja2', 'fastapi', 'ray'}\n"
        "atexit.register(lambda: print(*sorted(large & sys.modules.keys()), file=sys.stderr))\n"
        f"sys.argv[1:] = ['{command}']\n"
        "from seamline.__main__ import main; main()"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout
    assert run.stderr == "\n"


def test_prediction_reports_and_the_server_import_no_torch() -> None:
    modules = "seamline.report.page, seamline.report.compare_page, seamline.serve.server"
    names = "seamline.measure, seamline.predict, seamline.load_model"
    script = f"import sys, seamline, {modules}; {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
