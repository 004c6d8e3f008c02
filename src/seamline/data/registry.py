"""A name -> a Dataset."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from seamline.data.dataset import Dataset
from seamline.data.downloads import Progress
from seamline.data.image_folder import load_folder
from seamline.data.sources import cmp_facades, facades, fashion_mnist, synthetic
from seamline.errors import SeamlineError
from seamline.run_folder import ReferenceResult, Task

Counted = Callable[[int, int], None]


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that can be called by name.

    Attributes:
        title: what it is, in a few words.
        task: `classification` or `segmentation`.
        load: takes the user's folder or None, a callable for the progress of downloads or None, and the seconds to
            wait for a server; gives the dataset.
        reference_results: published results on its images, for the report.
    """

    title: str
    task: Task
    load: Callable[[Path | None, Progress | None, float], Dataset]
    reference_results: tuple[ReferenceResult, ...] = ()


def load(
    name: str,
    folder: Path | str | None = None,
    *,
    size: str | None = None,
    progress: Progress | None = None,
    counted: Counted | None = None,
    timeout: float = 20.0,
) -> Dataset:
    """Return the dataset called `name`.

    Args:
        name: a key of `DATASETS`, such as `fashion-mnist`, or a folder or table of the user's own images.
        folder: where its files lie; None looks in `SEAMLINE_DATA`, then in the cache, then on the network.
        size: what own images are brought to, see `seamline.data.image_folder.load_folder`.
        progress: called with file name, bytes done and bytes in all (or None) while files are downloaded.
        counted: called with images done and images in all while own images are decoded.
        timeout: seconds to wait for a server, for connecting and for each read.

    Raises:
        SeamlineError: there is no dataset of that name, or its files cannot be had or read.
    """
    if is_path(name):
        if folder is not None:
            raise SeamlineError(f"--data-dir {folder}: {name} is a folder itself; leave --data-dir out")
        return load_folder(Path(name).expanduser(), size=size, progress=counted)
    if name not in DATASETS:
        raise SeamlineError(f"{name}: there is no such dataset or folder; there are {', '.join(DATASETS)}")
    if size is not None:
        raise SeamlineError(f"--image-size {size}: is for own images; those of {name} have one size")
    spec = DATASETS[name]
    data = spec.load(None if folder is None else Path(folder).expanduser(), progress, timeout)
    return replace(data, reference_results=spec.reference_results) if spec.reference_results else data


def is_path(name: str) -> bool:
    """Tell whether a name is that of a folder or a table of the user's own images; names of datasets come first."""
    return name not in DATASETS and Path(name).expanduser().exists()


def _fashion_mnist(folder: Path | None, progress: Progress | None, timeout: float) -> Dataset:
    return fashion_mnist.load(folder, progress=progress, timeout=timeout)


def _facades(folder: Path | None, progress: Progress | None, timeout: float) -> Dataset:
    return facades.load(folder, progress=progress, timeout=timeout)


def _cmp_facades(folder: Path | None, progress: Progress | None, timeout: float) -> Dataset:
    return cmp_facades.load(folder, progress=progress, timeout=timeout)


def _synthetic_fashion(folder: Path | None, progress: Progress | None, timeout: float) -> Dataset:
    return _synthetic(synthetic.FASHION, synthetic.load_fashion, folder)


def _synthetic_facades(folder: Path | None, progress: Progress | None, timeout: float) -> Dataset:
    return _synthetic(synthetic.FACADES, synthetic.load_facades, folder)


def _synthetic(name: str, load_synthetic: Callable[[], Dataset], folder: Path | None) -> Dataset:
    if folder is not None:
        raise SeamlineError(f"--data-dir {folder}: {name} is synthetic and needs no folder; leave it out")
    return load_synthetic()


DATASETS: dict[str, DatasetSpec] = {
    "fashion-mnist": DatasetSpec(
        "70,000 grey images of garments in ten classes (Zalando Research)", "classification", _fashion_mnist
    ),
    "facades": DatasetSpec(
        "1,020 crops of building fronts with masks of five classes (mini facade set)", "segmentation", _facades
    ),
    "cmp-facades": DatasetSpec(
        "606 building fronts with masks, brought to these classes (CMP, Prague)", "segmentation", _cmp_facades
    ),
    "synthetic-fashion": DatasetSpec(
        "synthetic garments of the same ten classes", "classification", _synthetic_fashion
    ),
    "synthetic-facades": DatasetSpec(
        "synthetic streets with masks of the same five classes", "segmentation", _synthetic_facades
    ),
}
