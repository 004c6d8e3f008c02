"""A folder of corrected photos: each with the mask or label that a person gave it, in a layout that trains.

    images/20250612-street-3f9a2c1b.jpg                     the photo, without its metadata
    images/20250612-street-3f9a2c1b.correction.json         the sidecar: when, and with which model
    masks/20250612-street-3f9a2c1b.png                      the classes of its pixels
    classes.json                                            names and colors of the classes

For labels, the image and its sidecar are in the folder of the class. The sidecar is written first and the image last:
a mask without its image, which an interrupted save leaves, has a sidecar, by which training tells it from a mistake.
"""

import hashlib
import io
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_folder.classes import CLASS_FILES, declared_classes
from seamline.data.image_folder.detect_format import detect_format
from seamline.data.image_folder.file_tree import SIDECAR, class_folder, is_sidecar, list_tree, normalize
from seamline.data.masks import Color, encode_mask
from seamline.errors import SeamlineError, list_first
from seamline.io import iter_files, write_bytes, write_text
from seamline.run_folder import Task

IMAGES, MASKS = "images", "masks"
MAX_SLUG = 40
"""Characters of a photo's name that remain in the name of its correction."""

_LAYOUTS = {"segmentation": "images and masks in two folders", "classification": "class folders"}
_JPEG_QUALITY = 95
_NAME = re.compile(r"[0-9]{8}-[0-9A-Za-z_-]{1,40}-[0-9a-f]{8}\.(jpg|png)")


class Correction(Struct, frozen=True, kw_only=True):
    """The sidecar of a corrected image. Training does not read it."""

    photo: str  # name of the photo's file
    sha256: str  # 64 hexadecimal digits of the digest of the photo's file
    bytes: int  # size of the photo's file
    corrected: datetime  # when it was saved, UTC
    model: str  # name of the model whose prediction was corrected
    weights: str  # digest of the model's weights
    image: str  # the image, relative to the folder
    mask: str | None = None  # its mask, relative to the folder; null for labels
    label: str | None = None  # its class; null for masks


class CorrectedPhoto(Struct, frozen=True, kw_only=True):
    """A photo that is to be saved."""

    name: str  # name of its file, as it was sent
    content: bytes  # its file
    pixels: NDArray[np.uint8]  # (H, W, 3), upright
    label: str | NDArray[np.uint8]  # its class; or the classes of its pixels (H, W), 0..K-1 and IGNORE_INDEX


@dataclass(frozen=True)
class CorrectionFolder:
    """A folder to which corrections of one model are saved."""

    folder: Path  # the folder
    task: Task  # whether masks or labels are corrected
    classes: tuple[str, ...]  # K class names
    palette: tuple[Color, ...]  # K colors of masks; empty for labels
    model: str  # name of the model
    weights: str  # digest of its weights

    def prepare(self) -> None:
        """Create the folder and its class file, or check that those of an existing one fit.

        Raises:
            SeamlineError: the folder cannot be written to, or has other classes or another layout.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_contents()
            with TemporaryFile(dir=self.folder):
                pass
            if not any((self.folder / name).is_file() for name in CLASS_FILES):
                classes = dict(zip(self.classes, self.palette, strict=True)) if self.palette else [*self.classes]
                write_text(self.folder / "classes.json", msgspec.json.encode(classes).decode() + "\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SeamlineError(
                f"--collect {self.folder}: cannot be written to ({reason}); name a folder in which you may write"
            ) from None

    def save(self, photo: CorrectedPhoto) -> Correction:
        """Save a photo with its mask or label under a name of its own.

        A photo that is saved twice is there twice: the name has the date and eight random digits.

        Raises:
            OSError: a file cannot be written, such as for a full disk; then none of them remains.
        """
        lossy = photo.content[:3] == b"\xff\xd8\xff"
        correction = self._describe(photo, ".jpg" if lossy else ".png")
        image = self.folder / correction.image
        files = {sidecar_of(image): msgspec.json.format(msgspec.json.encode(correction), indent=1) + b"\n"}
        if correction.mask is not None and not isinstance(photo.label, str):
            files[self.folder / correction.mask] = encode_mask(photo.label, self.palette)
        files[image] = _encode_image(photo.pixels, lossy=lossy)
        written: list[Path] = []
        try:
            for file, content in files.items():
                written.append(file)
                write_bytes(file, content)
        except BaseException:
            for file in reversed(written):
                file.unlink(missing_ok=True)
            raise
        return correction

    def remove(self, image: str, sha256: str) -> bool:
        """Remove an earlier correction of the same photo; return whether there was one.

        Args:
            image: the image, as `Correction.image` names it.
            sha256: the digest of the photo's file.
        """
        parent, _, name = image.partition("/")
        file = self.folder / image
        is_inside = parent in self._parents and _NAME.fullmatch(name)
        correction = _read_sidecar(sidecar_of(file)) if is_inside else None
        if correction is None or (correction.image, correction.sha256) != (image, sha256):
            return False
        mask = None if correction.mask is None else self.folder / MASKS / f"{file.stem}.png"
        for one in filter(None, (file, mask, sidecar_of(file))):
            one.unlink(missing_ok=True)
        return True

    def corrections(self) -> Iterator[Correction]:
        """Yield the sidecars of the folder's images; files that are none are skipped."""
        for file in iter_files(self.folder, lambda _: None):
            if is_sidecar(file) and (correction := _read_sidecar(file)) and (self.folder / correction.image).is_file():
                yield correction

    @property
    def _parents(self) -> list[str]:
        """The folders of images."""
        return [IMAGES] if self.task == "segmentation" else [*map(class_folder, self.classes)]

    def _check_contents(self) -> None:
        """Refuse a folder with other classes or another layout."""
        declared = tuple(declared_classes(self.folder))
        tree = list_tree(self.folder)
        classes = tuple(map(normalize, self.classes))
        if declared and (declared != classes if self.palette else {*declared} != {*classes}):
            self._refuse(f"has the classes {list_first(declared)}")
        if not tree.images or any(map(is_sidecar, tree.files)):  # a folder of corrections was checked when it began
            return
        contents = detect_format(self.folder)
        if contents.layout != _LAYOUTS[self.task]:
            self._refuse(f"has the layout {contents.layout}")
        if any(sample.split for sample in contents.samples):
            self._refuse("has folders of splits")
        labels = {sample.label for sample in contents.samples if sample.label is not None}
        if not declared and (self.palette or labels - {*classes}):
            self._refuse(f"has the classes {list_first(sorted(labels))}" if labels else "has masks and no classes.json")

    def _refuse(self, problem: str) -> None:
        listed = list_first(self.classes)
        raise SeamlineError(
            f"--collect {self.folder}: {problem}, and {self.model} predicts {listed}; name an empty folder"
        )

    def _describe(self, photo: CorrectedPhoto, suffix: str) -> Correction:
        """Return the sidecar of a photo, with names that no file has yet."""
        now = datetime.now(UTC).replace(microsecond=0)
        label = photo.label if isinstance(photo.label, str) else None
        parent = IMAGES if label is None else class_folder(label)
        while True:
            stem = f"{now:%Y%m%d}-{_slug(photo.name)}-{secrets.token_hex(4)}"
            if not (self.folder / parent / f"{stem}{suffix}").exists():
                break
        return Correction(
            photo=PurePosixPath(photo.name.replace("\\", "/")).name[:255].encode(errors="replace").decode(),
            sha256=hashlib.sha256(photo.content).hexdigest(),
            bytes=len(photo.content),
            corrected=now,
            model=self.model,
            weights=self.weights,
            image=f"{parent}/{stem}{suffix}",
            mask=None if label is not None else f"{MASKS}/{stem}.png",
            label=label,
        )


def sidecar_of(image: Path) -> Path:
    """Return the sidecar of an image."""
    return image.with_name(image.stem + SIDECAR)


def _read_sidecar(file: Path) -> Correction | None:
    """Return the content of a sidecar; None where it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Correction)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return None


def _slug(name: str) -> str:
    """Return what remains of a photo's name: letters, digits, `-` and `_`, which every file system takes."""
    plain = re.sub(r"[^0-9A-Za-z_-]+", "-", PurePosixPath(name.replace("\\", "/")).stem)
    return plain[:MAX_SLUG].strip("-_") or "photo"


def _encode_image(pixels: NDArray[np.uint8], *, lossy: bool) -> bytes:
    """Encode an image (H, W, 3) uint8 without metadata: as JPEG of high quality, or PNG; gray ones in one channel."""
    gray = bool((pixels == pixels[..., :1]).all())
    picture = Image.fromarray(pixels[..., 0] if gray else pixels)
    stream = io.BytesIO()
    if lossy:
        picture.save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        picture.save(stream, "PNG")
    return stream.getvalue()
