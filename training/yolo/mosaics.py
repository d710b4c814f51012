"""Scenes to train YOLOv5s on: street photographs with the class of each face, zoomed, and in mosaics of four.

A mosaic (Bochkovskiy et al. 2020, arXiv 2004.10934) shows four windows around a random point, each at the scale that it
would have alone. It shows a face in four times as many surroundings, and faces cut off by an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from maskwatch.flow import Label
from training.augment import scenes, weather
from training.augment.scenes import Boxes, Picture
from training.pictures import data, voc

MOSAICS = 0.5  # share of the composed scenes
MIDDLE = (0.3, 0.7)  # share of the side: where the four windows meet
# How often a scene with a rare face is listed. A fifth of all faces are rare: without a mask, or with one worn wrong.
RARE_AGAIN = 2


def pictures(street: Iterable[voc.Scene]) -> list[Picture]:
    """Annotated scenes as pictures with labels; those that cannot be decoded are named and left out."""
    street = list(street)
    good = data.readable(scene.path for scene in street)
    return [picture(scene) for scene in street if scene.path in good for _ in range(RARE_AGAIN if rare(scene) else 1)]


def picture(scene: voc.Scene) -> Picture:
    """One annotated scene as a picture with labels."""
    labels = np.array([data.CLASSES.index(Label(face.name)) for face in scene.faces], np.int64)
    return Picture(data.read_rgb(scene.path), scenes.as_array([face.box for face in scene.faces]), labels)


def rare(scene: voc.Scene) -> bool:
    """Whether a scene shows anybody without a mask, or with a mask worn wrong."""
    return any(face.name != Label.WITH_MASK for face in scene.faces)


def compose(street: Sequence[Picture], size: int, rng: np.random.Generator) -> Picture:
    """One training scene, (size, size, 3)."""
    if rng.random() < MOSAICS:
        made = mosaic(street, size, rng)
    else:
        made = scenes.zoomed(street[rng.integers(len(street))], size, rng)
    if rng.random() < 0.5:
        made = Picture(weather.mirror(made.image), scenes.mirrored(made.boxes, size), made.labels)
    return Picture(weather.apply(made.image, rng), made.boxes, made.labels)


def mosaic(street: Sequence[Picture], size: int, rng: np.random.Generator) -> Picture:
    """Windows of four scenes around a random point."""
    x, y = (round(share * size) for share in rng.uniform(*MIDDLE, 2))
    canvas = np.empty((size, size, 3), np.uint8)
    boxes, labels = [], []
    for left, top, right, bottom in ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)):
        zoomed = scenes.zoomed(street[rng.integers(len(street))], size, rng)
        part = window(zoomed, right - left, bottom - top, rng)
        canvas[top:bottom, left:right] = part.image
        boxes.append(part.boxes + np.array([left, top] * 2, np.float32))
        labels.append(part.labels)
    return Picture(canvas, np.concatenate(boxes), np.concatenate(labels))


def window(picture: Picture, width: int, height: int, rng: np.random.Generator) -> Picture:
    """A random part of a picture at the picture's scale."""
    left = int(rng.integers(picture.image.shape[1] - width + 1))
    top = int(rng.integers(picture.image.shape[0] - height + 1))
    moved: Boxes = picture.boxes - np.array([left, top] * 2, np.float32)
    return picture.cropped(picture.image[top : top + height, left : left + width], moved)
