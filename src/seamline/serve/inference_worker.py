"""The bytes of a photo -> what the network says of it, one photo at a time, beside the event loop.

It knows nothing of HTTP but the status of a refusal.
"""

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from seamline.data.image_io import NotAnImageError, TooManyPixelsError, read_image
from seamline.data.limits import is_out_of_memory
from seamline.data.masks import encode_mask
from seamline.errors import SeamlineError
from seamline.inference.malloc import give_back_freed_memory
from seamline.inference.overlay import lay_over, png
from seamline.inference.predict import default_size
from seamline.inference.predict_one import label_of, mask_of, shares_of
from seamline.inference.predictor import Model
from seamline.serve.limits import Limits, Refusal, busy

_Made = TypeVar("_Made")
_LARGE = 16_000_000  # pixels from which on the memory that a photo took is given back


class MaskAnswer(BaseModel):
    """What a network that gives masks says of a photo."""

    width: int = Field(description="Pixels of the photo, upright.")
    height: int = Field(description="Pixels of the photo, upright.")
    shares: dict[str, float] = Field(description="The share of the photo's area that each class has, 0 to 1.")
    mask: str | None = Field(description="A palette PNG of the photo's size that holds class numbers, in base64.")


class LabelAnswer(BaseModel):
    """What a network that labels whole images says of a photo."""

    width: int = Field(description="Pixels of the photo, upright.")
    height: int = Field(description="Pixels of the photo, upright.")
    label: str = Field(description="The most probable class.")
    probability: float = Field(description="Its probability, 0 to 1.")
    probabilities: dict[str, float] = Field(description="The probability of each class, 0 to 1; their sum is 1.")


class Answers:
    """Asks a network about photos, in the order in which they come.

    Args:
        model: the network.
        limits: what a photo may cost.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self.model = model
        self.limits = limits
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._turn = asyncio.Lock()

    async def predict(self, content: bytes, *, with_mask: bool) -> MaskAnswer | LabelAnswer:
        """Return what the network says of a photo.

        Args:
            content: the photo's bytes.
            with_mask: whether the answer is to hold the mask; of no matter for networks that label whole images.

        Raises:
            Refusal: 413 for too many pixels, 415 for what is no image, 422 for a damaged one, 503 where the photo's
                turn did not come in time or memory is short.
        """
        if self.model.segments:
            return await self._in_turn(lambda: self._masked(content, with_mask))
        return await self._in_turn(lambda: self._labelled(content))

    async def mask(self, content: bytes) -> bytes:
        """Return a photo's mask as a palette PNG; raises as `predict`, and 409 where the network gives no masks."""
        self._need_masks()
        return await self._in_turn(lambda: encode_mask(self._seen(content)[1], self.model.colours))

    async def overlay(self, content: bytes) -> bytes:
        """Return a photo with its mask's colours laid over it as a PNG; raises as `mask`."""
        self._need_masks()
        return await self._in_turn(lambda: self._overlaid(content))

    def close(self) -> None:
        """End the worker once it has done what it is at."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _need_masks(self) -> None:
        if not self.model.segments:
            raise Refusal(409, "this network labels whole photos and gives no masks; ask /api/predict")

    async def _in_turn(self, work: Callable[[], _Made]) -> _Made:
        """Do some work in the worker's thread when its turn has come.

        Photos wait here and not in the worker's queue, so that one whose time is over leaves nothing behind.
        """
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise busy("other photos took too long; send this one again later") from None
        running = asyncio.get_running_loop().run_in_executor(self._worker, _refusing(work))
        running.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(running)  # a thread cannot be stopped: the turn ends when it does

    def _photo(self, content: bytes) -> NDArray[np.uint8]:
        return read_image(content, name="the photo", limit=self.limits.pixels)

    def _seen(self, content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return a photo (H, W, 3) and its mask (H, W)."""
        pixels = self._photo(content)
        mask = mask_of(self.model, pixels, default_size(self.model))
        if mask.size > _LARGE:
            give_back_freed_memory()
        return pixels, mask

    def _masked(self, content: bytes, with_mask: bool) -> MaskAnswer:
        mask = self._seen(content)[1]
        return MaskAnswer(
            width=mask.shape[1],
            height=mask.shape[0],
            shares=shares_of(self.model, mask),
            mask=base64.b64encode(encode_mask(mask, self.model.colours)).decode() if with_mask else None,
        )

    def _overlaid(self, content: bytes) -> bytes:
        pixels, mask = self._seen(content)
        lay_over(pixels, mask, self.model.colours)
        return png(pixels)

    def _labelled(self, content: bytes) -> LabelAnswer:
        pixels = self._photo(content)
        return LabelAnswer(width=pixels.shape[1], height=pixels.shape[0], **label_of(self.model, pixels))


def _refusing(work: Callable[[], _Made]) -> Callable[[], _Made]:
    """Return some work whose errors are refusals, where they are the photo's or the memory's fault."""

    def done() -> _Made:
        try:
            return work()
        except NotAnImageError as error:
            raise Refusal(415, str(error)) from None
        except TooManyPixelsError as error:
            raise Refusal(413, str(error)) from None
        except SeamlineError as error:
            raise Refusal(422, str(error)) from None
        except (MemoryError, RuntimeError) as error:  # PyTorch's are RuntimeErrors
            if not is_out_of_memory(error):
                raise
            raise busy("the photo needs more memory than there is; scale it down") from None

    return done
