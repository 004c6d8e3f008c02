"""The images of a run that look mislabelled, read from its folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from seamline.errors import SeamlineError
from seamline.report import forms
from seamline.report.reading import read_json, read_picture


@dataclass(frozen=True, eq=False)
class Mislabelled:
    """Images that look mislabelled.

    Attributes:
        judged: split -> how many of its images were judged.
        agree: of how many the judges' answer is the label.
        folds: how many networks judged the training images; 0 where they were not judged.
        tile: height and width of a shown image.
        shown: how many are shown.
        suspects: all of them, the surest first: name, split, label, looks, probability and margin.
        picture: the shown ones, side by side.
    """

    judged: dict[str, int]
    agree: int
    folds: int
    tile: tuple[int, int]
    shown: int
    suspects: list[dict[str, Any]]
    picture: Image.Image


def read_mislabelled(folder: Path, classes: int) -> Mislabelled | None:
    """Read `mislabelled.json` and its picture; None where either is missing.

    Raises:
        SeamlineError: one cannot be read, or they do not fit each other or the classes.
    """
    path, picture_path = folder / "mislabelled.json", folder / "mislabelled.png"
    written = read_json(path, forms.MISLABELLED)
    if written is None or not picture_path.is_file():
        return None
    picture, (height, width) = read_picture(picture_path), written["tile"]
    suspects = [dict(one) for one in written["suspects"]]
    if any(one[key] >= classes for one in suspects for key in ("label", "looks")):
        raise SeamlineError(f"{path}: names a class that the run has not; make the run again")
    if written["shown"] > len(suspects) or picture.width < written["shown"] * width or picture.height < height:
        raise SeamlineError(f"{picture_path}: too small for the images of {path.name}; make the run again")
    judged = dict(written["judged"])
    return Mislabelled(judged, written["agree"], written["folds"], (height, width), written["shown"], suspects, picture)
