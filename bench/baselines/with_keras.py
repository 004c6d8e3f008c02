"""Keras on TensorFlow: arrays, `compile`, `fit`."""

import os

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

from typing import Any

import keras
import numpy as np
from keras import layers

from baselines.work import RATE, Clock, Work, answer


def study() -> Any:
    """Two convolutions of 32 filters, kernel 5."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def facadenet(side: int) -> Any:
    """Six convolutions, two transposed ones, batch normalisation after each ReLU."""
    steps: list[Any] = [keras.Input((side, side, 3))]
    for number, outputs in enumerate((32, 64, 128, 256, 1024, 256)):
        steps += [layers.Conv2D(outputs, 3, padding="same", activation="relu"), norm()]
        if number < 3:
            steps.append(layers.MaxPooling2D(2))
    steps += [layers.Conv2DTranspose(64, 3, 2, padding="same", activation="relu"), norm()]
    steps += [layers.Conv2DTranspose(5, 3, 2, padding="same"), layers.UpSampling2D(2, interpolation="bilinear")]
    return keras.Sequential(steps)


def norm() -> Any:
    """PyTorch's batch normalisation."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


class Timed(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
    """The clock around each epoch."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """An epoch begins."""
        self.clock.start()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch has ended."""
        self.clock.stop()


def train(work: Work, clock: Clock) -> list[float]:
    """Two epochs."""
    images = (work.images.astype(np.float32) / 255 - work.mean) / work.std  # once, outside the clock
    model = study() if work.task == "garments" else facadenet(images.shape[1])
    model.compile(
        keras.optimizers.Adam(RATE, epsilon=1e-8), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(
        images, work.labels, batch_size=work.batch, epochs=2, shuffle=True, verbose=0, callbacks=[Timed(clock)]
    )
    return [float(loss) for loss in history.history["loss"]]


if __name__ == "__main__":
    answer(train)
