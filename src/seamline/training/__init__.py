"""Training: configuration, loop, optimizers, checkpoints, signals, distributed."""
