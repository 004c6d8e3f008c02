"""Named training configurations for each task."""

from dataclasses import replace

from seamline.errors import SeamlineError
from seamline.run_folder import Task
from seamline.training.config import TrainConfig

_CLASSIFIER_FAST = TrainConfig(
    model="cnn-fast",
    epochs=2,
    batch_size=256,
    lr=5e-3,
    optimizer="muon",
    muon_lr=0.1,
    weight_decay=1e-2,
    schedule="linear",
    hflip=True,
)

_CLASSIFIER_BEST = replace(
    _CLASSIFIER_FAST,
    model="residual-best",
    epochs=24,
    warmup=0.2,
    label_smoothing=0.1,
    translate=2,
    erase=0.5,
    ema_decay=0.999,
)

_CLASSIFIER_PRESETS = {
    "fast": _CLASSIFIER_FAST,
    "best": _CLASSIFIER_BEST,
    "sprint": replace(_CLASSIFIER_FAST, epochs=1.3),
    "original": TrainConfig(model="cnn", epochs=50, batch_size=1024, lr=1e-3),
}
"""`fast`: a CNN of two convolutions, trained in seconds. `best`: a residual network with strong augmentation, under
half an hour on two cores. `sprint`: `fast`, for two thirds of the time. `original`: the plain model, Adam at 1e-3 and
unweighted cross entropy, for 50 epochs."""

_SEGMENTER_FAST = TrainConfig(
    model="unet-fast",
    epochs=24,
    batch_size=8,
    lr=5e-3,
    optimizer="adamw",
    weight_decay=5e-2,
    schedule="linear",
    hflip=True,
    translate=32,
    scale_jitter=0.5,
    aspect_jitter=0.25,
    color_jitter=0.3,
    cutmix=0.5,
)

_SEGMENTER_PRESETS = {
    "fast": _SEGMENTER_FAST,
    "best": replace(_SEGMENTER_FAST, model="unet-best", epochs=55, scale_jitter=0.6),
    "sprint": TrainConfig(
        model="unet-sprint",
        epochs=4,
        batch_size=8,
        lr=1e-2,
        optimizer="muon",
        muon_lr=0.05,
        weight_decay=5e-2,
        schedule="linear",
        hflip=True,
        translate=16,
        scale_jitter=0.25,
        aspect_jitter=0.1,
        color_jitter=0.1,
        train_scale=0.5,
    ),
    "original": TrainConfig(model="facadenet", epochs=15, batch_size=10, lr=1e-3, weight_decay=1e-5),
    "fcn": TrainConfig(model="fcn", epochs=30, batch_size=10, lr=1e-3, weight_decay=1e-5),
}
"""`fast` and `best`: a small and a larger U-Net with strong augmentation, against overfitting on few images; minutes
and half an hour on two cores. `sprint`: a smaller one on images of half the size, seconds. `original`: the
FacadeNet, Adam at 1e-3 and equal class weights. `fcn`: a fully convolutional network, trained alike, for longer."""

_PHOTO_SEGMENTER_BEST = TrainConfig(
    model="unet-lite0",
    epochs=40,
    batch_size=8,
    lr=2e-3,
    optimizer="muon",
    muon_lr=0.05,
    weight_decay=5e-2,
    schedule="linear",
    warmup=0.1,
    hflip=True,
    scale_jitter=1.0,
    aspect_jitter=0.25,
    perspective=0.25,
    color_jitter=0.3,
    gamma_jitter=0.7,
    crop=256,
    cutmix=0.5,
    encoder_lr=0.2,
    frozen_stages=3,
)

PHOTO_PRESETS = {"fast": replace(_PHOTO_SEGMENTER_BEST, epochs=6, cutmix=0.0), "best": _PHOTO_SEGMENTER_BEST}
"""`fast` and `best` for masks of photos as people take them: a U-Net on pretrained features, trained on parts of the
photos at a wide range of scales, in perspective, and in the light of dusk and glare."""

PRESETS: dict[Task, dict[str, TrainConfig]] = {
    "classification": _CLASSIFIER_PRESETS,
    "segmentation": _SEGMENTER_PRESETS,
}
"""Task -> name -> preset."""


def get_preset(name: str, task: Task) -> TrainConfig:
    """Return a preset, a key of `PRESETS[task]`.

    Raises:
        SeamlineError: there is no such preset; the line lists those there are.
    """
    presets = PRESETS[task]
    if name not in presets:
        raise SeamlineError(f"--preset {name}: no such preset for {task}; the presets are {', '.join(presets)}")
    return presets[name]
