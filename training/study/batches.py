"""Training batches of the study's networks: photographs augmented as in the study, or features of a frozen base."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image

ROTATION, ZOOM, SHIFT, SHEAR = math.radians(20), 0.15, 0.2, 0.15  # the study's; shift: of the side, shear: a tangent
Make = Callable[[int, np.random.Generator], NDArray[np.generic]]  # place, randomness -> one input


def varied(image: Image, rng: np.random.Generator) -> Image:
    """The image, randomly turned, zoomed, shifted, sheared and mirrored; outside the image its edge is repeated."""
    side = image.shape[0]
    turn, shear = rng.uniform(-ROTATION, ROTATION), rng.uniform(-SHEAR, SHEAR)
    across, down = rng.uniform(1 - ZOOM, 1 + ZOOM, 2)
    across *= rng.choice((-1, 1))
    rotate = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    matrix = rotate @ np.array([[1, shear], [0, 1]]) @ np.diag([across, down])
    centre = np.full(2, (side - 1) / 2)
    moved = centre - matrix @ centre + rng.uniform(-SHIFT, SHIFT, 2) * side
    window = np.column_stack([matrix, moved])
    return np.asarray(cv2.warpAffine(image, window, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)


class Batches(keras.utils.PyDataset):
    """Every photograph once an epoch, in full batches; batch i of an epoch depends on the seed alone."""

    def __init__(
        self, make: Make, labels: NDArray[np.int64], batch: int, seed: int, process: int = 0, processes: int = 1
    ) -> None:
        """With several processes, each makes its own part of every batch."""
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.make, self.labels, self.batch, self.seed = make, labels, batch, seed
        self.process, self.processes = process, processes
        self.epoch = 0

    def __len__(self) -> int:
        return max(1, len(self.labels) // self.batch)

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.labels))
        chosen = np.take(order, range(index * self.batch, (index + 1) * self.batch), mode="wrap")
        # Processes take consecutive parts, so that the order is that of one process: dropout depends on the position
        chosen = np.array_split(chosen, self.processes)[self.process]
        made = [self.make(int(at), np.random.default_rng([self.seed, self.epoch, int(at)])) for at in chosen]
        return np.stack(made), self.labels[chosen]
