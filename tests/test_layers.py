"""The folder listing is the pipeline: a stage imports only itself and the stages before it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import seamline

ROOT = Path(seamline.__file__).parent
STAGES = ("data", "learn", "measure", "report", "ship")
LEAVES = ("console",)
"""Modules beside the stages that import no stage."""
FILES = sorted(ROOT.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Every `seamline` module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "seamline")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide which stage is meant"
            if node.module and node.module.split(".")[0] == "seamline":
                names = [alias.name for alias in node.names]
                yield from ([f"seamline.{name}" for name in names] if node.module == "seamline" else [node.module])


def test_the_stages_are_the_folders_in_alphabetical_order() -> None:
    folders = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__")
    assert folders == sorted(STAGES)
    assert list(STAGES) == sorted(STAGES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_stage_imports_only_what_comes_before_it(file: Path) -> None:
    stage = file.relative_to(ROOT).parts[0]
    for name in imports(file):
        parts = name.split(".")
        home = parts[1] if len(parts) > 1 else ""
        if stage in STAGES:
            assert home in STAGES[: STAGES.index(stage) + 1], f"{file} imports {name}"
        elif stage.removesuffix(".py") in LEAVES:
            assert home not in STAGES, f"{file} imports {name}"


@pytest.mark.parametrize("stage", ["data", "report"])
def test_reading_and_reporting_need_no_torch(stage: str) -> None:
    batches = {"augment.py", "batches.py"}  # these make tensors
    for file in (ROOT / stage).rglob("*.py"):
        if file.name not in batches:
            names = [
                name
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            ]
            assert "torch" not in {name.split(".")[0] for name in names}, file
