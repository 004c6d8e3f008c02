"""The course study again, both halves of it: real images where they can be had, synthetic ones elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from seamline.api import predict, train
from seamline.data.dataset import Dataset
from seamline.data.registry import load
from seamline.errors import DatasetUnavailableError, SeamlineError, TrainingInterrupted
from seamline.inference.find_images import find_photos
from seamline.io import atomic_write
from seamline.models.devices import tune_malloc
from seamline.progress import Reporter
from seamline.report.index_page import write_index
from seamline.report.page import write_report
from seamline.run_folder import RunFolder
from seamline.synthetic.facades import library_photo
from seamline.training.config import apply_overrides, get_preset
from seamline.training.run_dir import Run


@dataclass(frozen=True)
class Study:
    """One half of the course study.

    Attributes:
        what: what its images show, in the plural.
        real: datasets to try, the first that can be had is taken.
        drawn: the synthetic one.
        segments: whether its labels are masks.
    """

    what: str
    real: tuple[str, ...]
    drawn: str
    segments: bool


def reproduce(
    *,
    recipe: str = "fast",
    settings: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | str = "runs",
    folder: Path | str | None = None,
    photos: tuple[Path | str, ...] = (),
    only: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    force: bool = False,
    teller: Reporter | None = None,
) -> list[Path]:
    """Run both halves of the course study again, and write an index page that links their pages.

    A finished run of the same data, recipe and seed is used again, an interrupted one goes on; one of others is left
    alone and refused.

    Args:
        recipe: `fast`, or `original` for the study's own.
        settings: changes of single fields of the recipes, each `field=value`.
        seed: decides the splits, the first weights and the batches.
        out: the folder that the run folders and `index.html` go to.
        folder: holds the folders `fashion-mnist`, `facades` or `cmp-facades` of real images.
        photos: the user's own photos of buildings; by default one that is drawn, a library front.
        only: `garments` or `facades` runs one half alone.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: threads of the processor to use.
        force: train again what is finished.
        teller: says how it goes.

    Returns:
        The run folders.

    Raises:
        SeamlineError: files that the user named cannot be read, or a run folder holds a run of another recipe or seed.
    """
    tune_malloc()
    teller = teller or Reporter(quiet=True)
    studies = [study for study in STUDIES if only in (None, study.what)]
    if not studies:
        raise SeamlineError(f"--study {only}: there is no such study; there are {', '.join(s.what for s in STUDIES)}")
    for study in studies:  # a mistake there is told before anything is fetched
        apply_overrides(get_preset(recipe, segments=study.segments), list(settings))
    if photos and not any(study.segments for study in studies):
        raise SeamlineError(f"--image {photos[0]}: is for the facades, and --study {only} leaves them out")
    for error in find_photos([str(photo) for photo in photos]).errors if photos else ():
        raise SeamlineError(f"--image {error.file}: {error.reason}")
    runs = []
    for study in studies:
        data, found = _images(study, Path(out), recipe, folder, teller)
        teller.say(f"{data.title}: recipe {recipe}")
        path = Path(out) / f"{data.name}-{recipe}"
        options: dict[str, Any] = {"recipe": recipe, "settings": settings, "seed": seed, "device": device}
        options |= {"threads": threads, "force": force, "resume": not force}
        try:
            runs.append(train(data, out=path, folder=found, teller=teller, **options))
        except TrainingInterrupted as stopped:
            raise TrainingInterrupted(stopped.place, "the same command goes on from there", stopped.signal) from None
        if study.segments:
            _add_photos(path, photos, teller, device=device, threads=threads)
    write_index(Path(out), [*runs, *_others(Path(out), runs)])
    return runs


def _images(
    study: Study, out: Path, recipe: str, folder: Path | str | None, teller: Reporter
) -> tuple[Dataset, Path | None]:
    """Return the first of the study's datasets that can be had, and the folder it was read from if one was named."""
    reasons = []
    done_offline = Run(out / f"{study.drawn}-{recipe}").finished  # then a silent network is not waited for again
    for name in study.real:
        place = _place(name, folder)
        try:
            with teller.downloading() as progress:
                return load(name, place, progress=progress, timeout=0.8 if done_offline else 20.0), place
        except DatasetUnavailableError as reason:
            reasons.append(str(reason))
    teller.say(f"The real {study.what} cannot be had: {reasons[0]}")
    teller.say(f"Using synthetic {study.what} instead; the page says so.")
    return load(study.drawn), None


def _place(name: str, folder: Path | str | None) -> Path | None:
    """Return where a dataset's files lie below the folder that the user named, or None where they do not."""
    if folder is None:
        return None
    root = Path(folder).expanduser()
    known = [name for study in STUDIES for name in study.real]
    if not any((root / one).is_dir() for one in known):
        raise SeamlineError(f"--data-dir {folder}: holds none of the folders {', '.join(known)}")
    return root / name if (root / name).is_dir() else None


def _others(out: Path, runs: list[Path]) -> list[Path]:
    """Return the finished runs beside these, so that a half run alone keeps the other one linked."""
    found = sorted(page.parent for page in out.glob("*/report.html") if (page.parent / "run.json").is_file())
    return [run for run in found if run not in runs]


def _add_photos(
    run: Path, photos: tuple[Path | str, ...], teller: Reporter, *, device: str, threads: int | None
) -> None:
    """Show the run photos of buildings that it was not made for, and make its page again."""
    folder = RunFolder(run).predictions_dir
    written, page = folder / "predictions.json", run / "report.html"
    if not photos and written.is_file() and page.stat().st_mtime > written.stat().st_mtime:
        return
    teller.say("looking at a photo of its own" if not photos else f"looking at {len(photos)} photos")
    shown: list[Path | str] = list(photos)
    if not shown:
        drawn = folder / "synthetic-library-front.png"
        with atomic_write(drawn) as temporary:
            Image.fromarray(library_photo()[0]).save(temporary, "PNG")
        shown = [drawn]
    made = predict(run, shown, out=folder, report=True, device=device, threads=threads)
    for one in made.errors:
        teller.say(f"{one.file}: {one.reason}")
    write_report(run)


STUDIES: tuple[Study, ...] = (
    Study("garments", ("fashion-mnist",), "synthetic-fashion", segments=False),
    Study("facades", ("facades", "cmp-facades"), "synthetic-facades", segments=True),
)
"""The two halves of the course study."""
