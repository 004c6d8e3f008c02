"""The course study: both of its studies, on real images, or on synthetic ones if they are unavailable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seamline.api.run import Run
from seamline.api.training import train
from seamline.data.dataset import Dataset
from seamline.data.registry import DATASETS, load
from seamline.errors import DatasetUnavailableError, SeamlineError, TrainingInterrupted
from seamline.inference.find_images import find_photos
from seamline.progress import default_reporter
from seamline.report.page import write_report
from seamline.run_folder import RunFolder, Task
from seamline.study.findings import REFERENCE_IMAGES, add_findings
from seamline.study.overview import write_overview
from seamline.study.photos import add_photos
from seamline.study.reasons import add_reasons
from seamline.training.plan import RunOptions, split_settings
from seamline.training.presets import get_preset


@dataclass(frozen=True)
class Study:
    """One of the two studies."""

    name: str  # its name, what its images show in the plural
    real: tuple[str, ...]  # datasets of real images; the first that is available is used
    synthetic: str  # the synthetic dataset

    @property
    def task(self) -> Task:
        """What its labels are for."""
        return DATASETS[self.synthetic].task


def reproduce(
    *,
    preset: str = "fast",
    out: Path | str = "runs",
    seed: int = 0,
    study: str | None = None,
    images: Sequence[Path | str] = (),
    overwrite: bool = False,
    options: RunOptions | None = None,
    **settings: Any,
) -> list[Run]:
    """Rerun the course study, and write an index page that links the reports.

    A finished run of the same data, configuration and seed is reused, an interrupted one is resumed, and another run
    is refused.

    Args:
        preset: `fast`, or `original` for the study's own.
        out: the folder for the run folders and `index.html`.
        seed: seed of the splits, the initial weights and the batches.
        study: `garments` or `facades` runs one study only.
        images: the user's own photos of buildings; by default a synthetic one, a library front.
        overwrite: train finished runs again.
        options: device, threads and so on; `data_dir` holds the folders `fashion-mnist`, `facades` or `cmp-facades`.
        **settings: fields of `TrainConfig` and of `RunOptions`.

    Returns:
        The runs.

    Raises:
        SeamlineError: a file cannot be read, or a run folder holds another run.
    """
    fields, options = split_settings(settings, options or RunOptions(progress=default_reporter()))
    studies = [one for one in STUDIES if study in (None, one.name)]
    _check(studies, study, images)
    for one in studies:  # fail before anything is downloaded
        replace(get_preset(preset, one.task), **fields)
    runs = [
        _run_study(
            one, Path(out), preset, seed=seed, images=images, overwrite=overwrite, options=options, fields=fields
        )
        for one in studies
    ]
    paths = [run.path for run in runs]
    write_overview(Path(out), paths, _other_runs(Path(out), paths))
    return runs


def _run_study(
    study: Study,
    out: Path,
    preset: str,
    *,
    seed: int,
    images: Sequence[Path | str],
    overwrite: bool,
    options: RunOptions,
    fields: Mapping[str, Any],
) -> Run:
    """Train, evaluate and report one study."""
    data, data_dir = load_images(study, out, preset, options)
    data = replace(data, reference_images=REFERENCE_IMAGES.get(data.name, ()))
    options.reporter.say(f"{data.title}: preset {preset}")
    try:
        run = train(
            data,
            preset=preset,
            out=out / f"{data.name}-{preset}",
            seed=seed,
            resume=not overwrite,
            overwrite=overwrite,
            options=replace(options, data_dir=data_dir),
            **fields,
        )
    except TrainingInterrupted as error:
        raise TrainingInterrupted(error.position, "run the same command again to resume", error.signal) from None
    added = add_findings(run.folder)
    if study.task == "classification":
        added = add_reasons(run.folder, data, replace(options, data_dir=data_dir)) or added
    if added:
        write_report(run.path)
    if study.task == "segmentation":
        add_photos(run.folder, images, options)
    return run


def _check(studies: Sequence[Study], name: str | None, images: Sequence[Path | str]) -> None:
    """Refuse an unknown study, and photos that cannot be used."""
    if not studies:
        raise SeamlineError(f"--study {name}: no such study; the studies are {', '.join(s.name for s in STUDIES)}")
    if images and not any(study.task == "segmentation" for study in studies):
        raise SeamlineError(f"--image {images[0]}: applies to the facades only; leave it out, or use --study facades")
    for error in find_photos([str(image) for image in images]).errors if images else ():
        raise SeamlineError(f"--image {error.file}: {error.reason}")


def load_images(study: Study, out: Path, preset: str, options: RunOptions) -> tuple[Dataset, Path | None]:
    """Return the first available dataset of a study, and the folder it was read from if one was named."""
    reasons = []
    reporter = options.reporter
    done_offline = RunFolder(out / f"{study.synthetic}-{preset}").finished  # then do not wait again for a silent server
    for name in study.real:
        folder = _data_dir(name, options.data_dir)
        try:
            with reporter.downloading() as progress:
                return load(name, folder, progress=progress, timeout=0.8 if done_offline else 20.0), folder
        except DatasetUnavailableError as reason:
            reasons.append(str(reason))
    reporter.say(f"The real {study.name} are not available: {reasons[0]}")
    reporter.say(f"Using synthetic {study.name} instead; the report says so.")
    return load(study.synthetic), None


def _data_dir(name: str, data_dir: Path | str | None) -> Path | None:
    """Return the folder of a dataset below the folder that the user named, None if it is not there."""
    if data_dir is None:
        return None
    root = Path(data_dir).expanduser()
    known = [name for study in STUDIES for name in study.real]
    if not any((root / one).is_dir() for one in known):
        raise SeamlineError(f"--data-dir {data_dir}: contains none of the folders {', '.join(known)}")
    return root / name if (root / name).is_dir() else None


def _other_runs(out: Path, runs: Sequence[Path]) -> list[Path]:
    """Return the other finished runs in a folder, so that the index still links them."""
    finished = sorted(page.parent for page in out.glob("*/report.html") if (page.parent / "run.json").is_file())
    return [run for run in finished if run not in runs]


STUDIES: tuple[Study, ...] = (
    Study("garments", ("fashion-mnist",), "synthetic-fashion"),
    Study("facades", ("facades", "cmp-facades"), "synthetic-facades"),
)
"""The two studies."""
