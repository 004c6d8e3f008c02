"""Predicts the photos of requests, one at a time, in a thread beside the event loop."""

import asyncio
import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from seamline.buildings.measurer import Measurer
from seamline.buildings.options import MeasureOptions
from seamline.data.image_io import NotAnImageError, TooManyPixelsError, read_image
from seamline.data.limits import is_out_of_memory
from seamline.data.masks import encode_mask
from seamline.errors import SeamlineError
from seamline.inference.overlay import blend_overlay, encode_png
from seamline.inference.prediction import Prediction
from seamline.inference.predictor import Predictor
from seamline.serve.measurement import MeasureQuery, measure_photo
from seamline.serve.middleware import Limits, too_busy

T = TypeVar("T")


class _Photo(BaseModel):
    width: int = Field(description="Width of the upright photo in pixels.")
    height: int = Field(description="Height of the upright photo in pixels.")
    novelty: float | None = Field(
        description="Distance from the training images over the threshold; above 1 the photo is unlike them. Null "
        "where it is not available."
    )


class SegmentationResponse(_Photo):
    """The prediction of a segmentation model for a photo."""

    class_fractions: dict[str, float] = Field(description="Fraction of the photo's pixels for each class, 0 to 1.")
    class_intervals: dict[str, list[float]] = Field(
        description="Low and high end of the conformal interval of each fraction; empty where the model has none."
    )
    mask: str | None = Field(description="Palette PNG of the photo's size with class indices, in base64.")
    confidence: str | None = Field(
        description="Gray PNG of the photo's size, in base64: the probability of each pixel's class, 0 to 255. Null "
        "unless asked for."
    )


class ClassificationResponse(_Photo):
    """The prediction of a classifier for a photo."""

    label: str = Field(description="The most probable class.")
    probability: float = Field(description="Its probability, 0 to 1.")
    probabilities: dict[str, float] = Field(description="Probability of each class, 0 to 1; they sum to 1.")


class InferenceWorker:
    """Predicts photos in the order in which they arrive."""

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.predictor = predictor
        self.limits = limits
        self._measurer = _measurer_or_reason(predictor)
        self._executor = _one_thread()
        self._lock = asyncio.Lock()

    async def predict(
        self, content: bytes, *, with_mask: bool, with_confidence: bool
    ) -> SegmentationResponse | ClassificationResponse:
        """Predict a photo; the response of a segmentation model includes the mask and the confidence if asked for.

        Raises:
            HTTPException: 413 for too many pixels, 415 if it is no image, 422 for a damaged one, 503 if other photos
                took too long or memory is short.
        """
        return await self.run(content, lambda photo: _to_response(self.predictor(photo), with_mask, with_confidence))

    async def mask(self, content: bytes) -> bytes:
        """Return a photo's mask as a palette PNG; raises as `predict`, and 409 for a classifier."""
        self._require_masks()
        return await self.run(content, lambda photo: encode_mask(_mask(self.predictor(photo)), self.predictor.palette))

    async def overlay(self, content: bytes) -> bytes:
        """Return a photo with its mask laid over it as a PNG; raises as `mask`."""
        self._require_masks()

        def respond(photo: NDArray[np.uint8]) -> bytes:
            prediction = self.predictor(photo)
            blend_overlay(prediction.image, _mask(prediction), prediction.palette)
            return encode_png(prediction.image)

        return await self.run(content, respond)

    @property
    def measures(self) -> bool:
        """Whether the model can measure buildings."""
        return isinstance(self._measurer, Measurer)

    async def measure(self, content: bytes, query: MeasureQuery) -> bytes:
        """Return the measures of the fronts in a photo as JSON.

        Raises:
            HTTPException: as `predict`; 409 for a model that cannot measure, 422 for wrong options and no building.
        """
        self._require_masks()
        measurer = self._measurer
        if not isinstance(measurer, Measurer):
            raise HTTPException(409, measurer)
        return await self.run(content, lambda photo: measure_photo(measurer, content, photo, query))

    def close(self) -> None:
        """Stop the thread after its current photo; if the application is started again, it gets another one."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = _one_thread()

    def _require_masks(self) -> None:
        if self.predictor.task == "classification":
            raise HTTPException(409, "this model is a classifier and predicts no masks; use /api/predict")

    async def run(self, content: bytes, respond: Callable[[NDArray[np.uint8]], T]) -> T:
        """Return what `respond` makes of a photo's pixels in the thread, when its turn has come.

        Photos wait here and not in the executor's queue, so that a photo that gives up leaves nothing behind. Raises as
        `predict`.
        """
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise too_busy("the photo waited too long in the queue; send it again later") from None
        running = asyncio.get_running_loop().run_in_executor(self._executor, self._respond, content, respond)
        running.add_done_callback(lambda _: self._lock.release())
        return await asyncio.shield(running)  # a thread cannot be stopped, so its turn ends when it does

    def _respond(self, content: bytes, respond: Callable[[NDArray[np.uint8]], T]) -> T:
        """Decode a photo and respond to it; errors in the photo and a lack of memory become HTTP errors."""
        try:
            depth = self.predictor.bit_depth
            return respond(read_image(content, name="the photo", limit=self.limits.pixels, depth=depth))
        except NotAnImageError as error:
            raise HTTPException(415, str(error)) from None
        except TooManyPixelsError as error:
            raise HTTPException(413, str(error)) from None
        except SeamlineError as error:
            raise HTTPException(422, str(error)) from None
        except (MemoryError, RuntimeError) as error:  # PyTorch raises RuntimeErrors
            if not is_out_of_memory(error):
                raise
            raise too_busy("there is not enough memory for the photo; scale it down") from None


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="inference")


def _measurer_or_reason(predictor: Predictor) -> Measurer | str:
    """Return what measures buildings with a model, or why the model cannot."""
    try:
        return Measurer.of(predictor, MeasureOptions())
    except SeamlineError as error:
        return re.sub(r"say which with --roles \S+, or ", "", str(error))  # that is for the command line


def _to_response(
    prediction: Prediction, with_mask: bool, with_confidence: bool
) -> SegmentationResponse | ClassificationResponse:
    """Return a prediction as JSON has it."""
    photo: dict[str, Any] = {
        "width": prediction.width,
        "height": prediction.height,
        "novelty": prediction.novelty,
    }
    if prediction.label is None:
        mask = base64.b64encode(encode_mask(_mask(prediction), prediction.palette)).decode() if with_mask else None
        intervals = {name: list(ends) for name, ends in prediction.intervals.items()}
        confidence = _encode_confidence(prediction) if with_confidence else None
        return SegmentationResponse(
            **photo,
            class_fractions=prediction.fractions,
            class_intervals=intervals,
            mask=mask,
            confidence=confidence,
        )
    probabilities = dict(prediction.probabilities)
    return ClassificationResponse(
        **photo, label=prediction.label, probability=probabilities[prediction.label], probabilities=probabilities
    )


def _mask(prediction: Prediction) -> NDArray[np.uint8]:
    if prediction.mask is None:
        raise TypeError("the prediction of a classifier has no mask")
    return prediction.mask


def _encode_confidence(prediction: Prediction) -> str:
    if prediction.confidence is None:
        raise TypeError("the prediction of a classifier has no confidence of pixels")
    return base64.b64encode(encode_png(prediction.confidence)).decode()
