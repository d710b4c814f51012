"""The epoch that is kept, when to stop, and what a person sees meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Curves = Mapping[str, Sequence[float]]


def best(curves: Curves) -> int:
    """The epoch, from 0, with the most checked photographs right; of several the one with the least loss."""
    order = np.lexsort((curves["val_loss"], -np.asarray(curves["val_accuracy"])))
    return int(order[0])


class Keeper(keras.callbacks.Callback):
    """Keeps the weights of the best epoch so far on disk, and ends a training that gets no better.

    Must be called after the curves have got the epoch, and while the averaged weights are in place.
    """

    def __init__(self, network: keras.Model, curves: dict[str, list[float]], prefix: Path, patience: int) -> None:
        super().__init__()
        self.network, self.curves, self.prefix, self.patience = network, curves, prefix, patience

    def file(self, epoch: int) -> Path:
        """Of the weights after that epoch, from 0."""
        return self.prefix.with_name(f"{self.prefix.name}-{epoch:04}.weights.h5")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        chosen = best(self.curves)
        if chosen == epoch:
            temporary = self.prefix.with_name(f"writing-{self.prefix.name}.weights.h5")
            self.network.save_weights(temporary)
            temporary.replace(self.file(epoch))
            for other in self.kept()[:-1]:
                self.file(other).unlink()
        if self.patience and epoch - chosen >= self.patience:
            self.model.stop_training = True

    def kept(self) -> list[int]:
        """The epochs whose weights are on disk; more than one after a kill."""
        found = self.prefix.parent.glob(f"{self.prefix.name}-*.weights.h5")
        return sorted(int(path.name.split("-")[-1].split(".")[0]) for path in found)

    def restore(self) -> int:
        """Give the network the best weights that were kept; their epoch, from 0."""
        kept = {epoch: (self.curves["val_accuracy"][epoch], -self.curves["val_loss"][epoch]) for epoch in self.kept()}
        epoch = max(kept, key=lambda each: kept[each])
        self.network.load_weights(self.file(epoch))
        return epoch


class Bar(keras.callbacks.Callback):
    """Batches done of all, with the time left, on stderr; and a line for each epoch."""

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self.epochs, self.bar = epochs, Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(title, total=None)

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        self.bar.advance(self.task)

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        steps = self.params["steps"]
        self.bar.update(self.task, total=self.epochs * steps, completed=epoch * steps)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        said = logs or {}
        figures = "  ".join(f"{name} {value:.4f}" for name, value in said.items())
        self.bar.console.print(f"epoch {epoch + 1} of {self.epochs}: {figures}", highlight=False, soft_wrap=True)

    def on_train_end(self, logs: object = None) -> None:  # noqa: ARG002 - keras's signature
        self.bar.stop()
