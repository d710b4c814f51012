"""Parts of annotated scenes without a face: walls, doors, clothes and leaves, enlarged until they fill the frame.

In a whole scene they are small and in the middle of others. A camera at a door sees them large and cut by the frame.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from training.augment.picture import Boxes, Picture, as_array

PARTS = 2  # looked for in each scene
SIDE = (0.25, 0.7)  # of the scene's shorter side: the range of a part's side
SMALLEST = 64  # pixels; a smaller part would be mere blur in the frame
TRIES = 20  # random places in one scene
MARGIN = 0.25  # of a face's size, on each side: hair, ears and chin are no background either


def of_all(pictures: Iterable[Picture], rng: np.random.Generator) -> list[Picture]:
    """Up to PARTS parts of each picture; they may overlap."""
    found = [of(picture, rng) for picture in pictures for _ in range(PARTS)]
    return [part for part in found if part is not None]


def of(picture: Picture, rng: np.random.Generator) -> Picture | None:
    """A random square part that no face reaches into, ignored faces among them; None if no try found one.

    The part shares the pixels of the picture.
    """
    height, width = picture.image.shape[:2]
    taken = grown(picture.boxes)
    for _ in range(TRIES):
        side = round(min(height, width) * rng.uniform(*SIDE))
        if side < SMALLEST:
            continue
        left, top = (int(rng.integers(extent - side + 1)) for extent in (width, height))
        if not touched(taken, left, top, side).any():
            return Picture(picture.image[top : top + side, left : left + side], as_array([]))
    return None


def grown(boxes: Boxes) -> Boxes:
    """The boxes with MARGIN around them."""
    margin = np.tile((boxes[:, 2:] - boxes[:, :2]) * MARGIN, 2) * np.array([-1, -1, 1, 1], np.float32)
    return np.asarray(boxes + margin, np.float32)


def touched(boxes: Boxes, left: int, top: int, side: int) -> NDArray[np.bool_]:
    """(N,) whether each box reaches into the square."""
    return np.all((boxes[:, :2] < (left + side, top + side)) & (boxes[:, 2:] > (left, top)), axis=1)
