"""Parts of annotated scenes without a face: walls, doors, clothes and leaves, enlarged until they fill the frame.

In a whole scene they are small and in the middle of others. A camera at a door sees them large and cut by the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Image
from training.augment.picture import Boxes, Picture, as_array

PARTS = 2  # looked for in each scene
SIDE = (0.25, 0.7)  # of the scene's shorter side: the range of a part's side
SMALLEST = 64  # pixels; a smaller part would be mere blur in the frame
TRIES = 20  # random places in one scene
MARGIN = 0.25  # of a face's size, on each side: hair, ears and chin are no background either


@dataclass(frozen=True, slots=True)
class Square:
    """A part's place, pixels of the scene."""

    left: int
    top: int
    side: int

    def cut(self, image: Image) -> Image:
        """Its pixels, shared with the scene's."""
        return image[self.top : self.top + self.side, self.left : self.left + self.side]


def of_all(pictures: Iterable[Picture], rng: np.random.Generator) -> list[Picture]:
    """Up to PARTS parts of each picture; they may overlap, and share the pixels of the picture."""
    return [
        Picture(place.cut(picture.image), as_array([]))
        for picture in pictures
        for place in (find(picture.image, picture.boxes, rng) for _ in range(PARTS))
        if place
    ]


def find(image: Image, faces: Boxes, rng: np.random.Generator) -> Square | None:
    """A random square that no face reaches into; None if no try found one. `faces`: ignored ones among them."""
    height, width = image.shape[:2]
    taken = grown(faces)
    for _ in range(TRIES):
        side = round(min(height, width) * rng.uniform(*SIDE))
        if side < SMALLEST:
            continue
        place = Square(*(int(rng.integers(extent - side + 1)) for extent in (width, height)), side)
        if not touched(taken, place).any():
            return place
    return None


def grown(boxes: Boxes) -> Boxes:
    """The boxes with MARGIN around them."""
    margin = np.tile((boxes[:, 2:] - boxes[:, :2]) * MARGIN, 2) * np.array([-1, -1, 1, 1], np.float32)
    return np.asarray(boxes + margin, np.float32)


def touched(boxes: Boxes, place: Square) -> NDArray[np.bool_]:
    """(N,) whether each box reaches into the square."""
    start = np.array([place.left, place.top])
    return np.all((boxes[:, :2] < start + place.side) & (boxes[:, 2:] > start), axis=1)
