"""Out-of-fold predictions: each image is predicted by a model that was trained without it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from seamline.data.dataset import Split
from seamline.data.lazy_array import ArrayLike
from seamline.data.loader import Batches
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA
from seamline.models.blocks import BaseModel
from seamline.models.classifiers import LiteClassifier
from seamline.models.factory import build_model
from seamline.progress import Reporter
from seamline.training.config import TrainConfig
from seamline.training.head_init import encode_images, fit_weights, sample_rows
from seamline.training.loop import Training

_FOLD_STREAM = 4  # distinguishes this random stream from others with the same seed


def fold_indices(groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign images to folds that have about as many groups each; no group is in two folds.

    Args:
        groups: (N,) int64, the group of each image.
        folds: number of folds.
        seed: seed of the assignment.

    Returns:
        (N,) int64, 0..folds-1.
    """
    _, group = np.unique(groups, return_inverse=True)
    count = int(group.max(initial=-1)) + 1
    order = np.random.default_rng([_FOLD_STREAM, seed]).permutation(count)
    fold: NDArray[np.int64] = (order % folds)[group]
    return fold


def out_of_fold_logits(
    split: Split,
    n_classes: int,
    config: TrainConfig,
    *,
    folds: int,
    seed: int,
    device: torch.device,
    reporter: Reporter,
) -> NDArray[np.float32]:
    """Train a model per fold on the images of all other folds, and predict the fold.

    Each is trained for half of the epochs: a second opinion on labels need not be the best one. Of a classifier with a
    pretrained encoder, only the head is fitted, to features that are computed once.

    Args:
        split: images to classify.
        n_classes: number of classes K.
        config: the training configuration.
        folds: number of folds, 2 or more.
        seed: seed of folds, initial weights and batches.
        device: where to train.
        reporter: reports progress.

    Returns:
        (N, K) float32; 0 where a fold leaves fewer than two images to train on.
    """
    fold, labels = fold_indices(split.groups, folds, seed), np.asarray(split.labels[:])
    logits = np.zeros((len(split), n_classes), np.float32)
    initial = build_model(
        config.model,
        split.images.shape[1:],
        n_classes,
        task="classification",
        seed=seed,
        pretrained=config.pretrained,
        choices=config.layer_choices,
    )
    shorter = replace(config, epochs=max(0.5, config.epochs / 2), checkpoint_metric="last")
    features: NDArray[np.float32] | None = None
    with reporter.counting("checking labels") as progress:
        if config.pretrained and isinstance(initial, LiteClassifier):
            features = encode_images(initial.to(device), split.images, hflip=False, progress=progress)

        def report(fold: int, epoch: int) -> None:
            progress(1000 * fold + round(1000 * epoch / max(1.0, shorter.epochs)), 1000 * folds)

        for number in range(folds):
            train, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if not len(held_out) or len(train) < 2:
                continue
            if features is not None:
                rows = train[sample_rows(labels[train], n_classes)]
                counts = np.bincount(labels[train], minlength=n_classes)
                weights, bias = fit_weights(features[:, rows], labels[rows], counts, config)
                logits[held_out] = features[0, held_out] @ weights.T + bias
                continue
            logits[held_out] = train_and_predict(
                deepcopy(initial),
                split.select(train),
                split.select(held_out).images,
                shorter,
                seed=seed,
                device=device,
                on_epoch=partial(report, number),
            )
    return logits


def train_and_predict(
    model: BaseModel,
    train: Split,
    images: ArrayLike,
    config: TrainConfig,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> NDArray[np.float32]:
    """Train a classifier in memory, and predict images.

    Args:
        model: the model, not trained; it is trained in place.
        train: the training images.
        images: (N, H, W, C) uint8, the images to predict.
        config: the training configuration.
        seed: seed of the batches.
        device: where to train.
        on_epoch: called with the number of each epoch that has ended.

    Returns:
        (N, K) float32 logits, averaged over mirror images where the configuration mirrors.
    """
    model.init_from_data(train.images)
    model.to(device)
    batches = Batches(
        train, config.batch_size, task="classification", seed=seed, augmentation=config.augmentation, device=device
    )
    training = Training(model, batches, config)
    for epoch in training:
        on_epoch(epoch.epoch)
    return predict_logits(TTA(training.final_model, config.hflip), images)
