"""The options of the commands, and how results are printed."""

import json
import sys
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
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; default: one per idle core.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Override one field of the preset.")
]
EpochsOption = Annotated[float | None, typer.Option("--epochs", help="Passes over the training images.")]
BatchSizeOption = Annotated[int | None, typer.Option("--batch-size", help="Images per step.")]
LearningRateOption = Annotated[float | None, typer.Option("--lr", help="Highest learning rate.")]
WeightDecayOption = Annotated[float | None, typer.Option("--weight-decay", help="Weight decay.")]
NetworkOption = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Built-in model, timm/NAME or smp/DECODER/ENCODER.")
]
ImageSizeOption = Annotated[
    str | None, typer.Option("--image-size", help="Resize images to SIDE or WIDTHxHEIGHT pixels.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="DATA=FILE", help="Class map of a dataset, TOML or JSON: renames, merges, ignores."),
]
GroupsOption = Annotated[
    str | None,
    typer.Option("--groups", metavar="BY", help="Images that belong together: a column, `folder`, or a regex."),
]
NearDuplicatesOption = Annotated[
    bool, typer.Option("--near-duplicates/--no-near-duplicates", help="Keep near-duplicates in one split.")
]
InitFromOption = Annotated[
    Path | None, typer.Option("--init-from", metavar="RUN", help="Start from a finished or pretrained model.")
]
FoldsOption = Annotated[
    int | None, typer.Option("--label-check-folds", help="Cross-validation folds of the label check; 0 skips it.")
]
FoldOption = Annotated[
    str | None, typer.Option("--fold", metavar="K/FOLDS", help="Test on fold K of a cross-validation, such as 1/5.")
]
CheckpointOption = Annotated[
    float, typer.Option("--checkpoint-every", min=0.0, metavar="SECONDS", help="Seconds between checkpoints.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the configuration and its reasons; train nothing.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run folder, an ONNX file, or streets, facades or garments.")
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")]
DatasetsArgument = Annotated[
    list[str],
    typer.Argument(metavar="DATA...", help="Datasets' names, folders or tables of images; several are joined."),
]


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout; letters that its encoding lacks are escaped as JSON has them."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=1)
    result(text)
