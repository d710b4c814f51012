"""A callback that repeats the settings of training.runs.memory during a training."""

from __future__ import annotations

import keras

from training.runs import memory


class KeepFreedMemory(keras.callbacks.Callback):
    """Sets the limits at the first batch of each epoch: the data pipeline has changed them by then."""

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        if batch == 0:
            memory.keep_freed_memory()
