"""Whether an exported network gives the answers of the one it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.data.lazy_array import ArrayLike, iter_chunks
from seamline.evaluation.average_precision import average_precision
from seamline.evaluation.calibration import best_temperature
from seamline.evaluation.evaluate import SampledLogits
from seamline.inference.backends import ENGINES, PORTION, open_graph
from seamline.inference.tiled import Ask

CLOSE = 1e-3
"""The largest difference in a score or a probability with which a file is written."""

AGREEMENT = 0.999
"""The least share of answers (images or pixels) that must be the same."""

PIXELS = 2_000_000
"""Pixels of images that are compared, about."""

_RANKED = 20_000_000  # pixels of masks whose scores are held at once


@dataclass(frozen=True)
class Check:
    """How an exported network compares.

    Attributes:
        engine: a key of `ENGINES`.
        images: how many images were asked about.
        difference: the largest one in a score or a probability.
        agreement: the share of images, or of pixels, that get the same class.
    """

    engine: str
    images: int
    difference: float
    agreement: float

    @property
    def passes(self) -> bool:
        """Whether the file may be written; a NaN never passes."""
        return self.difference <= CLOSE and self.agreement >= AGREEMENT

    def __str__(self) -> str:
        title = ENGINES[self.engine].title
        return f"{title}: {self.agreement:.3%} of the answers the same, largest difference {self.difference:.1e}"


def some_of(images: ArrayLike, pixels: int = PIXELS) -> NDArray[np.uint8]:
    """Return images spread evenly over (N, H, W, C), as many as have so many pixels, at least one."""
    chosen: NDArray[np.uint8] = images[_spread(images, pixels)]
    return chosen


def _spread(images: ArrayLike, pixels: int) -> NDArray[np.int64]:
    """Return places spread evenly over images (N, H, W, C), as many as have so many pixels, at least one."""
    count = min(len(images), max(1, pixels // int(np.prod(images.shape[1:3]))))
    return np.linspace(0, len(images) - 1, count).round().astype(np.int64)


def check(file: Path, engine: str, ask: Ask, temperature: float, images: ArrayLike, *, segments: bool) -> Check:
    """Compare an exported network with the one it was made from, on real images.

    Where it gives masks it is also asked about images of other sizes: parts of the first ones.

    Args:
        file: ONNX.
        engine: a key of `ENGINES`.
        ask: the network that it was made from.
        temperature: with which `probabilities` are made.
        images: (N, H, W, C) uint8.
        segments: whether it gives masks.
    """
    outputs = {name: open_graph(file, engine, output=name)[1] for name in ("scores", "probabilities")}
    chosen = some_of(images)
    iter_batches = list(iter_chunks(chosen, PORTION))
    if segments:
        height, width = chosen.shape[1:3]
        iter_batches += [chosen[:1, : height - height // 7, : width - width // 5], chosen[:2, : height // 2 + 1]]
    same = total = 0
    difference = 0.0
    for portion in iter_batches:
        expected = ask(portion)
        powers = np.exp((expected - expected.max(1, keepdims=True)) / temperature)
        wanted = {"scores": expected, "probabilities": powers / powers.sum(1, keepdims=True)}
        found = {name: output(portion) for name, output in outputs.items()}
        difference = max(difference, *(float(np.abs(found[name] - wanted[name]).max()) for name in found))
        agreed = found["scores"].argmax(1) == expected.argmax(1)
        same, total = same + int(agreed.sum()), total + agreed.size
    return Check(engine, len(chosen), difference, same / total)


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of labelled images.

    Attributes:
        scores: (N, K) or (N, K, H, W) float32.
        labels: (N,), 0..K-1, or (N, H, W), 0..K-1 or `IGNORE_INDEX`.
    """

    scores: NDArray[np.float32]
    labels: NDArray[np.integer[Any]]

    @property
    def worth(self) -> float:
        """Accuracy, or the mean average precision of pixels by raw scores."""
        if self.labels.ndim == 1:
            return float((self.scores.argmax(1) == self.labels).mean())
        counts = self.labels != IGNORE_INDEX
        kinds = range(self.scores.shape[1])
        found = [average_precision(self.scores[:, k][counts], self.labels[counts] == k) for k in kinds]
        return float(np.nanmean(found))

    @property
    def temperature(self) -> float:
        """The temperature with the lowest negative log likelihood; see `seamline.evaluation.calibration`."""
        logits = self.scores.reshape(*self.scores.shape[:2], -1)
        labels = self.labels.reshape(len(self.labels), -1)
        valid = labels != IGNORE_INDEX if self.labels.ndim == 3 else np.ones(labels.shape, dtype=bool)
        return best_temperature(SampledLogits(logits, labels, logits.argmax(1), valid))


def answers_of(ask: Ask, split: Split) -> Answers:
    """Ask a network about a split.

    Of larger splits of masks images spread evenly are used, as many as have 20 million pixels.

    Args:
        ask: the network.
        split: with true labels.
    """
    some = split if split.labels.ndim == 1 else split.select(_spread(split.images, _RANKED))
    scores = np.concatenate([ask(piece) for piece in iter_chunks(some.images, PORTION)])
    return Answers(scores, np.asarray(some.labels[:]))
