"""Options that several commands share, and how results are printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from seamline.progress import result

PresetOption = Annotated[str, typer.Option("--preset", help="Training preset; see `seamline list`.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Seed of split, weights and batches.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Folder with the dataset's files.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
BackendOption = Annotated[
    str | None, typer.Option("--backend", help="pytorch, onnxruntime or openvino; default: the fastest.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Number of CPU threads.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Override one field of the preset.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run folder, an ONNX file, or facades or garments.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")]
DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="A dataset's name, or a folder or table of images.")
]


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout."""
    result(json.dumps(value, indent=1, ensure_ascii=False))
