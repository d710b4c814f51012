"""Checkpoints of a long training: after each epoch, everything needed to continue is in the run's folder.

A checkpoint holds the weights, the optimizer's state with its averaged weights, and the curves. It belongs to one
recipe and one data set (training.runs.occupied refuses others). An unusable checkpoint is named, and its phase starts
again from the beginning.
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

from maskwatch.system import whole_file
from training.runs import allocator, batch_norm, course

Curves = dict[str, list[float]]


def fingerprint(**parts: Any) -> str:
    """A hash of everything a run depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def of_weights(model: keras.Model) -> str:
    """A hash of a model's weights."""
    return hashlib.sha256(b"".join(np.asarray(weight).tobytes() for weight in model.weights)).hexdigest()


class Checkpoint(keras.callbacks.Callback):
    """Saves after every epoch. It must come before SwapEMAWeights in the callbacks, to save the raw weights."""

    def __init__(self, folder: Path, key: str, name: str = "checkpoint") -> None:
        super().__init__()
        self.name = name
        self.weights, self.state, self.key = folder / f"{name}.weights.h5", folder / f"{name}.json", key
        self.curves: Curves = {}
        self.began = time.monotonic()

    def resume(self, trainer: keras.Model, epochs: int) -> int:
        """Restore a compiled model from the checkpoint. After all its `epochs` the model gets its averaged weights.

        Returns:
            The number of finished epochs.
        """
        trainer.optimizer.build(trainer.trainable_variables)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        before = [np.array(variable) for variable in variables]
        try:
            state = json.loads(self.state.read_text())
            if state["key"] != self.key:
                return self._anew("of another training")
            epoch, curves = int(state["epoch"]), dict(state["curves"])
            trainer.load_weights(self.weights)
        except (OSError, ValueError, KeyError, TypeError):
            for variable, value in zip(variables, before, strict=True):  # a broken file may have been loaded in part
                variable.assign(value)
            return self._anew("damaged")
        self.curves = curves
        if epoch >= epochs:
            trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        print(f"{self.weights}: going on after epoch {epoch}", flush=True)
        return epoch

    def _anew(self, why: str) -> int:
        """No epoch is finished; says why if there are files of a checkpoint."""
        if self.weights.exists() or self.state.exists():
            print(f"{self.weights}: {why}, so this phase starts again", flush=True)
        return 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in {**(logs or {}), "seconds": time.monotonic() - self.began}.items():
            self.curves.setdefault(name, []).append(float(value))
        state = json.dumps({"key": self.key, "epoch": epoch + 1, "curves": self.curves})
        with whole_file.beside(self.weights) as temporary:
            self.model.save_weights(temporary)
            self.state.unlink(missing_ok=True)  # the state must never lie beside weights of another epoch
        whole_file.write(self.state, state)


class _Judged(keras.callbacks.Callback):
    """Adds more figures to an epoch's logs, before the checkpoint saves them."""

    def __init__(self, judge: Callable[[], dict[str, float]]) -> None:
        super().__init__()
        self.judge = judge

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        variables = self.model.trainable_variables
        raw = [np.array(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)  # the averages
        if logs is not None:
            logs.update(self.judge())
        for variable, value in zip(variables, raw, strict=True):
            variable.assign(value)


class Epochs(Protocol):
    """Batches that depend only on the epoch and on their index in it."""

    epoch: int

    def __len__(self) -> int:
        """The number of batches of an epoch."""


def fit(
    trainer: keras.Model,
    batches: Epochs,
    epochs: int,
    checkpoint: Checkpoint,
    save: Callable[[], None],
    later: int = 0,
    judge: Callable[[], dict[str, float]] | None = None,
    ended: Callable[[Curves], bool] = lambda _: False,
    **options: Any,
) -> None:
    """Train a compiled model for the rest of its epochs; it ends with its averaged weights.

    Args:
        trainer: compiled with an optimizer that averages (use_ema).
        batches: a keras PyDataset.
        epochs: their total number.
        checkpoint: of this run.
        save: writes the averaged model; called after each epoch and at the end.
        later: number of batches of the phases that follow, for the time left.
        judge: more figures of an epoch for the curves; called while the network has its averaged weights.
        ended: whether a training with these curves needs no further epoch.
        options: more for keras.Model.fit.
    """
    batches.epoch = checkpoint.resume(trainer, epochs)
    if batches.epoch and ended(checkpoint.curves):  # it was interrupted after its last epoch
        trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        save()
        return

    averaged: list[np.ndarray] = []

    def save_and_end() -> None:
        save()
        trainer.stop_training = ended(checkpoint.curves)
        averaged[:] = [np.array(variable) for variable in trainer.trainable_variables] if trainer.stop_training else []

    shown = course.Course(checkpoint.name, epochs, len(batches), later)
    try:
        with batch_norm.fused():
            trainer.fit(
                batches,
                initial_epoch=batches.epoch,
                epochs=epochs,
                shuffle=False,  # batches are random already, in an order that an interruption does not change
                verbose=0,
                callbacks=[
                    allocator.KeepFreedMemory(),
                    *([_Judged(judge)] if judge else []),
                    checkpoint,
                    keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                    keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save_and_end()),
                    shown,
                ],
                **options,
            )
    finally:
        shown.close()
    if averaged:  # SwapEMAWeights expects no early end, and Keras puts the raw weights back
        for variable, value in zip(trainer.trainable_variables, averaged, strict=True):
            variable.assign(value)
    save()
