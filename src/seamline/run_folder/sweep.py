"""What a sweep writes: its settings, its runs and how far they are. Each run is a run folder below the sweep's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from seamline.errors import SeamlineError
from seamline.io import file_lock
from seamline.run_folder.fields import Count, FileName, Number
from seamline.run_folder.folder import RunFolder
from seamline.run_folder.json_file import JsonFile

RunState = Literal["waiting", "running", "finished", "failed"]
SweepMethod = Literal["grid", "list", "random"]


class SweepSetting(Struct, frozen=True, kw_only=True):
    """One setting: the fields that differ from the preset."""

    name: str  # its fields as text, such as `norm=after`
    fields: dict[str, Any]  # field of the training configuration -> its value; only those that the sweep varies
    rung: Count = 0  # rung of successive halving, from 0; always 0 without it


class SweepRun(Struct, frozen=True, kw_only=True):
    """One run of a sweep."""

    name: FileName  # name of its run folder
    setting: Count  # number of its setting, from 0
    seed: Count  # seed of split, weights and batches
    fold: Count = 0  # fold whose images are its test images, from 1; 0 without cross-validation
    state: RunState = "waiting"  # `waiting`, `running`, `finished` or `failed`
    reason: str = ""  # why it failed
    seconds: Number = 0.0  # time from its last start to its end, with evaluation and report


class SweepInfo(Struct, frozen=True, kw_only=True):
    """A sweep: which settings are trained on what, and the state of each run."""

    seamline: str  # version of Seamline
    data: tuple[str, ...]  # the datasets, as the user names them
    preset: str  # name of the preset, `custom` for a configuration
    fixed: dict[str, Any]  # fields that all runs share and the preset does not have
    # options that decide which images and weights all runs start with, such as `image_size`, as text; without defaults
    options: dict[str, str] = {}
    varied: dict[str, str]  # varied field -> its values or range as text
    method: SweepMethod  # how settings are chosen: `grid`, `list` or `random`
    seeds: tuple[Count, ...]  # seeds of each setting
    trials: Count = 0  # settings that are drawn at random; 0 for a grid or list
    search_seed: Count = 0  # seed of the random settings
    halving: Count = 0  # of this many settings, one survives a rung of successive halving; 0 without it
    folds: Count = 0  # folds of the cross-validation; 0 without it
    metric: str  # metric of the validation images by which settings are ranked; empty for the most important one
    baseline: Count = 0  # number of the setting with which the others are compared
    jobs: Count = 1  # runs that train at the same time
    threads: Count | None = None  # processor threads of each run; null leaves them to PyTorch
    settings: tuple[SweepSetting, ...]  # the settings; with successive halving, those of one rung after another
    runs: tuple[SweepRun, ...]  # the runs
    command: str  # the command that repeats or continues the sweep

    def __post_init__(self) -> None:
        """Check that runs and baseline have settings, and that no folder is named twice."""
        if not all(number < len(self.settings) for number in (self.baseline, *(run.setting for run in self.runs))):
            raise ValueError("a run, or the baseline, has a setting that is not there")
        if len({run.name for run in self.runs}) < len(self.runs):
            raise ValueError("two runs have one name")

    @property
    def drawn(self) -> bool:
        """Whether the settings were drawn at random: they are ranked on validation images, and not compared on test."""
        return self.method == "random"


@dataclass(frozen=True)
class SweepFolder:
    """The folder of a sweep."""

    path: Path  # the folder

    @property
    def info(self) -> JsonFile[SweepInfo]:
        """`sweep.json`."""
        remedy = "name another folder with --out"
        missing = f"{self.path} is not a folder that `seamline sweep` wrote"
        return JsonFile(self.path / "sweep.json", SweepInfo, remedy, missing)

    @property
    def report_file(self) -> Path:
        """The page."""
        return self.path / "index.html"

    def run(self, name: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.path / name)

    def log_file(self, name: str) -> Path:
        """Messages of a run that trained in a process of its own."""
        return self.path / "logs" / f"{name}.log"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process inside the block.

        Raises:
            SeamlineError: another sweep works in it, or it is a run folder, a file, or may not be written to, or has a
                page that no sweep wrote.
        """
        folder = RunFolder(self.path)
        folder.check_writable()
        if folder.info.exists():
            raise SeamlineError(f"{self.path}: is a run folder; name another folder with --out")
        if self.report_file.exists() and not self.info.exists():
            raise SeamlineError(
                f"{self.report_file}: is there, and no sweep wrote it; name another folder with --out, or move the file"
            )
        try:
            with file_lock(self.path):
                yield
        except BlockingIOError:
            raise SeamlineError(
                f"{self.path}: another sweep works in it; wait for it or name another folder with --out"
            ) from None
