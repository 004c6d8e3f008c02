"""Sample photos to try a model with: drawn ones of pretrained models, validation images of other runs."""

import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from seamline.inference.predictor import Predictor, find_model
from seamline.inference.pretrained import pretrained_name
from seamline.run_folder import RunFolder, StoredImages

COUNT = 3
"""Samples of a model, at most."""

_DRAWN = Path(__file__).parent / "sample_photos"  # written by bench/sample_photos.py
_MEDIA = {".jpg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True)
class Sample:
    """A photo to try a model with."""

    name: str  # a file name
    media_type: str  # `image/jpeg` or `image/png`
    content: bytes  # the file
    drawn: bool  # whether a program drew it


def load_samples(predictor: Predictor) -> tuple[Sample, ...]:
    """Return at most `COUNT` samples, never test images; none for a file or a run without stored images.

    Raises:
        SeamlineError: the images that the run has stored are damaged.
    """
    path = find_model(predictor.path)
    if drawn := pretrained_name(path):
        files = sorted((_DRAWN / drawn).iterdir())
        return tuple(Sample(file.name[2:], _MEDIA[file.suffix], file.read_bytes(), drawn=True) for file in files)
    if not path.is_dir():
        return ()
    folder = RunFolder(path)
    images = folder.read_stored_images(folder.info.read())
    return () if images is None else tuple(_of_run(images))


def _of_run(images: StoredImages) -> list[Sample]:
    """Return validation images, of different classes where each has one."""
    if images.val_labels.ndim == 1:
        firsts = np.sort(np.unique(images.val_labels, return_index=True)[1])
    else:
        firsts = np.linspace(0, len(images.val_images), COUNT, endpoint=False, dtype=np.int64)
    samples = []
    for number, index in enumerate(islice(dict.fromkeys(firsts.tolist()), COUNT), 1):
        stream = io.BytesIO()
        Image.fromarray(images.val_images[index].squeeze()).save(stream, "PNG")
        samples.append(Sample(f"validation-image-{number}.png", "image/png", stream.getvalue(), drawn=False))
    return samples
