"""Features of a frozen base, stored on disk: an epoch of a head then takes seconds instead of minutes.

Augmentation would change the features each time. So the features of each photograph are stored once unaugmented and for
some augmented copies, and each epoch uses a random one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.runs import checkpoints
from training.runs.progress import track
from training.study import batches, pictures

BATCH = 32
COPIES = 4  # one of them unaugmented: four passes of the base over the data set, once for all heads and seeds


def of(base: keras.Model, paths: Sequence[Path], copies: int) -> list[NDArray[np.float32]]:
    """For each copy, (N, F) features of all photographs; the first copy is unaugmented."""
    images = pictures.decoded(paths, base.input_shape[1])
    weights = checkpoints.of_weights(base)
    return [_copy(base, images, copy, pictures.of_files(paths, weights, base.input_shape)) for copy in range(copies)]


def _copy(base: keras.Model, images: NDArray[np.uint8], copy: int, key: str) -> NDArray[np.float32]:
    def fill(found: NDArray[Any]) -> None:
        for start in track(range(0, len(images), BATCH), f"Features, copy {copy}"):
            found[start : start + BATCH] = base.predict_on_batch(_images_of_copy(images, start, copy))

    shape = (len(images), base.output_shape[-1])
    return pictures.cached(f"features-{key[:16]}-{copy}", shape, np.float32, fill)


def _images_of_copy(images: NDArray[np.uint8], start: int, copy: int) -> NDArray[np.uint8]:
    """One batch of images of one copy; the first copy is unaugmented."""
    batch = np.asarray(images[start : start + BATCH])
    if not copy:
        return batch
    places = range(start, start + len(batch))
    return np.stack(
        [batches.varied(image, np.random.default_rng([copy, at])) for image, at in zip(batch, places, strict=True)]
    )
