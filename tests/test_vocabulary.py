"""Names are the field's, and public functions say what they take: words that must not come back, and docstrings."""

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import seamline

ROOT = Path(seamline.__file__).parent
REPOSITORY = Path(__file__).parent.parent
FILES = sorted(ROOT.rglob("*.py"))
WORDS = {
    *("looks", "said", "told", "kept", "aside", "wish", "begun", "teller"),
    *("doctor", "oddities", "relatives", "readouts"),
}
"""Parts of identifiers, between underscores or capital letters, that must not come back."""
PHRASES = ("has been told", "not to be had", "cannot be had", "takes for", "taken for", "bring to", "brought to")
"""What docs, help and messages must not say."""
SHAPE = re.compile(r"\(\s*(\.\.\.|[A-Za-z0-9+*_ ]+)(,\s*[A-Za-z0-9+*./_ \[\]…-]*)*\)")
ARRAYS = ("NDArray", "Tensor", "ArrayLike", "ndarray")
DTYPE = re.compile(r"uint8|u?int(8|16|32|64)?|float(16|32|64)?|bool|integer|complex")


def parts_of(identifier: str) -> set[str]:
    """Split an identifier at underscores and capital letters."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Module-level functions and methods of module-level classes, those with a leading underscore left out."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for one in inner:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
                yield one


def arrays_without_shape(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The array and tensor arguments whose docstring line names no shape or, where the type does not, no dtype."""
    doc = ast.get_docstring(function) or ""
    missing = []
    for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]:
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        if not any(re.search(rf"\b{kind}\b", annotation) for kind in ARRAYS) or re.match(
            r"dict|Mapping|Callable", annotation
        ):
            continue
        entry = re.search(rf"^\s*{argument.arg}: (.*?)(?=^\s*\w+: |^\s*(Returns|Raises|Yields):|\Z)", doc, re.M | re.S)
        text = entry.group(1) if entry else doc
        typed = "np." in annotation or DTYPE.search(text)
        if not SHAPE.search(text) or not typed:
            missing.append(argument.arg)
    return missing


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_identifiers_are_the_words_of_the_field(file: Path) -> None:
    assert not parts_of(file.stem) & WORDS
    source = file.read_text(encoding="utf-8")
    assert not [f"{file}:{line}: {name}" for line, name in identifiers(source) if parts_of(name) & WORDS]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_functions_have_a_summary_and_arrays_a_shape(file: Path) -> None:
    for function in public_functions(ast.parse(file.read_text(encoding="utf-8"))):
        place = f"{file}:{function.lineno}: {function.name}"
        assert ast.get_docstring(function), place
        assert not (missing := arrays_without_shape(function)), f"{place}: no shape and dtype of {', '.join(missing)}"


def test_prose_is_plain() -> None:
    sources = [file for ending in ("py", "html", "js") for file in ROOT.rglob(f"*.{ending}")]
    texts = [*sources, *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "README.md"]
    found = [
        f"{file}: {phrase}"
        for file in texts
        for phrase in PHRASES
        if phrase in " ".join(file.read_text(encoding="utf-8").split())
    ]
    assert not found


def documented(name: str) -> Iterator[tuple[str, object]]:
    """A public name and, of a class, its public methods."""
    value = getattr(seamline, name)
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if not method.startswith("_") and inspect.isfunction(function):
                yield f"{name}.{method}", function
    elif callable(value):
        yield name, value


@pytest.mark.parametrize("name", [name for name in seamline.__all__ if not name.startswith("_")])
def test_public_functions_have_google_style_docstrings(name: str) -> None:
    for called, function in documented(name):
        doc = inspect.getdoc(function) or ""
        signature = inspect.signature(function)  # type: ignore[arg-type]
        parameters = [one for one in signature.parameters if one not in ("self", "cls")]
        assert doc.split("\n")[0].endswith("."), called
        for parameter in parameters:
            assert re.search(rf"Args:.*^\s+\*{{0,2}}{parameter}: ", doc, re.M | re.S), f"{called}: {parameter}"
        if signature.return_annotation not in (None, "None"):
            assert "Returns:" in doc or "Yields:" in doc, called
        if "raise " in inspect.getsource(function):  # type: ignore[arg-type]
            assert "Raises:" in doc, called
