import subprocess
import sys

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
        "assert CliRunner().invoke(seamline.cli.app, ['list']).exit_code == 0\n"
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
