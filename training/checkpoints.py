"""A long training survives an interruption: after each epoch everything it needs to go on lies in the run's folder.

The file holds the weights, the optimizer's state with its averaged weights, and the curves. It belongs to one recipe
and one data set: a changed knob starts afresh.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from training import allocator

Curves = dict[str, list[float]]


def fingerprint(**parts: Any) -> str:
    """A hash of everything a run depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def of_weights(model: keras.Model) -> str:
    """A hash of a model's weights."""
    return hashlib.sha256(b"".join(np.asarray(weight).tobytes() for weight in model.weights)).hexdigest()


class Checkpoint(keras.callbacks.Callback):
    """Saves after every epoch; stands before SwapEMAWeights in the list, so that the weights saved are the raw ones."""

    def __init__(self, folder: Path, key: str, name: str = "checkpoint") -> None:
        super().__init__()
        self.weights, self.state, self.key = folder / f"{name}.weights.h5", folder / f"{name}.json", key
        self.curves: Curves = {}
        self.began = time.monotonic()

    def resume(self, trainer: keras.Model, epochs: int) -> int:
        """Bring a compiled model back to where it was; the number of epochs that are done.

        When those are all its `epochs`, it gets the averaged weights, as after the last of them.
        """
        trainer.optimizer.build(trainer.trainable_variables)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        before = [np.array(variable) for variable in variables]
        try:
            state = json.loads(self.state.read_text())
            if state["key"] != self.key:
                return 0
            epoch, curves = int(state["epoch"]), dict(state["curves"])
            trainer.load_weights(self.weights)
        except (OSError, ValueError, KeyError, TypeError):
            for variable, value in zip(variables, before, strict=True):  # half a file may have been read
                variable.assign(value)
            return 0
        self.curves = curves
        if epoch >= epochs:
            trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        print(f"{self.weights}: going on after epoch {epoch}", flush=True)
        return epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in {**(logs or {}), "seconds": time.monotonic() - self.began}.items():
            self.curves.setdefault(name, []).append(float(value))
        temporary = self.weights.with_name(f"writing-{self.weights.name}")
        self.model.save_weights(temporary)
        state = json.dumps({"key": self.key, "epoch": epoch + 1, "curves": self.curves})
        self.state.unlink(missing_ok=True)  # never a state beside weights of another epoch
        temporary.replace(self.weights)
        self.state.write_text(state)


class Epochs(Protocol):
    """Batches that depend on the epoch and their place in it, and on nothing else."""

    epoch: int


def fit(
    trainer: keras.Model, batches: Epochs, epochs: int, checkpoint: Checkpoint, save: Callable[[], None], **options: Any
) -> None:
    """Train a compiled model, or what is left of its epochs; it ends with its averaged weights.

    Args:
        trainer: compiled with an optimizer that averages (use_ema).
        batches: a keras PyDataset.
        epochs: all there are to be.
        checkpoint: of this run.
        save: writes the averaged model; called after each epoch and at the end.
        options: more for keras.Model.fit.
    """
    batches.epoch = checkpoint.resume(trainer, epochs)
    trainer.fit(
        batches,
        initial_epoch=batches.epoch,
        epochs=epochs,
        shuffle=False,  # batches are random already, and in an order that an interruption does not change
        verbose=2,
        callbacks=[
            allocator.KeepFreedMemory(),
            checkpoint,
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save()),
        ],
        **options,
    )
    save()
