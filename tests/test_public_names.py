import os
import subprocess
import sys

import pytest

import seamline


def test_the_public_names() -> None:
    assert seamline.__all__ == [
        "Dataset",
        "Prediction",
        "Predictor",
        "Run",
        "RunOptions",
        "SeamlineError",
        "Split",
        "TrainConfig",
        "TrainingInterrupted",
        "__version__",
        "compare",
        "evaluate",
        "export",
        "inspect",
        "load_dataset",
        "load_model",
        "predict",
        "reproduce",
        "train",
        "write_report",
    ]
    assert dir(seamline) == sorted(seamline.__all__)
    for name in seamline.__all__:
        assert getattr(seamline, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(seamline, "fit")


def test_importing_seamline_and_asking_for_help_import_no_torch() -> None:
    script = (
        "import sys, seamline, seamline.cli\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(seamline.cli.app, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(seamline.cli.app, ['train', '--help']).exit_code == 0\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_functions_stay_when_packages_of_their_names_are_imported() -> None:
    script = (
        "import seamline.report.page, seamline.export.verify, seamline\n"
        "print(*(type(one).__name__ for one in (seamline.write_report, seamline.export, seamline.train)))"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == "function function function\n"


@pytest.mark.skipif(sys.platform == "win32", reason="processor time of children is not known")
def test_help_takes_less_than_half_a_second() -> None:
    """Processor time, so that other work on the machine does not count; the fastest of three calls."""

    def seconds() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-m", "seamline", "--help"], check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(3)) < 0.5


def test_prediction_imports_no_torch() -> None:
    script = "import sys, seamline; seamline.predict, seamline.load_model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
