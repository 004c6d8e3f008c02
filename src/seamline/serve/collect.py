"""Corrections that people save on the page: the API that receives them, and the list that the page walks through."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from seamline.data.dataset import IGNORE_INDEX
from seamline.data.image_folder.corrections import CorrectedPhoto, CorrectionFolder
from seamline.data.masks import Color, ignored_color, read_mask
from seamline.errors import SeamlineError, size_text
from seamline.inference.predictor import Predictor
from seamline.io import DISK_FULL
from seamline.serve.inference_worker import InferenceWorker
from seamline.serve.middleware import Limits, too_large
from seamline.serve.photo_queue import PhotoQueue
from seamline.serve.responses import BINARY, PHOTO_ERRORS, errors, success
from seamline.serve.superpixels import divide
from seamline.serve.upload import FIELD, PHOTO_BODY, read_fields, read_photo_bytes

MASK_BYTES = 8 << 20
"""Size of a mask and the other fields of a correction, at most."""


class CorrectionResponse(BaseModel):
    """A correction that was saved."""

    image: str = Field(description="The image, relative to the folder.")
    mask: str | None = Field(description="Its mask, relative to the folder; null for labels.")
    label: str | None = Field(description="Its class; null for masks.")
    corrections: int = Field(description="Number of corrections in the folder.")
    replaced: bool = Field(description="Whether an earlier correction was removed.")


class QueueEntry(BaseModel):
    """A photo of the list."""

    name: str
    score: float | None = Field(description="How much a label would teach the model; null where the list has none.")
    reason: str
    corrected: bool = Field(description="Whether the folder has a correction of it.")


class QueueResponse(BaseModel):
    """The photos to correct, the most useful first."""

    photos: list[QueueEntry]


@dataclass(frozen=True)
class CollectOptions:
    """Where corrections are saved, and of which photos."""

    folder: Path  # the folder; it is created if it does not exist
    queue: Path | None = None  # a list of photos to correct, as `seamline suggest` writes it

    @staticmethod
    def of(folder: Path | None, queue: Path | None) -> "CollectOptions | None":
        """Return the options of the command line; None where nothing is collected.

        Raises:
            SeamlineError: there is a list and no folder.
        """
        if folder is None and queue is not None:
            raise SeamlineError(f"--queue {queue}: needs a folder to save corrections in; add --collect FOLDER")
        return None if folder is None else CollectOptions(folder, queue)


@dataclass
class CorrectionStore:
    """Where corrections are saved, and the photos to correct."""

    folder: CorrectionFolder
    queue: PhotoQueue | None = None
    count: int = 0  # corrections in the folder
    corrected: set[int] = field(default_factory=set)  # numbers of the photos of the list that have a correction

    @staticmethod
    def of(predictor: Predictor, folder: Path, queue: Path | None = None) -> "CorrectionStore":
        """Open a folder for the corrections of a model.

        Raises:
            SeamlineError: the folder cannot be used, or the list cannot be read.
        """
        photos = PhotoQueue(queue) if queue else None
        opened = CorrectionFolder(
            folder=folder.expanduser(),
            task=predictor.task,
            classes=predictor.classes,
            palette=predictor.palette,
            model=predictor.metadata.name,
            weights=predictor.metadata.fingerprint or "",
        )
        opened.prepare()
        corrections = [*opened.corrections()]
        return CorrectionStore(opened, photos, len(corrections), photos.corrected(corrections) if photos else set())

    def save(self, pixels: NDArray[np.uint8], content: bytes, fields: "CorrectionFields") -> CorrectionResponse:
        """Save a correction.

        Args:
            pixels: (H, W, 3) uint8, the upright photo.
            content: its file.
            fields: what a person said about it.

        Raises:
            SeamlineError: the label or mask does not fit the model or the photo.
            HTTPException: 507 for a full disk, 500 if the folder cannot be written to.
        """
        label = self._read_label(pixels, fields)
        photo = CorrectedPhoto(name=fields.name, content=content, pixels=pixels, label=label)
        try:
            correction = self.folder.save(photo)
        except OSError as error:
            raise self._unwritable(error) from None
        replaced = bool(fields.replaces) and self._remove(fields.replaces, correction.sha256)
        self.count += not replaced
        if self.queue is not None:
            self.corrected |= self.queue.corrected([correction])
        return CorrectionResponse(
            image=correction.image,
            mask=correction.mask,
            label=correction.label,
            corrections=self.count,
            replaced=replaced,
        )

    def _read_label(self, pixels: NDArray[np.uint8], fields: "CorrectionFields") -> str | NDArray[np.uint8]:
        """Return the class of a photo, or those of its pixels (H, W) uint8."""
        classes = self.folder.classes
        if self.folder.task == "classification":
            if fields.label not in classes:
                raise SeamlineError(f"label: {fields.label[:60]!r} is not a class; choose one that /api/model lists")
            return fields.label
        if not fields.mask:
            raise SeamlineError("mask: is missing; send the classes of the photo's pixels as a PNG")
        height, width = pixels.shape[:2]
        limit = 2 * height * width  # slightly larger masks are refused below, with the better message
        palette = self.folder.palette
        ignore: list[int | Color] = [ignored_color(palette)]
        if len(classes) != 2:  # in a gray mask of two classes, 255 may mean the second one
            ignore.append(IGNORE_INDEX)
        mask = read_mask(fields.mask, len(classes), palette=palette, ignore=ignore, name="mask", limit=limit)
        if (mask == IGNORE_INDEX).all():
            raise SeamlineError("mask: no pixel has a class; label a part of the photo, or skip it")
        rows, columns = mask.shape
        stretch = abs(rows * width - columns * height)
        if rows > height or columns > width or stretch > max(height, width):  # more than the rounding of one pixel
            raise SeamlineError(
                f"mask: is {size_text(mask.shape)} pixels, and the photo {size_text(pixels.shape)}; send it at the "
                "photo's size, or reduced in proportion"
            )
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

    def _remove(self, image: str, sha256: str) -> bool:
        """Remove an earlier correction; return whether it is gone, without an error: the new one has been saved."""
        try:
            return self.folder.remove(image, sha256)
        except OSError:
            return False

    def _unwritable(self, error: OSError) -> HTTPException:
        """Return the error of a correction that could not be written."""
        folder = self.folder.folder.absolute().name
        if error.errno in DISK_FULL:
            return HTTPException(
                507, f"the disk of {folder} is full, and nothing was saved; free some space, and save again"
            )
        reason = error.strerror or type(error).__name__
        return HTTPException(500, f"{folder} cannot be written to ({reason}), and nothing was saved; save again later")


@dataclass(frozen=True)
class CorrectionFields:
    """The fields of a correction besides the photo."""

    name: str  # name of the photo's file
    label: str = ""  # the class, for labels
    mask: bytes = b""  # the mask as a PNG, for masks
    replaces: str = ""  # an earlier correction of the photo, as `CorrectionResponse.image` names it


_TEXT = {"type": "string"}
_MASK = (
    "A PNG of class indices or colors, for segmentation. Where the class is unknown, a color image has the "
    "`ignored_color` of /api/model; indices are 255, of two classes only in a palette with this color."
)
_CORRECTION: dict[str, Any] = {
    "requestBody": {
        "description": "The photo, and its mask or label.",
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: BINARY,
                        "mask": BINARY | {"description": _MASK},
                        "label": _TEXT | {"description": "The class, for classification."},
                        "name": _TEXT | {"description": "Name of the photo; by default that of its file."},
                        "replaces": _TEXT | {"description": "An earlier correction of the photo, to be removed."},
                    },
                }
            }
        },
    }
}


def add_collection(app: FastAPI, worker: InferenceWorker, store: CorrectionStore) -> None:
    """Add the paths of corrections to an application."""
    limits = worker.limits
    form_limits = replace(limits, bytes=limits.bytes + MASK_BYTES)

    @app.post("/api/corrections", status_code=201, responses=errors(*PHOTO_ERRORS, 507), openapi_extra=_CORRECTION)
    async def save_correction(request: Request) -> CorrectionResponse:
        """Save a photo with its mask or label in the folder of `--collect`."""
        content, fields = _parse(await read_fields(request, form_limits))
        if len(content) > limits.bytes:
            raise too_large(limits)
        return await worker.run(content, lambda pixels: store.save(pixels, content, fields))

    if worker.predictor.task == "segmentation":
        _add_superpixels(app, worker)
    if store.queue is not None:
        _add_queue(app, store, store.queue, limits)


def _add_superpixels(app: FastAPI, worker: InferenceWorker) -> None:
    png = success("A PNG.", "image/png") | errors(*PHOTO_ERRORS)

    @app.post("/api/superpixels", response_class=Response, responses=png, openapi_extra=PHOTO_BODY)
    async def superpixels(request: Request) -> Response:
        """Divide a photo into superpixels; the number of each pixel's is 256 times its red, plus its green."""
        content = await read_photo_bytes(request, worker.limits)
        return Response(await worker.run(content, _encode_superpixels), media_type="image/png")


def _add_queue(app: FastAPI, store: CorrectionStore, queue: PhotoQueue, limits: Limits) -> None:
    @app.get("/api/queue")
    async def photos() -> QueueResponse:
        """List the photos of `--queue`; `/api/queue/0` returns the file of the first one."""
        entries = [
            QueueEntry(name=file.name, score=photo.score, reason=photo.reason, corrected=number in store.corrected)
            for number, (file, photo) in enumerate(zip(queue.files, queue.photos, strict=True))
        ]
        return QueueResponse(photos=entries)

    photo = success("The photo's file.", "application/octet-stream") | errors(404, 413)

    @app.get("/api/queue/{number}", response_class=Response, responses=photo)
    async def queued_photo(number: int) -> Response:
        """Return a photo of the queue by its number, from 0."""
        if not 0 <= number < len(queue):
            raise HTTPException(404, f"the queue has the photos 0 to {len(queue) - 1}, and no {number}")
        file = queue.files[number]
        try:
            content = await asyncio.to_thread(_read_start, file, limits.bytes + 1)
        except (OSError, ValueError):
            raise HTTPException(404, f"the file {file.name} cannot be read; skip it") from None
        if len(content) > limits.bytes:
            raise too_large(limits, file.name)
        return Response(content, media_type="application/octet-stream")


def _read_start(file: Path, size: int) -> bytes:
    """Return the first `size` bytes of a file."""
    with file.open("rb") as stream:
        return stream.read(size)


def _encode_superpixels(photo: NDArray[np.uint8]) -> bytes:
    """Return the superpixels of a photo (H, W, 3) uint8 as a PNG: their numbers are 256 * red + green."""
    numbers = divide(photo)
    channels = np.dstack([np.zeros_like(numbers), numbers & 255, numbers >> 8]).astype(np.uint8)  # blue, green, red
    return cv2.imencode(".png", channels)[1].tobytes()


def _parse(form: dict[str, tuple[str, bytes]]) -> tuple[bytes, CorrectionFields]:
    """Return the photo of a form, and its other fields."""
    file_name, content = form.get(FIELD, ("", b""))
    if not content:
        raise HTTPException(400, f"the form has no photo; send it as a file in the field `{FIELD}`")
    texts = {key: form[key][1].decode("utf-8", "replace") for key in ("name", "label", "replaces") if key in form}
    name = texts.pop("name", "") or file_name
    return content, CorrectionFields(name=name, mask=form.get("mask", ("", b""))[1], **texts)
