"""The readers that are fuzzed, each with the valid files that are mutated."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fuzz_corpus as corpus
from seamline.data.image_folder import load_folder
from seamline.data.image_io import read_image
from seamline.data.masks import mask_values, read_mask, unique_mask_values
from seamline.inference.integrity import verify_run
from seamline.inference.predictor import load_model
from seamline.models.saved import load_saved_model
from seamline.report.compare_page import write_comparison
from seamline.report.page import write_report
from seamline.run_folder import RunFolder
from seamline.training.checkpoints import Checkpoints, unpack
from seamline.training.config import read_config


@dataclass(frozen=True)
class Reader:
    """A reader and its files.

    Attributes:
        title: title on the page.
        cases: number of mutated files.
        write: writes valid files: (folder, folder of finished runs) -> None.
        files: patterns of the files that are mutated, relative to the folder.
        read: reads a mutated file: (folder, file) -> result.
        limit: seconds that it may take.
    """

    title: str
    cases: int
    write: Callable[[Path, Path], object]
    files: tuple[str, ...]
    read: Callable[[Path, Path], object]
    limit: float = 10.0

    def targets(self, folder: Path) -> list[Path]:
        """Return the files that are mutated, sorted."""
        return sorted({file for pattern in self.files for file in folder.glob(pattern) if file.is_file()})


def _run(folder: Path, file: Path) -> None:
    run = RunFolder(folder)
    run.info.read()
    read_config(run)
    load_saved_model(run)


def _verify_sealed(folder: Path, file: Path) -> None:
    """Verify a run whose mutated `integrity.json` has the checksum of its content."""
    run = RunFolder(folder)
    run.integrity.write(run.integrity.read().sealed())
    verify_run(run)


def _checkpoint(folder: Path, file: Path) -> None:
    content, _ = Checkpoints(folder).newest()
    if content is not None:
        unpack(content)


def _unpack(folder: Path, file: Path) -> None:
    """Unpack a mutated checkpoint without checking its checksum."""
    unpack(file.read_bytes())


def _copy_run(name: str) -> Callable[[Path, Path], object]:
    def copy(folder: Path, runs: Path) -> None:
        shutil.copytree(runs / name, folder, dirs_exist_ok=True)

    return copy


def _copy_runs(name: str, other: str) -> Callable[[Path, Path], object]:
    def copy(folder: Path, runs: Path) -> None:
        shutil.copytree(runs / name, folder / "one", ignore=shutil.ignore_patterns("figures"))
        shutil.copytree(runs / other, folder / "two", ignore=shutil.ignore_patterns("figures"))

    return copy


def _compare(folder: Path, file: Path) -> None:
    write_comparison([folder / "one", folder / "two"], folder / "compared.html")


def _report(folder: Path, file: Path) -> None:
    write_report(folder)


def _without_runs(write: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """Return a writer that needs no runs."""
    return lambda folder, runs: write(folder)


def _folder_reader(title: str, cases: int, write: Callable[[Path], object], *files: str) -> Reader:
    """Return a reader of a folder of images."""
    return Reader(title, cases, _without_runs(write), files, lambda folder, file: load_folder(folder))


_RUN_FILES = ("run.json", "history.jsonl", "metrics.json", "calibration.json", "findings.json")
_NESTED_FILES = ("analysis/*.json", "evaluation/*.json", "evaluation/*.png", "evaluation/*-examples/*", "predictions/*")

READERS: dict[str, Reader] = {
    "photo": Reader(
        "`read_image`", 4_000, _without_runs(corpus.write_photos), ("*",), lambda folder, file: read_image(file)
    ),
    "mask": Reader(
        "`read_mask`",
        900,
        _without_runs(corpus.write_masks),
        ("*",),
        lambda folder, file: read_mask(file, 3, palette=corpus.PALETTE),
    ),
    "values": Reader(
        "`mask_values`", 700, _without_runs(corpus.write_masks), ("*",), lambda folder, file: mask_values(file)
    ),
    "marks": Reader(
        "`unique_mask_values`",
        700,
        _without_runs(corpus.write_masks),
        ("*",),
        lambda folder, file: unique_mask_values(file),
    ),
    "table": _folder_reader("image folder, CSV", 700, corpus.write_table, "labels.csv"),
    "coco": _folder_reader("image folder, COCO JSON", 700, corpus.write_coco, "instances.json"),
    "labelme": _folder_reader("image folder, LabelMe JSON", 600, corpus.write_labelme, "*.json"),
    "names": _folder_reader("image folder, classes.txt", 300, corpus.write_names, "classes.txt"),
    "palette": _folder_reader("image folder, classes.json", 500, corpus.write_palette, "classes.json"),
    "folders": _folder_reader("image folder, damaged images", 300, corpus.write_classes, "*/*.png"),
    "pairs": _folder_reader("image folder, damaged masks", 300, corpus.write_names, "masks/*.png"),
    "run": Reader(
        "run.json and weights", 900, _copy_run("labels"), ("run.json", "integrity.json", "*.safetensors"), _run
    ),
    "verify": Reader(
        "`verify`, classification",
        200,
        _copy_run("labels"),
        ("integrity.json",),
        lambda folder, file: verify_run(RunFolder(folder)),
    ),
    "sealed": Reader(
        "`verify`, segmentation, with matching checksums", 400, _copy_run("masks"), ("integrity.json",), _verify_sealed
    ),
    "checkpoint": Reader("newest checkpoint", 200, _copy_run("checkpoint"), ("*.safetensors",), _checkpoint),
    "unpack": Reader("checkpoint, unpacked", 500, _copy_run("checkpoint"), ("*.safetensors",), _unpack),
    "model": Reader(
        "model for prediction",
        500,
        _copy_run("masks"),
        ("run.json", "calibration.json", "integrity.json", "*.safetensors"),
        lambda folder, file: load_model(folder, device="cpu"),
    ),
    "report": Reader("report, classification", 300, _copy_run("labels"), (*_RUN_FILES, *_NESTED_FILES), _report, 30.0),
    "masks": Reader("report, segmentation", 300, _copy_run("masks"), (*_RUN_FILES, *_NESTED_FILES), _report, 30.0),
    "compare": Reader(
        "comparison, classification",
        400,
        _copy_runs("labels", "other"),
        ("two/*.json*", "two/evaluation/*"),
        _compare,
        30.0,
    ),
    "compared": Reader(
        "comparison, segmentation",
        400,
        _copy_runs("masks", "masks"),
        ("two/*.json*", "two/evaluation/*"),
        _compare,
        30.0,
    ),
}
"""Name -> reader."""
