"""Scenes to train YOLOv5s on: photographs with the class of each face, zoomed, and in mosaics of four.

A mosaic (Bochkovskiy et al. 2020, arXiv 2004.10934) shows four windows around a random point, each at the scale that it
would have alone. It shows a face in four times as many surroundings, and faces cut off by an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwatch.flow import Box, Label
from training.augment import scenes, weather
from training.augment.picture import Boxes, Picture, as_array, joined, mirrored
from training.pictures import data, voc

MOSAICS = 0.5  # share of the composed scenes
PORTRAITS = 0.3  # share of the windows that show a portrait, if there are portraits
# Scales of a portrait, 1 where it just fits: its face, half of the frame, appears from 50 px to beyond the edges
PORTRAIT_ZOOM = (0.35, 1.6)
MIDDLE = (0.3, 0.7)  # share of the side: where the four windows meet
# How often a scene with a rare face is listed. A fifth of all faces are rare: without a mask, or with one worn wrong.
RARE_AGAIN = 2


@dataclass(frozen=True, slots=True, eq=False)
class Photographs:
    """What scenes are composed of: sources of street scenes, and of portraits. Sources of a kind are drawn equally."""

    street: Sequence[Sequence[Picture]]
    portrait: Sequence[Sequence[Picture]] = ()

    def __iter__(self) -> Iterator[Picture]:
        return (picture for source in (*self.street, *self.portrait) for picture in source)

    def described(self) -> str:
        """How many of each kind there are, in words."""
        street = " + ".join(str(len(source)) for source in self.street)
        portrait = " + ".join(str(len(source)) for source in self.portrait) or "no"
        return f"{street} street scenes, with rare ones listed twice, and {portrait} portraits"

    def view(self, size: int, rng: np.random.Generator) -> Picture:
        """A random photograph at a random scale, (size, size, 3)."""
        close = not self.street or (bool(self.portrait) and rng.random() < PORTRAITS)
        sources = self.portrait if close else self.street
        source = sources[rng.integers(len(sources))]
        picture = source[rng.integers(len(source))]
        return scenes.zoomed(picture, size, rng, zoom=PORTRAIT_ZOOM if close else scenes.ZOOM)


def pictures(shown: Iterable[voc.Scene], rare_again: int = 1) -> list[Picture]:
    """Annotated scenes as pictures with labels; those that cannot be decoded are named and left out.

    `rare_again`: how often a scene with a rare face is listed.
    """
    shown = [scene for scene in shown if scene.faces]
    good = data.readable(scene.path for scene in shown)
    return [picture(scene) for scene in shown if scene.path in good for _ in range(rare_again if rare(scene) else 1)]


def picture(scene: voc.Scene) -> Picture:
    """One annotated scene as a picture with labels. Faces of an unknown class are ignored."""
    known = [face.name in data.CLASSES and not face.ignored for face in scene.faces]
    labels = [
        data.CLASSES.index(Label(face.name)) if sure else 0 for face, sure in zip(scene.faces, known, strict=True)
    ]
    return Picture(
        data.read_rgb(scene.path),
        as_array([face.box for face in scene.faces]),
        np.array(labels, np.int64),
        ~np.array(known, np.bool_),
    )


def portraits(photos: Iterable[data.Photo], faces: Mapping[Path, Sequence[tuple[Box, float]]]) -> list[Picture]:
    """Photographs with a single known face, which has the photograph's class."""
    return pictures(
        voc.Scene(photo.path, (voc.Annotation(faces[photo.path][0][0], str(data.LABELS[photo.label])),))
        for photo in photos
        if len(faces.get(photo.path, ())) == 1
    )


def rare(scene: voc.Scene) -> bool:
    """Whether a scene shows anybody without a mask, or with a mask worn wrong."""
    return any(face.name not in (Label.WITH_MASK, voc.FACE) for face in scene.faces)


def compose(photographs: Photographs, size: int, rng: np.random.Generator) -> Picture:
    """One training scene, (size, size, 3)."""
    made = mosaic(photographs, size, rng) if rng.random() < MOSAICS else photographs.view(size, rng)
    if rng.random() < 0.5:
        made = replace(made, image=weather.mirror(made.image), boxes=mirrored(made.boxes, size))
    return replace(made, image=weather.apply(made.image, rng))


def mosaic(photographs: Photographs, size: int, rng: np.random.Generator) -> Picture:
    """Windows of four photographs around a random point."""
    x, y = (round(share * size) for share in rng.uniform(*MIDDLE, 2))
    canvas = np.empty((size, size, 3), np.uint8)
    parts = []
    for left, top, right, bottom in ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)):
        part = window(photographs.view(size, rng), right - left, bottom - top, rng)
        canvas[top:bottom, left:right] = part.image
        parts.append(replace(part, boxes=part.boxes + np.array([left, top] * 2, np.float32)))
    return joined(canvas, parts)


def window(picture: Picture, width: int, height: int, rng: np.random.Generator) -> Picture:
    """A random part of a picture at the picture's scale."""
    left = int(rng.integers(picture.image.shape[1] - width + 1))
    top = int(rng.integers(picture.image.shape[0] - height + 1))
    moved: Boxes = picture.boxes - np.array([left, top] * 2, np.float32)
    return picture.cropped(picture.image[top : top + height, left : left + width], moved)
