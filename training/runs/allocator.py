"""Memory settings that a training has to repeat, see training.runs.memory."""

from __future__ import annotations

import keras

from training.runs import memory


class KeepFreedMemory(keras.callbacks.Callback):
    """At the first batch of each epoch: by then the data pipeline has made its own setting."""

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        if batch == 0:
            memory.keep_freed_memory()
