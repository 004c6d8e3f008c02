"""Datasets of photos with COCO annotations, whose splits and groups are fixed by a list in this package.

The lists, `splits/NAME.json`, contain the names of the photos of each scene and split; `bench/split_lists.py` makes
them. The classes are those of the maps in `seamline.data.class_map.builtin`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from seamline.data.class_map.builtin import CLASS_MAPS
from seamline.data.dataset import Dataset
from seamline.data.sources.locate import alternatives, find_files, refuse_missing
from seamline.errors import DatasetUnavailableError, SeamlineError, list_first
from seamline.run_folder import ClassMap, UnusedData

if TYPE_CHECKING:
    from seamline.data.image_folder.records import Sample

ANNOTATIONS = "annotations.json"
"""The file of annotations, beside the folder `images`."""

Scenes = tuple[tuple[str, ...], ...]
"""The photos of each scene: names of files without their suffix."""


@dataclass(frozen=True)
class CocoSet:
    """A dataset of photos with COCO annotations."""

    name: str  # its name on the command line
    title: str  # its display name
    photos: str  # what it contains, and where to get it
    size: str  # width x height to which photos are resized by default
    description: str  # source, license and citation
    # photo -> class whose largest polygon outlines the front, by a mistake in the annotations, and counts as facade
    mislabeled: Mapping[str, str] = field(default_factory=dict)


STREETS = CocoSet(
    "streets",
    "Swiss streets",
    "478 photos of the GitHub repository a-hwang/building-facade-segmentation (CC BY 4.0), scaled to 512 x 512",
    "384x384",
    "Source: 478 photos of buildings in Swiss streets with polygons, "
    "https://github.com/a-hwang/building-facade-segmentation, scaled to 512 x 512 pixels; its annotation files state "
    "CC BY 4.0. What no polygon covers, such as sky, is other. In 7 photos a polygon of street or "
    "traffic-infrastructure outlines the front, by mistake, and counts as facade. Training, validation and test photos "
    "show different scenes.",
    {
        "20230329_202943_467_R_1": "traffic-infrastructure",
        "20230417_200805_757_R_0": "street",
        "20230417_204813_777_R_0": "street",
        "IMG_0863_0": "street",
        "IMG_5972_1": "street",
        "IMG_6013_0": "street",
        "IMG_6152_0": "street",
    },
)

WINDOWS = CocoSet(
    "windows",
    "Saint Petersburg fronts",
    "250 photos of the GitHub repository Urban-Research-Lab/building-facades-advertising-dataset (CC0 1.0), scaled to "
    "at most 1024 pixels",
    "768x480",
    "Source: 250 street fronts of Saint Petersburg with boxes, "
    "https://github.com/Urban-Research-Lab/building-facades-advertising-dataset, CC0 1.0. Pixels inside the box of a "
    "window are window, all others are other, which includes the few windows of far buildings without a box; those of "
    "doors and arches count nowhere. Training, validation and test photos show different scenes.",
)


class SplitList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scenes of each split."""

    seed: int  # seed of the split
    train: Scenes
    val: Scenes
    test: Scenes


class Assignment(NamedTuple):
    """The split and the group of a photo."""

    split: str
    group: int


def read_split_list(name: str) -> dict[str, Assignment]:
    """Return the split and the group of each photo of a dataset, by the name of its file without suffix."""
    file = Path(__file__).parent / "splits" / f"{name}.json"
    splits = msgspec.json.decode(file.read_bytes(), type=SplitList)
    scenes = [(split, scene) for split in ("train", "val", "test") for scene in getattr(splits, split)]
    return {photo: Assignment(split, group) for group, (split, scene) in enumerate(scenes) for photo in scene}


def load(
    coco_set: CocoSet,
    folder: Path | None = None,
    *,
    class_map: ClassMap,
    size: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Load a dataset from a folder; it cannot be downloaded.

    It is read from `folder`, or from the folder NAME inside it; by default from `$SEAMLINE_DATA/NAME`.

    Args:
        coco_set: the dataset.
        folder: contains `annotations.json` and `images`.
        class_map: its class map.
        size: width x height to which photos are resized; by default that of the dataset.
        progress: called with the number of photos decoded and the total.

    Returns:
        The dataset: images (N, H, W, 3) uint8 and labels (N, H, W) uint8, with training, validation and test split.
        The photos of a scene are one group.

    Raises:
        DatasetUnavailableError: no folder is given and none is found.
        SeamlineError: photos or annotations are missing or invalid.
        ClassMapError: the class map does not fit.
    """
    from seamline.data.image_folder import detect_format, load_contents  # imports OpenCV, which takes a while

    location = find_files(coco_set.name, folder, _list_annotations)
    if location is None:
        raise DatasetUnavailableError(
            f"{coco_set.name}: is not on this machine and cannot be downloaded; it is {coco_set.photos}, with "
            f"annotations.json and images; {alternatives('synthetic-facades')}"
        )
    refuse_missing(coco_set.title, (ANNOTATIONS,), location)
    assigned, builtin = read_split_list(coco_set.name), CLASS_MAPS[coco_set.name]
    contents = detect_format(location.files[ANNOTATIONS], class_map=class_map)
    samples = [sample for sample in contents.samples if sample.file.stem in assigned]
    others = [sample.name for sample in contents.samples if sample.file.stem not in assigned]
    if missing := sorted(assigned.keys() - {sample.file.stem for sample in samples}):
        raise SeamlineError(
            f"{location.files[ANNOTATIONS]}: lacks {len(missing):,} of {len(assigned):,} photos of {coco_set.title} "
            f"({list_first(missing)}); {location.advice}"
        )
    samples = [_with_facade(sample, coco_set.mislabeled.get(sample.file.stem)) for sample in samples]
    contents = replace(
        contents,
        samples=[replace(sample, split=assigned[sample.file.stem].split) for sample in samples],
        classes=tuple(dict.fromkeys((*builtin.classes, *builtin.ignore, *contents.classes))),
        unused=(*contents.unused, *_unlisted(others)),
    )
    data = load_contents(location.folder, contents, size=size or coco_set.size, progress=progress).data
    names = [name for split in data.splits for name in split.names]
    groups = np.array([assigned[Path(name).stem].group for name in names], np.int64)
    return replace(
        data.with_groups(groups),
        name=coco_set.name,
        title=coco_set.title,
        description=coco_set.description,
        records={},
    )


def _with_facade(sample: "Sample", label: str | None) -> "Sample":
    """Return a sample whose largest polygon of a class is a facade instead; unchanged if it has no such polygon."""
    from seamline.data.image_folder.polygons import polygon_area

    candidates = [polygon for polygon in sample.polygons or () if polygon.label == label]
    if not candidates:
        return sample
    outline = max(candidates, key=polygon_area)
    polygons = (replace(one, label="facade") if one is outline else one for one in sample.polygons or ())
    return replace(sample, polygons=tuple(polygons))


def _list_annotations(folder: Path) -> dict[str, Path]:
    """Return the annotations in a folder by the name of their file."""
    return {ANNOTATIONS: folder / ANNOTATIONS} if (folder / ANNOTATIONS).is_file() else {}


def _unlisted(names: list[str]) -> tuple[UnusedData, ...]:
    """Return the entry of photos that are in no split; nothing where there are none."""
    if not names:
        return ()
    reason = "they are in none of the fixed splits; use them as a folder of your own"
    return (UnusedData(kind="images", what="photos", count=len(names), reason=reason, example=names[0]),)
