"""`suggest`."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Unpack

import numpy as np

from seamline.api.run import Run
from seamline.data.dataset import Split
from seamline.data.lazy_array import concat, iter_chunks
from seamline.data.near_duplicates import DuplicateGroups, cached_near_duplicates, find_near_duplicates
from seamline.errors import SeamlineError
from seamline.inference.find_images import find_photos
from seamline.inference.predictor import LoadOptions, Predictor, find_model, load_model
from seamline.inference.suggest import Candidates, Choice, FeatureSpace, choose_photos, read_candidates
from seamline.progress import Reporter, default_reporter
from seamline.run_folder import PhotoError, RunFolder, SuggestedPhoto, Suggestions, suggestions_file


def suggest(
    model: Predictor | Run | Path | str,
    photos: Sequence[Path | str] | Path | str,
    *,
    count: int = 20,
    out: Path | str | None = None,
    progress: Reporter | None = None,
    **options: Unpack[LoadOptions],
) -> Suggestions:
    """Rank photos by how much a label would teach a model.

    Photos are chosen one after the other, each time the one with the highest product of two numbers: the entropy of the
    model's calibrated probabilities (of masks the mean over pixels), and the distance to the nearest training image or
    photo chosen before, in the space of the model's features. Near-duplicates of training images and of chosen photos
    are left out.

    Args:
        model: a predictor, a finished run folder, a file that `seamline export` wrote, or the name of a pretrained
            model.
        photos: files, folders (searched recursively) and patterns such as `photos/*.jpg`; one of these or several.
        count: number of photos to choose, at least 1.
        out: JSON file to write the result to.
        progress: reports progress, and what photos are compared with.
        **options: `backend`, `device` and `threads`; see `load_model`.

    Returns:
        The photos in order, those left out, and those that cannot be read.

    Raises:
        SeamlineError: there is no such model, device or backend, no photo can be read, `count` is below 1, or the file
            cannot be written.
    """
    if count < 1:
        raise SeamlineError(f"--count {count}: must be at least 1")
    reporter = progress or default_reporter()
    named = model.path if isinstance(model, Run) else model
    predictor = named if isinstance(named, Predictor) else load_model(named, **options)
    listing = find_photos([photos] if isinstance(photos, str | Path) else photos)
    with reporter.photos() as show:
        candidates = read_candidates(predictor, listing.photos, show)
    errors = (*listing.errors, *candidates.errors)
    if not candidates.files:
        raise SeamlineError(f"{errors[0].file}: {errors[0].reason}; no photo can be read")
    train = _training_images(predictor, reporter)
    choices, left_out = _choose(predictor, candidates, train, count, reporter)
    result = Suggestions(
        run=str(predictor.path),
        photos=tuple(_describe(candidates, choice) for choice in choices),
        left_out=tuple(left_out),
        errors=errors,
        unused=listing.unused,
    )
    if out is not None:
        _write(Path(out), result)
    return result


def _training_images(predictor: Predictor, reporter: Reporter) -> Split | None:
    """Return the training images of a model, or those of them that its run keeps, and report which."""
    folder = RunFolder(find_model(predictor.path))
    if not (folder.info.path.is_file() and find_spec("torch")):
        reporter.say(f"{predictor.path}: no run folder, so photos are not compared with the training images")
        return None
    from seamline.training.run_data import load_run_data, load_stored_images  # imports PyTorch

    info = folder.info.read()
    if Path(info.dataset.source).exists():  # nothing is downloaded for this
        try:
            return load_run_data(folder, None, None, reporter)[1].train
        except SeamlineError as error:
            reporter.say(str(error))
    stored = load_stored_images(folder)
    images = 0 if stored is None else len(stored[0])
    reporter.say(f"photos are compared with {images:,} of the {info.dataset.train:,} training images: those in the run")
    return None if stored is None else stored[0]


def _search(candidates: Candidates, train: Split | None, reporter: Reporter) -> DuplicateGroups:
    """Return the groups of related images among training images and candidates, in this order."""
    shape = candidates.images.shape[1:]
    if train is not None and train.images.shape[1:] == shape:
        images = concat([train.images, candidates.images])
    else:
        images = candidates.images
    digest = hashlib.sha256(str(images.shape).encode())
    for chunk in iter_chunks(images):
        digest.update(np.ascontiguousarray(chunk).data)
    with reporter.counting("searching for near-duplicates") as counted:
        key = digest.hexdigest()[:32]
        return cached_near_duplicates(key, lambda: find_near_duplicates(images, progress=counted))


def _choose(
    predictor: Predictor, candidates: Candidates, train: Split | None, count: int, reporter: Reporter
) -> tuple[list[Choice], list[PhotoError]]:
    """Choose photos; return them, and the near-duplicates that are left out for them and for training images."""
    groups = _search(candidates, train, reporter)
    start = len(groups.groups) - len(candidates.files)
    of_training, own = groups.groups[:start].tolist(), groups.groups[start:].tolist()
    names = () if train is None else train.names  # `of_training` is empty where images have another size
    taken = {group: f"the training image {name}" for group, name in zip(of_training, names, strict=False)}
    left_out: list[PhotoError] = []

    def allow(index: int) -> bool:
        file, group = candidates.files[index], own[index]
        if group in taken:
            left_out.append(PhotoError(file=str(file), reason=f"near-duplicate of {taken[group]}"))
            return False
        taken[group] = str(file)
        return True

    space = None
    if candidates.features is not None:
        space = FeatureSpace.of(predictor, candidates.features, None if train is None else train.images)
    else:
        reporter.say(f"{predictor.path}: has no features, so photos are ranked by entropy alone")
    return choose_photos(candidates.entropies, space, count, allow), left_out


def _describe(candidates: Candidates, choice: Choice) -> SuggestedPhoto:
    """Return a chosen photo with the reason."""
    entropy = candidates.entropies[choice.index]
    rank = 1 + int((candidates.entropies > entropy).sum())
    reason = f"entropy {entropy:.3f}, rank {rank:,} of {len(candidates.files):,}"
    if candidates.features is not None:
        reason += f"; distance {choice.distance:.2f} to the nearest training image or photo before"
    return SuggestedPhoto(
        path=str(candidates.files[choice.index].absolute()), score=round(choice.score, 6), reason=reason
    )


def _write(file: Path, result: Suggestions) -> None:
    """Write the result, whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        suggestions_file(file).write(result)
    except OSError as error:
        raise SeamlineError(f"--out {file}: cannot be written ({error.strerror}); name another file") from None
