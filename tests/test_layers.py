"""Data flows one way: a package imports only itself and what stands below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import seamline

ROOT = Path(seamline.__file__).parent
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "io", "progress", "threads"),
    ("run_folder",),
    ("synthetic",),
    ("data",),
    ("models",),
    ("training", "inference"),
    ("evaluation",),
    ("buildings",),
    ("report",),
    ("export",),
    ("cluster", "serve"),
    ("web",),
    ("api",),
    ("study",),
    ("cli",),
    ("__main__", "__init__"),
)
"""Packages and modules of `seamline`, the lowest first; those of one layer do not import one another."""
EXCEPTIONS: set[tuple[str, str]] = set()
BOTTOM = LAYERS[0]
LAYER_OF = {name: index for index, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(ROOT.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Every `seamline` module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "seamline")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide which package is meant"
            if node.module and node.module.split(".")[0] == "seamline":
                names = [alias.name for alias in node.names]
                yield from ([f"seamline.{name}" for name in names] if node.module == "seamline" else [node.module])


def test_every_package_has_a_layer() -> None:
    names = {path.stem for path in ROOT.iterdir() if (path.is_dir() or path.suffix == ".py") and path.stem[:1] != "."}
    assert names - {"__pycache__", "py"} <= set(LAYER_OF)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_package_imports_only_what_stands_below_it(file: Path) -> None:
    path = file.relative_to(ROOT).as_posix()
    home = path.split("/")[0].removesuffix(".py")
    for name in imports(file):
        target = name.split(".")[1] if "." in name else "__init__"
        if target in (home, "__version__", "__init__") or (path, name) in EXCEPTIONS:
            continue
        below = LAYER_OF[target] < LAYER_OF[home] or (home in BOTTOM and target in BOTTOM)
        assert below, f"{path} imports {name}"


@pytest.mark.parametrize("package", ["run_folder", "synthetic", "data", "report"])
def test_reading_and_reporting_need_no_torch(package: str) -> None:
    tensors = {"transforms.py", "loader.py"}  # these make tensors
    for file in (ROOT / package).rglob("*.py"):
        if file.name not in tensors:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert "torch" not in {name.split(".")[0] for name in names}, file
