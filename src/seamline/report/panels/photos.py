"""Photos that are no part of the dataset, with what a model made of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from seamline.data.masks import Color, downscale_mask
from seamline.errors import SeamlineError
from seamline.report.contents import Contents
from seamline.report.masks import mask_uri, photo_uri
from seamline.report.panels.panel import Panel
from seamline.report.predictions import Predictions
from seamline.report.reading import read_mask, read_picture
from seamline.report.words import listed, percent, several

SIDES = ((4, 1200), (12, 900), (40, 640))
"""So many photos -> pixels of the longer side of each, so that a page of many stays within bounds."""

SMALLEST = 400
BARS = 10
"""Classes whose probability is shown."""


def photos(run: Contents) -> Panel | None:
    """Show the photos kept with a run."""
    found = run.photos
    if found is None or found.classes != run.classes or not (found.photos or found.failed):
        return None
    return photos_panel(found, run.colours)


def photos_panel(found: Predictions, colours: tuple[Color, ...], title: str = "Photos of your own") -> Panel:
    """Show each photo of a folder of predictions, and name those that could not be read."""
    side = next((side for most, side in SIDES if len(found.photos) <= most), SMALLEST)
    prepare = _segmented if colours else _classified
    shown = [prepare(one, found, colours, side) for one in found.photos]
    values = {
        "photos": shown,
        "masks": bool(colours),
        "classes": found.classes,
        "failed": found.failed,
        "sentences": _sentences(found, masks=bool(colours)),
    }
    return Panel("photos", title, values)


def _segmented(one: Mapping[str, Any], found: Predictions, colours: tuple[Color, ...], side: int) -> dict[str, Any]:
    """Prepare a photo with its mask and the share of each class."""
    mask = downscale_mask(read_mask(_inside(found.folder, one["mask"])), side)
    height, width = mask.shape
    picture = _photo(one, found)
    if picture:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    rows: list[dict[str, Any]] = [
        {"name": name, "place": place, "share": share, "text": percent(share)}
        for place, name in enumerate(found.classes)
        for share in [float(one["shares"].get(name) or 0.0)]
    ]
    texts = sorted(((row["share"], row["name"], row["text"]) for row in rows if row["share"]), key=lambda one: -one[0])
    most = listed([f"{name} ({text})" for _, name, text in texts[:2]])
    half = sum(share for share, _, _ in texts[:2]) > 0.5
    taken = f"Most of it was taken for {most}." if half else f"The largest shares are those of {most}."
    return {
        "name": Path(str(one["file"])).name,
        "photo": photo_uri(picture, side) if picture else None,
        "mask": mask_uri(mask, colours),
        "alt": listed([f"{name} {text}" for _, name, text in texts]),
        "width": width,
        "height": height,
        "rows": rows,
        "sentence": taken if most else "",
    }


def _classified(one: Mapping[str, Any], found: Predictions, colours: tuple[Color, ...], side: int) -> dict[str, Any]:
    """Prepare a photo with its label and the probabilities of the likeliest classes."""
    picture = _photo(one, found)
    known = [(name, float(value)) for name, value in one["probabilities"].items() if value is not None]
    likely = sorted(known, key=lambda pair: -pair[1])[:BARS]
    return {
        "name": Path(str(one["file"])).name,
        "photo": photo_uri(picture, min(side, 480)) if picture else None,
        "label": one["label"],
        "rows": [{"name": name, "share": value, "text": percent(value)} for name, value in likely],
        "more": len(known) - len(likely),
    }


def _photo(one: Mapping[str, Any], found: Predictions) -> Image.Image | None:
    """Read a photo, if it was kept."""
    name = one.get("photo")
    return read_picture(_inside(found.folder, name), colour=True) if name else None


def _inside(folder: Path, name: Any) -> Path:
    """Return the path of a file named in `predictions.json`, which lies beside it and nowhere else."""
    if not isinstance(name, str) or Path(name).name != name:
        raise SeamlineError(f"{folder / 'predictions.json'}: {name!r} is no name of a file beside it; predict again")
    return folder / name


def _sentences(found: Predictions, *, masks: bool) -> list[str]:
    """Say over all photos what was found."""
    if not found.photos:
        return ["No photo could be read."]
    if not masks:
        return []
    if len(found.photos) == 1:  # its own sentence says it
        return []
    means = {
        name: sum(float(one["shares"].get(name) or 0) for one in found.photos) / len(found.photos)
        for name in found.classes
    }
    order = sorted(means, key=lambda name: -means[name])
    never = [name for name in found.classes if not means[name]]
    largest = f"{order[0]} takes up the largest share of the area, {percent(means[order[0]])}"
    sentence = f"Over all {several(len(found.photos), 'photo')} {largest}"
    were = "was" if len(never) == 1 else "were"
    return [f"{sentence}; {listed(never)} {were} not found at all." if never else f"{sentence}."]
