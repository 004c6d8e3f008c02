"""Keras on TensorFlow: arrays, `compile`, `fit`."""

import os

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

from typing import Any

import keras
import numpy as np
from keras import layers

from baselines.workload import LEARNING_RATE, Clock, Workload, run_contender


def cnn() -> Any:
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
    """Six convolutions, two transposed ones, batch normalization after each ReLU."""
    steps: list[Any] = [keras.Input((side, side, 3))]
    for number, outputs in enumerate((32, 64, 128, 256, 1024, 256)):
        steps += [layers.Conv2D(outputs, 3, padding="same", activation="relu"), norm()]
        if number < 3:
            steps.append(layers.MaxPooling2D(2))
    steps += [layers.Conv2DTranspose(64, 3, 2, padding="same", activation="relu"), norm()]
    steps += [layers.Conv2DTranspose(5, 3, 2, padding="same"), layers.UpSampling2D(2, interpolation="bilinear")]
    return keras.Sequential(steps)


def norm() -> Any:
    """Batch normalization with the settings of PyTorch."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


class Timer(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
    """Times each epoch."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self.clock.start()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop the clock."""
        self.clock.stop()


def train(workload: Workload, clock: Clock) -> list[float]:
    """Train for two epochs."""
    images = (workload.images.astype(np.float32) / 255 - workload.mean) / workload.std  # not timed
    model = cnn() if workload.task == "garments" else facadenet(images.shape[1])
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(
        images, workload.labels, batch_size=workload.batch, epochs=2, shuffle=True, verbose=0, callbacks=[Timer(clock)]
    )
    return [float(loss) for loss in history.history["loss"]]


if __name__ == "__main__":
    run_contender(train)
