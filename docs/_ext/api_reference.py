"""The API reference: directives of autodoc for the public names, and for the types that public functions return."""

import inspect
from importlib import import_module

import seamline
from run_folder_reference import describe

RETURNED = (
    "seamline.inference.predict.Predictions",
    "seamline.export.export.ExportResult",
    "seamline.web.folder.WebExport",
    "seamline.inference.integrity.VerifiedModel",
    "seamline.inference.integrity.FileChecksum",
    "seamline.inference.integrity.OutputCheck",
    "seamline.export.verify.Verification",
    "seamline.run_folder.suggestions.Suggestions",
    "seamline.run_folder.suggestions.SuggestedPhoto",
    "seamline.evaluation.sweep.SweepResults",
    "seamline.evaluation.sweep_settings.SettingResult",
    "seamline.evaluation.sweep.SettingDifference",
)
"""Types that have no public name but are returned by public functions."""


def render() -> str:
    """Return the sections: functions, classes, errors, returned types."""
    public = {name: getattr(seamline, name) for name in seamline.__all__ if not name.startswith("__")}
    functions = [name for name, value in public.items() if inspect.isfunction(value)]
    errors = [name for name, value in public.items() if inspect.isclass(value) and issubclass(value, Exception)]
    classes = [name for name, value in public.items() if inspect.isclass(value) and name not in errors]
    sections = [
        ("Functions", [f".. autofunction:: seamline.{name}" for name in functions]),
        ("Classes", [_autoclass(f"seamline.{name}", public[name]) for name in classes]),
        ("Returned types", [_autoclass(name, _import(name)) for name in RETURNED]),
        ("Errors", [f".. autoexception:: seamline.{name}" for name in errors]),
    ]
    return "\n\n".join(
        f"## {title}\n\n```{{eval-rst}}\n" + "\n\n".join(directives) + "\n```"
        for title, directives in sections
        if directives
    )


def _import(name: str) -> type:
    """Return a type by its full name."""
    module, _, attribute = name.rpartition(".")
    type_: type = getattr(import_module(module), attribute)
    return type_


def _autoclass(name: str, type_: type) -> str:
    """Return the directive of a class, with the fields that comments describe."""
    fields = [f"   :ivar {field}: {text}" for field, text in describe(type_).items()]
    return "\n".join([f".. autoclass:: {name}\n   :members:", *([""] if fields else []), *fields])
