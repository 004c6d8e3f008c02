"""What `seamline suggest` writes: the photos whose labels would teach a model most."""

from pathlib import Path

from msgspec import Struct

from seamline.run_folder.fields import Number
from seamline.run_folder.json_file import JsonFile
from seamline.run_folder.prediction import PhotoError
from seamline.run_folder.run_info import UnusedData


class SuggestedPhoto(Struct, frozen=True, kw_only=True):
    """A photo to label or correct."""

    path: str  # absolute path of the photo
    score: Number  # entropy times distance when it was chosen; of the first photo of all the highest
    reason: str  # entropy and distance, in words


class Suggestions(Struct, frozen=True, kw_only=True):
    """The photos to label or correct, the most useful first."""

    run: str  # the run folder, exported file or name that the user gave
    photos: tuple[SuggestedPhoto, ...]  # the chosen ones, in the order in which they were chosen
    left_out: tuple[PhotoError, ...] = ()  # near-duplicates of training images or of chosen photos, with the reason
    errors: tuple[PhotoError, ...] = ()  # photos that could not be read
    unused: tuple[UnusedData, ...] = ()  # other files of the named folders


def suggestions_file(path: Path) -> JsonFile[Suggestions]:
    """Return a file that `seamline suggest` writes."""
    return JsonFile(path, Suggestions, "suggest again", f"{path} is not a file that `seamline suggest` wrote")
