"""The epoch whose weights are kept, and when a training stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from maskwatch.system import whole_file

Curves = Mapping[str, Sequence[float]]


def best(curves: Curves) -> int:
    """The epoch, from 0, with the most validation photographs right; of equal epochs, the one with the lowest loss."""
    order = np.lexsort((curves["val_loss"], -np.asarray(curves["val_accuracy"])))
    return int(order[0])


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the best epoch so far on disk, and ends a training that no longer improves.

    Keras must call it after the curves contain the epoch, and while the averaged weights are in the network.
    """

    def __init__(self, network: keras.Model, curves: dict[str, list[float]], prefix: Path, patience: int) -> None:
        super().__init__()
        self.network, self.curves, self.prefix, self.patience = network, curves, prefix, patience

    def file(self, epoch: int) -> Path:
        """The file of the weights after that epoch, counted from 0."""
        return self.prefix.with_name(f"{self.prefix.name}-{epoch:04}.weights.h5")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        if best(self.curves) == epoch:
            with whole_file.beside(self.file(epoch)) as temporary:
                self.network.save_weights(temporary)
            for other in self.saved_epochs()[:-1]:
                self.file(other).unlink()
        self.model.stop_training = self.stalled()

    def stalled(self) -> bool:
        """Whether the last `patience` epochs were no better, so that the training ends."""
        done = len(self.curves.get("val_accuracy", ()))
        return bool(self.patience and done) and done - 1 - best(self.curves) >= self.patience

    def saved_epochs(self) -> list[int]:
        """The epochs whose weights are on disk: more than one if the process was killed while it saved."""
        found = self.prefix.parent.glob(f"{self.prefix.name}-*.weights.h5")
        return sorted(int(path.name.split("-")[-1].split(".")[0]) for path in found)

    def restore(self) -> int:
        """Load the best saved weights into the network; returns their epoch, from 0."""
        curves = self.curves
        epoch = max(self.saved_epochs(), key=lambda at: (curves["val_accuracy"][at], -curves["val_loss"][at]))
        self.network.load_weights(self.file(epoch))
        return epoch


class SeededDropout(keras.callbacks.Callback):
    """Makes dropout depend on the seed and the epoch alone, because Keras does not save its state with the weights."""

    def __init__(self, network: keras.Model, seed: int) -> None:
        super().__init__()
        self.layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - keras's
        for number, layer in enumerate(self.layers):
            drawn = np.random.default_rng([self.seed, epoch, number]).integers(2**32, size=2, dtype=np.uint32)
            layer.seed_generator.state.assign(drawn)
