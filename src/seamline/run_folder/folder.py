"""The run folder: where each file of a run lies, and how it is read and written."""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from seamline.errors import SeamlineError
from seamline.io import file_lock, remove_temp_files, sha256_file
from seamline.run_folder.analysis import ClassAnalysis, FilterAnalysis, LinearProbes
from seamline.run_folder.arrays import (
    ClassificationArrays,
    ImageIndex,
    SegmentationArrays,
    StoredImages,
    read_arrays,
    read_index,
    read_stored_images,
    write_arrays,
)
from seamline.run_folder.before_after import BeforeAfter
from seamline.run_folder.fields import Task
from seamline.run_folder.integrity import Integrity
from seamline.run_folder.json_file import JsonFile, JsonLinesFile
from seamline.run_folder.measures import BuildingCalibration, MeasuresRecord
from seamline.run_folder.metrics import Calibration, Finding, Metrics
from seamline.run_folder.model_summary import ModelSummary
from seamline.run_folder.novelty import Novelty
from seamline.run_folder.prediction import PredictionRecord
from seamline.run_folder.results import LabelIssues, SplitResults
from seamline.run_folder.run_info import Epoch, RunInfo
from seamline.run_folder.training_images import TrainingImages

WEIGHTS = "model.safetensors"
ONNX = "model.onnx"

_OLD_FILES = ("scores.json", "insides", "photos")
"""Files and folders that only older versions of Seamline wrote."""

_RESULTS = (
    *("metrics.json", "calibration.json", "novelty.json", "findings.json", "integrity.json", "report.html"),
    *("checkpoint", "data", "analysis", "evaluation", "evaluations", "figures", "predictions", "measures"),
)
"""Files and folders that a new training removes, beside weights and exported models."""

_TRAIN = "train again with --overwrite"

T = TypeVar("T")


@dataclass(frozen=True)
class _Part:
    """A file or folder of a run folder, as an attribute that is its path."""

    name: str

    def __get__(self, run: "RunFolder", owner: type) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class _Result(Generic[T]):
    """A JSON file that evaluation writes, as an attribute."""

    name: str
    content: Any

    def __get__(self, run: "RunFolder", owner: type) -> JsonFile[T]:
        return run.evaluated_file(self.name, self.content)


@dataclass(frozen=True)
class RunFolder:
    """A run folder."""

    path: Path  # the folder

    weights_file = _Part(WEIGHTS)  # the final weights
    checkpoint_dir = _Part("checkpoint")  # checkpoints, while the run is not finished
    label_issues_sheet = _Part("evaluation/label_issues.png")
    class_means_sheet = _Part("evaluation/class_means.png")
    report_file = _Part("report.html")
    figures_dir = _Part("figures")  # figures of the page as SVG and PNG
    index_file = _Part("data/index.npz")  # by which the run's images are found again
    stored_images_file = _Part("data/images.npz")  # images to export the run with
    predictions_dir = _Part("predictions")  # predictions on photos that are not part of the dataset
    measures_dir = _Part("measures")  # measures of buildings in such photos

    metrics = _Result[Metrics]("metrics.json", Metrics)
    calibration = _Result[Calibration]("calibration.json", Calibration)
    novelty = _Result[Novelty]("novelty.json", Novelty)
    building_calibration = _Result[BuildingCalibration]("buildings.json", BuildingCalibration)
    findings = _Result[tuple[Finding, ...]]("findings.json", tuple[Finding, ...])
    kernels = _Result[FilterAnalysis]("analysis/kernels.json", FilterAnalysis)
    linear_probes = _Result[LinearProbes]("analysis/linear_probes.json", LinearProbes)
    model_summary = _Result[ModelSummary]("analysis/model.json", ModelSummary)
    class_analysis = _Result[ClassAnalysis]("evaluation/classes.json", ClassAnalysis)
    before_after = _Result[BeforeAfter]("evaluation/before_after.json", BeforeAfter)
    label_issues = _Result[LabelIssues]("evaluation/label_issues.json", LabelIssues)
    training_images = _Result[TrainingImages]("evaluation/training_images.json", TrainingImages)

    @property
    def finished(self) -> bool:
        """Whether training has finished: the final weights are there."""
        return self.weights_file.is_file()

    @property
    def evaluated(self) -> bool:
        """Whether the run has been evaluated: its metrics are there, and its findings, which are written last."""
        return self.metrics.exists() and self.findings.exists()

    @property
    def info(self) -> JsonFile[RunInfo]:
        """`run.json`."""
        missing = f"{self.path} is not a run folder, which `seamline train` writes"
        old_keys = frozenset({"recipe", "recipe_name", "network"})
        return JsonFile(self.path / "run.json", RunInfo, _TRAIN, missing, old_keys)

    @property
    def history(self) -> JsonLinesFile[Epoch]:
        """`history.jsonl`."""
        return JsonLinesFile(self.path / "history.jsonl", Epoch, _TRAIN, f"the run is incomplete; {_TRAIN}")

    @property
    def integrity(self) -> JsonFile[Integrity]:
        """`integrity.json`."""
        missing = f"the run has no checksums; {self._evaluate}"
        return JsonFile(self.path / "integrity.json", Integrity, self._evaluate, missing)

    @property
    def predictions(self) -> JsonFile[PredictionRecord]:
        """`predictions/predictions.json`."""
        return prediction_record(self.predictions_dir)

    @property
    def measures(self) -> JsonFile[MeasuresRecord]:
        """`measures/measures.json`."""
        return measures_record(self.measures_dir)

    def results(self, split: str) -> JsonFile[SplitResults]:
        """`evaluation/SPLIT.json`, of `val` or `test`."""
        return self.evaluated_file(f"evaluation/{split}.json", SplitResults)

    def read_arrays(self, split: str, info: RunInfo) -> ClassificationArrays | SegmentationArrays:
        """Read `evaluation/SPLIT.npz`, whose arrays depend on the run's task and classes."""
        return read_arrays(self.arrays_file(split), info.task, len(info.dataset.classes), self._evaluate)

    def write_arrays(self, split: str, arrays: ClassificationArrays | SegmentationArrays) -> None:
        """Write `evaluation/SPLIT.npz`."""
        write_arrays(self.arrays_file(split), arrays)

    def read_index(self) -> ImageIndex | None:
        """Read `data/index.npz`; None where an older version wrote the run, or its dataset has a name."""
        return read_index(self.index_file, self._evaluate) if self.index_file.is_file() else None

    def write_data(self, index: ImageIndex | None, images: StoredImages) -> None:
        """Write what finds the run's images again, and those that it keeps."""
        if index is not None:
            write_arrays(self.index_file, index)
        write_arrays(self.stored_images_file, images)

    def read_stored_images(self, info: RunInfo) -> StoredImages | None:
        """Read `data/images.npz`; None where an older version wrote the run."""
        if not self.stored_images_file.is_file():
            return None
        size, classes = info.model.input_size, len(info.dataset.classes)
        return read_stored_images(self.stored_images_file, size, classes, self._evaluate)

    def arrays_file(self, split: str) -> Path:
        """Arrays of a split, one row per image."""
        return self.path / "evaluation" / f"{split}.npz"

    def sheet_file(self, split: str) -> Path:
        """The example sheet of a split."""
        return self.path / "evaluation" / f"{split}.png"

    def mask_sheet_files(self, split: str) -> tuple[Path, Path, Path]:
        """Sheets of photos, true masks and predicted masks of a split."""
        photos, ground_truth, prediction = (
            self.path / "evaluation" / f"{split}.{name}"
            for name in ("photos.jpg", "ground_truth.png", "prediction.png")
        )
        return photos, ground_truth, prediction

    def training_sheet_files(self, task: Task, *, augmented: bool = False) -> tuple[Path, Path]:
        """Sheets of some training images and, where there are masks, of these, as they are or augmented."""
        stem = self.path / f"evaluation/training_images{'.augmented' * augmented}"
        suffix = ".png" if task == "classification" else ".jpg"
        return stem.with_name(stem.name + suffix), stem.with_name(f"{stem.name}.masks.png")

    def examples_dir(self, split: str) -> Path:
        """Images and masks of a split's examples."""
        return self.path / "evaluation" / f"{split}-examples"

    @property
    def is_evaluation(self) -> bool:
        """Whether this is an evaluation of a run on other images: a run folder without weights."""
        return self.path.absolute().parent.name == "evaluations"

    def evaluation_dir(self, name: str) -> Path:
        """The folder of an evaluation on other images, a run folder without weights."""
        return self.path / "evaluations" / name

    def onnx_file(self, *, reduced_tta: bool = False, int8: bool = False) -> Path:
        """The exported model, by how it was made faster."""
        return self.path / f"model{'.reduced-tta' * reduced_tta}{'.int8' * int8}.onnx"

    @property
    def weights_digest(self) -> str:
        """32 hexadecimal digits of SHA-256 over the final weights, which are verified.

        Raises:
            SeamlineError: there are none, they cannot be read, or `integrity.json` has another checksum.
        """
        integrity = self.integrity.read_optional()
        name = self.weights_file.name
        return self.verify_file(name, integrity.files.get(name) if integrity else None)[:32]

    def verify_file(self, name: str, expected: str | None) -> str:
        """Return 64 hexadecimal digits of SHA-256 over a file.

        Args:
            name: its name.
            expected: the digits that `integrity.json` has for it; None accepts any.

        Raises:
            SeamlineError: it cannot be read, or has other digits.
        """
        file = self.path / name
        try:
            digits = sha256_file(file)
        except OSError as error:
            raise SeamlineError(f"{file}: cannot be read ({error.strerror}); name a finished run") from None
        if expected not in (None, digits):
            raise SeamlineError(
                f"{file}: damaged or replaced, because its SHA-256 is {digits[:12]}… and not {str(expected)[:12]}… of "
                "integrity.json; restore it from a copy, or train or install the model again"
            )
        return digits

    def check_writable(self) -> None:
        """Check that this process may write to the folder, before any long work.

        Raises:
            SeamlineError: it may not.
        """
        existing = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        if not existing.is_dir():
            raise SeamlineError(f"{existing}: is a file, not a folder; check the path of --out")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise SeamlineError(
                f"{self.path}: cannot be written to (Permission denied); name another folder with --out"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process inside the block; the system unlocks it when the process ends, however.

        Raises:
            SeamlineError: another process has locked it.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(file_lock(self.path))
            except BlockingIOError:
                raise SeamlineError(
                    f"{self.path}: another process works in it; wait for it or name another folder with --out"
                ) from None
            remove_temp_files(self.path)
            yield

    def clear(self) -> None:
        """Remove what an earlier training left, its weights first; `run.json` and history stay to be written over."""
        exported = [
            self.onnx_file(reduced_tta=reduced, int8=int8) for reduced in (False, True) for int8 in (False, True)
        ]
        paths = (self.weights_file, *exported, *(self.path / name for name in (*_RESULTS, *_OLD_FILES)))
        for path in filter(os.path.lexists, paths):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    def start_evaluation(self) -> None:
        """Remove what is written last, so that an interrupted evaluation does not count as one and has no page."""
        for path in (self.report_file, self.integrity.path, self.findings.path):
            path.unlink(missing_ok=True)

    @property
    def _evaluate(self) -> str:
        return f"evaluate the run again with `seamline evaluate {shlex.quote(str(self.path))}`"

    def evaluated_file(self, name: str, type_: Any) -> JsonFile[Any]:
        """Return a JSON file that evaluation writes."""
        missing = f"the run is not evaluated; run `seamline evaluate {shlex.quote(str(self.path))}`"
        if (self.path / "scores.json").is_file():
            missing = f"the run was written by an older version of Seamline; {_TRAIN}"
        return JsonFile(self.path / name, type_, self._evaluate, missing)


def prediction_record(folder: Path) -> JsonFile[PredictionRecord]:
    """Return `predictions.json` of a folder that `seamline predict` wrote."""
    missing = f"{folder} is not a folder that `seamline predict` wrote"
    return JsonFile(folder / "predictions.json", PredictionRecord, "predict again", missing, frozenset({"recipe_name"}))


def measures_record(folder: Path) -> JsonFile[MeasuresRecord]:
    """Return `measures.json` of a folder that `seamline measure` wrote."""
    missing = f"{folder} is not a folder that `seamline measure` wrote"
    return JsonFile(folder / "measures.json", MeasuresRecord, "measure again", missing)
