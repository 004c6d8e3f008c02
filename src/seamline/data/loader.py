"""A split, cut into random batches on the device.

The images stay uint8: the network normalises them. Chance is a function of (seed, epoch, place of the sample) and
of nothing else, so a run that was interrupted meets the same batches when it goes on.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seamline.data import transforms
from seamline.data.augmentation import Augmentation
from seamline.data.dataset import IGNORE_INDEX, Split
from seamline.data.lazy_array import ArrayLike, LazyArray
from seamline.errors import SeamlineError
from seamline.run_folder import Task

IGNORE_LABEL = -100
"""The label of a pixel that counts nowhere, as PyTorch's losses have it."""

_ORDER, _FLIP, _SHIFT, _FORM, _COLOUR, IN_NETWORK, _CUT = range(2, 9)  # each kind of chance has a stream of its own


class Batch(NamedTuple):
    """Images and labels to learn from in one step.

    Attributes:
        images: (B, C, H, W) uint8, channels last in memory.
        labels: (B,) or (B, H, W) int64, 0..K-1, or `IGNORE_LABEL`.
    """

    images: Tensor
    labels: Tensor


class Batches:
    """The batches of a split, epoch by epoch.

    Args:
        split: the images to learn from.
        batch_size: images in a batch; the last batch of an epoch may be smaller, and an image that would be alone in it
            joins the batch before: statistics of a batch need two.
        seed: decides the order and the random changes.
        task: what the labels are for; masks are augmented with their images.
        augmentation: what the images go through.
        device: where the batches are made, and the images held if memory holds them.
        shard: (number, count): of every batch, yield the part that this one of so many processes takes.

    Raises:
        SeamlineError: images whose labels are of the whole are to be cut.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        task: Task,
        seed: int,
        augmentation: Augmentation | None = None,
        device: torch.device | str = "cpu",
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.masks = task == "segmentation"
        self.shard = shard
        self.batch_size = batch_size
        self.seed = seed
        self.augmentation = augmentation or Augmentation()
        self.device = torch.device(device)
        self.images = self._held(split.images)
        self.labels = self._held(split.labels)
        if self.augmentation.cutmix and not self.masks:
            raise SeamlineError(
                f"recipe: cutmix must be 0 where labels are of whole images, got {self.augmentation.cutmix}"
            )

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, math.ceil((len(self.images) - 1) / self.batch_size)) if self.batch_size > 1 else len(self.images)

    def batch_len(self, place: int) -> int:
        """Return how many images the batch at `place` (from 0) has, all processes' parts together."""
        return len(self.images) - place * self.batch_size if place + 1 == len(self) else self.batch_size

    def _held(self, values: ArrayLike) -> Tensor | LazyArray:
        """Return images or labels as a tensor on the device; rows that are larger than memory stay where they are."""
        return values if isinstance(values, LazyArray) else torch.from_numpy(values).to(self.device)

    def _at(self, values: Tensor | LazyArray, places: Tensor) -> Tensor:
        """Return those of `_held` at `places` (n,), on the device."""
        if isinstance(values, LazyArray):
            return torch.from_numpy(values[places.cpu().numpy()]).to(self.device)
        return values[places]

    def epoch(self, number: int, begin: int = 0) -> Iterator[Batch]:
        """Yield the batches of epoch `number` (from 1), from place `begin` (from 0) on."""
        device = self.device
        masks = self.masks
        order = torch.randperm(len(self.images), generator=self._chance(_ORDER, number)).to(device)
        mirrored = self._mirrored(number)
        places = self._places(number)
        moves = self._moves(number) if places is None else None
        colours = self._colours(number)
        cuts = self._cuts(number)
        for place in range(begin, len(self)):
            start = place * self.batch_size
            whole = order[start : start + self.batch_len(place)]
            first, last = _bounds(len(whole), *self.shard)
            chosen = whole[first:last]
            led = cuts is not None and len(chosen) < len(whole)  # the first may go on as the one before it: make both
            if led and len(chosen):
                chosen = torch.cat([whole[first - 1 : first] if first else whole[-1:], chosen])
            images, labels = self._at(self.images, chosen).permute(0, 3, 1, 2), self._at(self.labels, chosen)
            if not len(chosen):
                yield Batch(images, labels.long())
                continue
            if mirrored is not None:
                images = transforms.flip(images, mirrored[chosen])
                labels = transforms.flip(labels, mirrored[chosen]) if masks else labels
            if moves is not None:
                down, right = moves[chosen].unbind(1)
                images = transforms.shift(images, down, right, self.augmentation.translate_px)
            if places is not None:
                images = transforms.warp(images, places[chosen], self.augmentation.train_scale)
                labels = (
                    transforms.warp_masks(labels, places[chosen], self.augmentation.train_scale) if masks else labels
                )
            if colours is not None:
                mixing, lift = colours
                images = transforms.recolour(images, mixing[chosen], lift[chosen])
            if cuts is not None:
                images, labels = (transforms.cutmix(either, cuts[chosen])[led:] for either in (images, labels))
            yield Batch(images, _targets(labels) if masks else labels)

    def _mirrored(self, epoch: int) -> Tensor | None:
        """Return which samples are mirrored, (N,) bool.

        A sample alternates between its two sides, so that every two epochs show it whole (Keller Jordan, 94 % on
        CIFAR-10 in 3.29 seconds on a single GPU, 2024).
        """
        if not self.augmentation.hflip:
            return None
        first = torch.randint(2, (len(self.images),), generator=self._chance(_FLIP, 0))
        return ((first + epoch) % 2 == 1).to(self.device)

    def _moves(self, epoch: int) -> Tensor | None:
        """Return how far each sample moves down and right, (N, 2) int64."""
        reach = self.augmentation.translate_px
        if not reach:
            return None
        chance = self._chance(_SHIFT, epoch)
        return torch.randint(-reach, reach + 1, (len(self.images), 2), generator=chance).to(self.device)

    def _places(self, epoch: int) -> Tensor | None:
        """Return where each sample's places are read from, (N, 2, 3) float32, as `augment.warp` takes it.

        None where images are at most moved by whole pixels, which is done without reading between pixels.
        """
        changes = self.augmentation
        shifted = changes.translate_px and self.masks
        if not (shifted or changes.scale_jitter or changes.aspect_jitter or changes.train_scale != 1):
            return None
        sides = torch.tensor([self.images.shape[2], self.images.shape[1]])
        drawn = torch.rand((len(self.images), 4), generator=self._chance(_FORM, epoch)) * 2 - 1
        larger = (1 + changes.scale_jitter) ** drawn[:, 0]
        wider = (1 + changes.aspect_jitter) ** (drawn[:, 1] / 2)
        places = torch.zeros(len(self.images), 2, 3)
        places[:, 0, 0], places[:, 1, 1] = 1 / (larger * wider), wider / larger
        places[:, :, 2] = drawn[:, 2:] * changes.translate_px * 2 / sides
        return places.to(self.device)

    def _colours(self, epoch: int) -> tuple[Tensor, Tensor] | None:
        """Return how each sample's colours are mixed, (N, C, C), and lifted, (N, C), as `augment.recolour` takes it.

        Saturation draws the channels towards their mean or away from it, contrast draws all from the middle grey,
        brightness and tint lift all channels and each of them.
        """
        reach, channels = self.augmentation.color_jitter, self.images.shape[-1]
        if not reach:
            return None
        drawn = torch.rand((len(self.images), 3 + channels), generator=self._chance(_COLOUR, epoch)) * 2 - 1
        contrast, saturation = (1 + reach * drawn[:, :2]).unbind(1)
        lift = 128 * (1 - contrast) + 64 * reach * drawn[:, 2]
        mean = torch.full((channels, channels), 1 / channels)
        mixing = mean + saturation[:, None, None] * (torch.eye(channels) - mean)
        lifts = lift[:, None] + 32 * reach * drawn[:, 3:]
        device = self.device
        return (contrast[:, None, None] * mixing).to(device), lifts.to(device)

    def _cuts(self, epoch: int) -> Tensor | None:
        """Return the column from which each sample goes on as another, (N,) int64, as `augment.cutmix` takes it.

        After S. Yun et al., CutMix, ICCV 2019; cut from top to bottom, as streets are. A cut leaves at least a fifth of
        the width on either side.
        """
        if not self.augmentation.cutmix:
            return None
        width = transforms.scaled(self.images.shape[2], self.augmentation.train_scale)
        drawn = torch.rand((len(self.images), 2), generator=self._chance(_CUT, epoch))
        columns = ((0.2 + 0.6 * drawn[:, 1]) * width).long()
        return torch.where(drawn[:, 0] < self.augmentation.cutmix, columns, width).to(self.device)

    def _chance(self, kind: int, epoch: int) -> torch.Generator:
        """Return a generator that depends on the seed, the kind of chance and the epoch alone."""
        return torch.Generator().manual_seed(derive_seed(kind, self.seed, epoch))


def _bounds(size: int, number: int, count: int) -> tuple[int, int]:
    """Return where process `number` of `count` begins and ends in a batch of `size`.

    Nobody gets a single image where there are two: statistics of a batch need two. So a small batch leaves some
    processes with none.
    """
    working = max(1, min(count, size // 2))
    number = min(number, working)
    return number * size // working, min(number + 1, working) * size // working


def derive_seed(*numbers: int) -> int:
    """Return what to seed a generator with: 0..2**63-1, a function of the numbers alone."""
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def _targets(masks: Tensor) -> Tensor:
    """Return masks (B, H, W) as losses take them: int64, ignored pixels `IGNORE_LABEL`."""
    return torch.where(masks == IGNORE_INDEX, IGNORE_LABEL, masks.long())
