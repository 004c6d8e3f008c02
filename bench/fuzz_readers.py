"""What the fuzz run tries: readers of files, each with whole files to damage. READERS at the foot."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fuzz_corpus as seeds
from seamline.data.image_folder import load_folder
from seamline.data.image_io import read_image
from seamline.data.masks import mask_values, read_mask, unique_mask_values
from seamline.inference.predictor import load_model
from seamline.report.compared import write_comparison
from seamline.report.page import write_report
from seamline.training.checkpoints import Checkpoints, unpack
from seamline.training.run_dir import Run


@dataclass(frozen=True)
class Reader:
    """A reader, and what it reads.

    Attributes:
        title: what it is called on the page.
        cases: how many damaged files it is given.
        make: writes whole files into a folder; is also given the folder of finished runs.
        files: patterns of those of them that are damaged, relative to the folder.
        attempt: reads; is given the folder and the damaged file.
        limit: seconds that it may take.
    """

    title: str
    cases: int
    make: Callable[[Path, Path], object]
    files: tuple[str, ...]
    attempt: Callable[[Path, Path], object]
    limit: float = 10.0

    def targets(self, folder: Path) -> list[Path]:
        """Return the files that are damaged, sorted."""
        return sorted({file for pattern in self.files for file in folder.glob(pattern) if file.is_file()})


def _run(folder: Path, file: Path) -> None:
    run = Run(folder)
    run.read()
    run.recipe()
    run.network()


def _checkpoint(folder: Path, file: Path) -> None:
    content, _ = Checkpoints(folder).newest()
    if content is not None:
        unpack(content)


def _unpacked(folder: Path, file: Path) -> None:
    """Unpack a damaged checkpoint as if its checksum fitted."""
    unpack(file.read_bytes())


def _copied(name: str) -> Callable[[Path, Path], object]:
    def copy(folder: Path, runs: Path) -> None:
        shutil.copytree(runs / name, folder, dirs_exist_ok=True)

    return copy


def _pair(name: str, other: str) -> Callable[[Path, Path], object]:
    def copy(folder: Path, runs: Path) -> None:
        shutil.copytree(runs / name, folder / "one", ignore=shutil.ignore_patterns("figures"))
        shutil.copytree(runs / other, folder / "two", ignore=shutil.ignore_patterns("figures"))

    return copy


def _compare(folder: Path, file: Path) -> None:
    write_comparison([folder / "one", folder / "two"], folder / "compared.html")


def _report(folder: Path, file: Path) -> None:
    write_report(folder)


def _alone(make: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """Return a maker that needs no runs."""
    return lambda folder, runs: make(folder)


def _own(title: str, cases: int, make: Callable[[Path], object], *files: str) -> Reader:
    """Return a reader of an own folder."""
    return Reader(title, cases, _alone(make), files, lambda folder, file: load_folder(folder))


_RUN = ("run.json", "history.jsonl", "scores.json", "calibration.json", "findings.json")
_INSIDE = ("insides/*.json", "evaluation/*.json", "evaluation/*.png", "evaluation/*-cases/*", "photos/*")

READERS: dict[str, Reader] = {
    "photo": Reader("`read_image`", 4_000, _alone(seeds.write_photos), ("*",), lambda folder, file: read_image(file)),
    "mask": Reader(
        "`read_mask`",
        900,
        _alone(seeds.write_masks),
        ("*",),
        lambda folder, file: read_mask(file, 3, palette=seeds.COLOURS),
    ),
    "values": Reader("`mask_values`", 700, _alone(seeds.write_masks), ("*",), lambda folder, file: mask_values(file)),
    "marks": Reader(
        "`unique_mask_values`", 700, _alone(seeds.write_masks), ("*",), lambda folder, file: unique_mask_values(file)
    ),
    "table": _own("image folder, CSV", 700, seeds.write_table, "labels.csv"),
    "coco": _own("image folder, COCO JSON", 700, seeds.write_coco, "instances.json"),
    "labelme": _own("image folder, LabelMe JSON", 600, seeds.write_labelme, "*.json"),
    "names": _own("image folder, classes.txt", 300, seeds.write_names, "classes.txt"),
    "colours": _own("image folder, classes.json", 500, seeds.write_colours, "classes.json"),
    "folders": _own("image folder, damaged images", 300, seeds.write_classes, "*/*.png"),
    "pairs": _own("image folder, damaged masks", 300, seeds.write_names, "masks/*.png"),
    "run": Reader("run.json and weights", 900, _copied("labels"), ("run.json", "*.safetensors"), _run),
    "checkpoint": Reader("newest checkpoint", 200, _copied("checkpoint"), ("*.safetensors",), _checkpoint),
    "unpack": Reader("checkpoint, unpacked", 500, _copied("checkpoint"), ("*.safetensors",), _unpacked),
    "model": Reader(
        "model for prediction",
        500,
        _copied("masks"),
        ("run.json", "calibration.json", "*.safetensors"),
        lambda folder, file: load_model(folder, device="cpu"),
    ),
    "report": Reader("report, classification", 300, _copied("labels"), (*_RUN, *_INSIDE), _report, 30.0),
    "masks": Reader("report, segmentation", 300, _copied("masks"), (*_RUN, *_INSIDE), _report, 30.0),
    "compare": Reader(
        "comparison, classification", 400, _pair("labels", "other"), ("two/*.json*", "two/evaluation/*"), _compare, 30.0
    ),
    "compared": Reader(
        "comparison, segmentation", 400, _pair("masks", "masks"), ("two/*.json*", "two/evaluation/*"), _compare, 30.0
    ),
}
"""A short name -> what is tried."""
