"""Check that masks and polygons fit their images: the size for which they were drawn, and the EXIF orientation."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum

from seamline.data.image_folder.polygons import polygon_area
from seamline.data.image_folder.records import FolderContents, Polygon, Sample
from seamline.data.image_io import ImageHeader
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

_MIN_AREA = 1e-6  # of a polygon, in pixels

Size = tuple[int, int]
"""Height and width in pixels."""


class Fit(Enum):
    """How labels fit an image."""

    UPRIGHT = "they were drawn on the upright image"
    STORED = "they were drawn on the image as it is stored, before it is turned by EXIF"
    UNDECIDED = "the image is turned by EXIF, and the size does not tell which of the two"
    OTHER = "they have another size"


def fit_labels(size: Size | None, upright: Size, orientation: int) -> Fit:
    """Return how labels fit an image.

    Args:
        size: height and width of the mask, or those that a file states; None where it states none.
        upright: height and width of the upright image.
        orientation: EXIF orientation of the image, 1..8.
    """
    stored = stored_size(upright, orientation)
    if size is not None and size not in (upright, stored):
        return Fit.OTHER
    if orientation == 1:
        return Fit.UPRIGHT
    if size is None or stored == upright:
        return Fit.UNDECIDED
    return Fit.UPRIGHT if size == upright else Fit.STORED


def stored_size(upright: Size, orientation: int) -> Size:
    """Return height and width of an image before it is turned by its EXIF orientation, 1..8."""
    return (upright[1], upright[0]) if orientation in (5, 6, 7, 8) else upright


def check_polygons(contents: FolderContents, headers: Sequence[ImageHeader]) -> tuple[tuple[UnusedData, ...], str]:
    """Check the polygons of a folder against its images.

    Args:
        contents: the contents of the folder.
        headers: the header of the image of each sample.

    Returns:
        Entries of the polygons that cover no pixel of their image, and a warning of those that are cut off, or "".

    Raises:
        SeamlineError: a file states another size than that of the image.
    """
    pairs = [pair for pair in zip(contents.samples, headers, strict=True) if pair[0].polygons is not None]
    _refuse_other_sizes(contents, pairs)
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for sample, header in pairs:
        height, width = sample.label_size or header.size
        for polygon in sample.polygons or ():
            if isinstance(polygon, Polygon) and (place := _place(polygon, height, width)):
                counts[place] += 1
                examples.setdefault(place, sample.name)
    total = sum(len(sample.polygons or ()) for sample, _ in pairs)
    unused = tuple(
        UnusedData(
            kind="annotations",
            what=what,
            count=counts[what],
            fraction=counts[what] / total,
            reason="they cover no pixel; correct or remove them",
            example=examples[what],
        )
        for what in (_OUTSIDE, _EMPTY)
        if counts[what]
    )
    if not counts[_CUT]:
        return unused, ""
    return unused, (
        f"{counts[_CUT]:,} of {total:,} polygons, such as one in {examples[_CUT]}, reach beyond their image and are "
        "cut off at its edge"
    )


_OUTSIDE, _EMPTY, _CUT = "polygons outside their image", "polygons without an area", "cut"


def _place(polygon: Polygon, height: int, width: int) -> str:
    """Return whether a polygon covers nothing of an image, or is cut off; an empty string for others."""
    if polygon_area(polygon) < _MIN_AREA:
        return _EMPTY
    x, y = zip(*polygon.points, strict=True)
    if max(x) <= 0 or min(x) >= width or max(y) <= 0 or min(y) >= height:
        return _OUTSIDE
    return _CUT if min(*x, *y) < -1 or max(x) > width + 1 or max(y) > height + 1 else ""


def _refuse_other_sizes(contents: FolderContents, pairs: Sequence[tuple[Sample, ImageHeader]]) -> None:
    """Refuse images of another size than the one for which a file gives polygons."""
    others = [
        (sample, header)
        for sample, header in pairs
        if fit_labels(sample.label_size, header.size, header.orientation) is Fit.OTHER
    ]
    if not others:
        return
    sample, header = others[0]
    height, width = sample.label_size or header.size
    rows, columns = header.size
    scaled = abs(height * columns - width * rows) <= max(height, width, rows, columns)
    advice = (
        "the images were scaled after they were annotated: use the original images, or scale sizes and polygons alike"
        if scaled
        else "use the images that were annotated, or annotate these"
    )
    raise SeamlineError(
        f"{contents.root}: {len(others):,} of {len(pairs):,} images have another size than their annotations state, "
        f"such as {sample.name}, {columns} x {rows} instead of {width} x {height} (width x height); {advice}"
    )
