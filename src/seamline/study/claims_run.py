"""`seamline reproduce --claims`: train the sweeps of the claims, and write what they say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seamline.api.sweep import sweep
from seamline.data.dataset import Dataset
from seamline.data.downscale import downscale_dataset, reduce_resolution
from seamline.data.loader import Batches
from seamline.data.prepare import detect_groups
from seamline.errors import SeamlineError
from seamline.evaluation.text import pluralize
from seamline.io import write_text
from seamline.models.devices import find_device, restore_num_threads, set_num_threads
from seamline.progress import default_reporter
from seamline.report.formatting import duration
from seamline.run_folder import SweepFolder
from seamline.study.claims import SWEEPS, ClaimSweep, judge_claims
from seamline.study.claims_text import claims_page
from seamline.study.reproduce import STUDIES, load_images
from seamline.study.verdicts import ClaimResult
from seamline.training.distributed import Distributed
from seamline.training.loop import Training
from seamline.training.plan import RunOptions, make_plan, split_settings
from seamline.training.search_space import setting_name
from seamline.training.trainer import initial_model

PRESET = "original"
SEEDS = 5
JOBS = 2
"""Runs side by side, with one thread each, unless a caller says otherwise."""

_STEPS = 3  # steps that are timed of each setting


@dataclass(frozen=True)
class ClaimsReport:
    """The claims and what the runs say about them."""

    results: tuple[ClaimResult, ...]
    page: Path  # the page in Markdown
    sweeps: tuple[Path, ...]  # the folders of the sweeps
    failed: int  # number of runs that failed


def reproduce_claims(
    *,
    out: Path | str = "runs/claims",
    seeds: int = SEEDS,
    sweeps: Sequence[ClaimSweep] = SWEEPS,
    jobs: int = JOBS,
    options: RunOptions | None = None,
    **settings: Any,
) -> ClaimsReport:
    """Test the claims of the course study: train the runs, measure first what they cost, and write a page.

    Finished runs are reused and interrupted ones resumed. Test images are evaluated at the end of each run, and decide
    nothing but the verdicts.

    Args:
        out: the folder for the sweeps and `claims.md`.
        seeds: number of seeds of each setting, at least 2.
        sweeps: the sweeps, with the names of those of `SWEEPS`.
        jobs: runs side by side, with one thread each.
        options: device and so on; `data_dir` holds the folders of the datasets.
        **settings: fields of `TrainConfig` that all runs share, and of `RunOptions`.

    Raises:
        SeamlineError: a folder holds another sweep, or no run of a sweep has finished.
        TrainingInterrupted: a signal ended the training; the same command resumes.
    """
    fields, options = split_settings(settings, options or RunOptions(progress=default_reporter()))
    if seeds < 2:
        raise SeamlineError(f"seeds {seeds}: intervals over seeds need at least 2")
    out, runs = Path(out), replace(options, threads=1, data_dir=None)
    data = {name: _load(name, out, options) for name in dict.fromkeys(one.study for one in sweeps)}
    images = {one.name: _at_fraction(data[one.study], one.factor) for one in sweeps}
    _announce(sweeps, images, out, seeds, jobs, runs, fields)
    failed = 0
    for one in sweeps:
        options.reporter.say(f"{one.name}: {pluralize(len(one.settings), 'setting')} times {seeds} seeds")
        swept = sweep(
            images[one.name],
            one.settings,
            out=out / one.name,
            preset=PRESET,
            seeds=tuple(range(seeds)),
            options=runs,
            jobs=jobs,
            **{**one.fixed, **fields},
        )
        failed += len(swept.failed)
    folders = {one.name: SweepFolder(out / one.name) for one in sweeps}
    results = tuple(judge_claims(folders))
    page = out / "claims.md"
    write_text(page, claims_page(results, folders))
    return ClaimsReport(results, page, tuple(one.path for one in folders.values()), failed)


def _load(name: str, out: Path, options: RunOptions) -> Dataset:
    """Load the images of a study and search their near-duplicates once, at full size."""
    study = next(one for one in STUDIES if one.name == name)
    data, _ = load_images(study, out, PRESET, options)
    return detect_groups(data, options.reporter, options.grouping)


def _at_fraction(data: Dataset, factor: int) -> Dataset:
    """Return images at a fraction of the size; of garments, which the network takes no smaller, of the resolution."""
    return (reduce_resolution if data.task == "classification" else downscale_dataset)(data, factor)


def _announce(
    sweeps: Sequence[ClaimSweep],
    images: dict[str, Dataset],
    out: Path,
    seeds: int,
    jobs: int,
    options: RunOptions,
    fields: dict[str, Any],
) -> None:
    """Measure what the runs that are left cost, and say how long all take."""
    total, number = 0.0, 0
    for one in sweeps:
        folder = SweepFolder(out / one.name)
        old = folder.info.read_optional()
        done = [run.setting for run in (old.runs if old else ()) if run.state == "finished"]
        for index, setting in enumerate(one.settings):
            left = seeds - done.count(index)
            if left > 0:
                seconds = run_seconds(images[one.name], {**one.fixed, **fields, **setting}, options)
                options.reporter.say(f"{one.name}, {setting_name(setting)}: {duration(seconds)} a run")
                total, number = total + left * seconds, number + left
    if number:
        options.reporter.say(
            f"{pluralize(number, 'run')}, about {duration(total / jobs)} of training with {jobs} side by side; "
            "evaluation and reports come on top. Ctrl-C stops, the same command resumes."
        )


def run_seconds(data: Dataset, fields: dict[str, Any], options: RunOptions) -> float:
    """Return the time in seconds that the training of a run will take on one thread, from a few of its steps."""
    plan = make_plan(data, PRESET, fields, 0, replace(options, progress=None))
    config = plan.config
    device, augmentation = find_device(options.device), config.augmentation
    batches = Batches(
        plan.splits.train, config.batch_size, task=data.task, seed=0, augmentation=augmentation, device=device
    )
    few = replace(config, epochs=_STEPS / len(batches))
    with restore_num_threads():
        set_num_threads(1)
        for _ in range(1 if device.type == "cpu" else 2):  # the first steps on a GPU load its libraries too
            model, _ = initial_model(plan, Distributed(device=device))
            epoch = next(iter(Training(model, batches, few, data=plan.data)))
    return epoch.train_seconds / _STEPS * max(1, round(config.epochs * len(batches)))
