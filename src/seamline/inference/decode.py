"""Decodes the photos of a folder while the model works."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest

from seamline.data.image_io import PhotoPixels, read_photo
from seamline.inference.find_images import Photo
from seamline.inference.predictor import LARGE_IMAGE


def decode_ahead(photos: Sequence[Photo], depth: int) -> Iterator[Future[PhotoPixels]]:
    """Yield the pixels of each photo; the next one is decoded while the current one is used.

    After a large photo the next one is decoded only when it is needed, so that memory holds one large photo at a time.

    Args:
        photos: the photos.
        depth: the least bit depth of values of 16 bits; see `read_photo`.
    """
    with ThreadPoolExecutor(1) as reader:
        pending: Future[PhotoPixels] | None = None
        for photo, following in zip_longest(photos, photos[1:]):
            current = pending or reader.submit(read_photo, photo.file, name=str(photo.file), depth=depth)
            large = current.exception() is None and current.result().pixels.size >= 3 * LARGE_IMAGE
            pending = None
            if following is not None and not large:
                pending = reader.submit(read_photo, following.file, name=str(following.file), depth=depth)
            yield current
