"""Scenes to train the face finder on: photographs zoomed, shifted and turned, collages of portraits, empty rooms.

A scene is (size, size, 3) uint8 RGB with the boxes of all its faces, from 16 px to most of the frame. Street scenes
alone have faces of 22 px in the median and few bare ones. Collages add large faces, both classes, and faces in unusual
places; empty rooms, and parts of scenes without a face (see empty_parts), teach what is not a face.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image, Label
from maskwatch.vision import preprocess
from training.augment import crowd, wear, weather
from training.augment.picture import Picture, as_array, from_centres, joined, mirrored
from training.pictures import data, voc

PORTRAITS = 0.25  # share of the composed scenes: portraits side by side, or a single one
EMPTY = 0.15  # share of the composed scenes, with nobody in them
AS_IT_IS_PORTRAIT, AS_IT_IS_STREET = 0.3, 0.5  # share of those, and of street scenes: one photograph, not turned
FOURFOLD = 0.2  # of the other street scenes: four photographs side by side
BARE_AGAIN = 2  # how often a scene with a bare face is listed
SURE = 0.75  # the score that each face of a portrait of several needs: a missed face would be taught as background
GRIDS = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6)  # collage tiles along a side: faces from 20 px to the whole frame
CLOSE_UP = 1.9  # a tile that fills the frame is enlarged up to this many times: faces that reach over its edges
TILT = 0.16  # radians, standard deviation of a tile's turn: heads lean, cameras hang at an angle
LEAN = 0.1  # radians, the same of a whole scene
FAR, LEANING_FAR = 0.5, 0.1  # radians, standard deviation of the turns of this share: people who bend, kiss or sleep
DRESSED = 0.15  # share of a collage's faces on which a mask, a scarf, a cap … is drawn
CROWDED = 0.12  # share of the street scenes in which a head is put in front of a face
HARD = 0.5  # share of the scenes with nobody in them that show a place in which the finder saw a face
DRESSED_OUTSIDE = 0.07  # the same share in a street scene
AS_IT_IS_ZOOM = (0.85, 1.2)  # scale of a photograph as it is, 1 when it just fits
ZOOM = (0.7, 2.6)  # scale of a street scene, 1 when it just fits: its 22 px faces appear at 12 to 46 px


def streets(scenes: Iterable[voc.Scene]) -> list[Picture]:
    """Annotated scenes as pictures; masked, bare and wrongly worn are all faces.

    Scenes with a bare face are listed BARE_AGAIN times, because finding bare faces is the purpose of the unit. Scenes
    without an annotated face are left out (see rooms).
    """
    listed = [scene for scene in scenes if scene.faces]
    return in_memory(listed) + in_memory([scene for scene in listed if any_bare(scene)]) * (BARE_AGAIN - 1)


def rooms(scenes: Iterable[voc.Scene]) -> list[Picture]:
    """The scenes with nobody in them."""
    return in_memory([scene for scene in scenes if not scene.faces])


def any_bare(scene: voc.Scene) -> bool:
    """Whether a scene shows anybody without a mask."""
    return any(face.name == Label.WITHOUT_MASK and not face.ignored for face in scene.faces)


def portraits(photos: Iterable[data.Photo], root: Path) -> list[Picture]:
    """Portraits whose faces are all known for sure.

    A portrait with one face is used at any score: profiles, close-ups and leaning heads get low scores, and the finder
    must learn them.
    """
    known = data.faces(root)
    return in_memory(
        voc.Scene(photo.path, tuple(voc.Annotation(box, voc.FACE) for box, _ in known[photo.path]))
        for photo in photos
        if photo.path in known and (len(known[photo.path]) == 1 or all(score >= SURE for _, score in known[photo.path]))
    )


def in_memory(scenes: Iterable[voc.Scene]) -> list[Picture]:
    """Decoded photographs with their faces; files that cannot be decoded are named and left out."""
    scenes = list(scenes)
    good = data.readable(scene.path for scene in scenes)
    return [picture(scene) for scene in scenes if scene.path in good]


def picture(scene: voc.Scene) -> Picture:
    """One photograph in memory."""
    ignored = np.array([face.ignored for face in scene.faces], np.bool_)
    return Picture(data.read_rgb(scene.path), as_array([face.box for face in scene.faces]), ignored=ignored)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPictures:
    """The pictures that scenes are composed of."""

    street: Sequence[Sequence[Picture]]  # by source; all sources are drawn equally often, large or small
    portrait: Sequence[Picture] = ()
    empty: Sequence[Picture] = ()  # rooms with nobody in them
    hard: Sequence[Picture] = ()  # rooms, and parts of scenes without a face, in which a finder saw a face

    def __iter__(self) -> Iterator[Picture]:
        return itertools.chain(*self.street, self.portrait, self.empty)

    def described(self) -> str:
        """How many of each kind there are, in words."""
        streets = " + ".join(str(len(source)) for source in self.street)
        return f"{streets} street scenes, {len(self.portrait)} portraits, {len(self.empty)} empty rooms"

    def any_street(self, rng: np.random.Generator) -> Picture:
        """A random photograph of a random source."""
        source = self.street[rng.integers(len(self.street))]
        return source[rng.integers(len(source))]

    def any_empty(self, rng: np.random.Generator) -> Picture:
        """A random place without a face, HARD of them hard ones if there are both kinds."""
        hard = self.hard and (not self.empty or rng.random() < HARD)
        return any_of(self.hard if hard else self.empty, rng)


def compose(pictures: TrainingPictures, size: int, rng: np.random.Generator) -> Picture:
    """Compose one training scene."""
    drawn = rng.random()
    if pictures.portrait and drawn < PORTRAITS:
        picture = portrait_scene(pictures, size, rng)
    elif (pictures.empty or pictures.hard) and drawn < PORTRAITS + EMPTY:
        picture = zoomed(pictures.any_empty(rng), size, rng, LEAN)
    else:
        picture = street_scene(pictures, size, rng)
    if rng.random() < 0.5:
        mirror = mirrored(picture.boxes, size)
        picture = Picture(weather.mirror(picture.image), mirror, ignored=picture.ignored)
    return Picture(weather.apply(picture.image, rng), picture.boxes, ignored=picture.ignored)


def portrait_scene(pictures: TrainingPictures, size: int, rng: np.random.Generator) -> Picture:
    """A portrait as it is, or a collage."""
    if rng.random() < AS_IT_IS_PORTRAIT:
        return zoomed(any_of(pictures.portrait, rng), size, rng, zoom=AS_IT_IS_ZOOM)
    return collage(lambda: any_of(pictures.portrait, rng), size, rng)


def street_scene(pictures: TrainingPictures, size: int, rng: np.random.Generator) -> Picture:
    """An annotated photograph as it is; or zoomed and turned, with something drawn on it; or four of them."""
    if rng.random() < AS_IT_IS_STREET:
        return zoomed(pictures.any_street(rng), size, rng, zoom=AS_IT_IS_ZOOM)
    if rng.random() < FOURFOLD:
        return collage(lambda: pictures.any_street(rng), size, rng, grids=(2,))
    picture = dressed(zoomed(pictures.any_street(rng), size, rng, LEAN), rng, DRESSED_OUTSIDE)
    if pictures.portrait and rng.random() < CROWDED:
        picture = crowd.in_front(picture, any_of(pictures.portrait, rng), rng)
    return picture


def any_of(pictures: Sequence[Picture], rng: np.random.Generator) -> Picture:
    """A random one of the pictures."""
    return pictures[rng.integers(len(pictures))]


def zoomed(
    picture: Picture,
    size: int,
    rng: np.random.Generator,
    lean: float = 0.0,
    zoom: tuple[float, float] = ZOOM,
) -> Picture:
    """A random square window at a random scale; outside the photograph it is letterbox grey.

    `lean` is the standard deviation of its turn, radians. A turned face keeps the size of its box. `zoom` is the range
    of scales, 1 where the photograph just fits.
    """
    height, width = picture.image.shape[:2]
    scale = size / max(height, width) * np.exp(rng.uniform(*np.log(zoom)))
    stretch = np.exp(rng.uniform(-0.08, 0.08))  # people's faces have different proportions
    matrix = np.array([[scale * stretch, 0, 0], [0, scale / stretch, 0]], np.float32)
    for axis, extent in enumerate((width, height)):
        slack = size - extent * matrix[axis, axis]
        matrix[axis, 2] = rng.uniform(min(0, slack), max(0, slack))
    turn = about_the_middle(leaning(lean, rng), size)
    image = cv2.warpAffine(
        shrunk(picture.image, matrix),
        from_centres(after(turn, shrunk_matrix(matrix))),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderValue=(preprocess.LETTERBOX_GREY,) * 3,
    )
    factors = np.tile(np.diag(matrix[:, :2]), 2)
    boxes = picture.boxes * factors + np.tile(matrix[:, 2], 2)
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn[:, :2].T + turn[:, 2], (boxes[:, 2:] - boxes[:, :2]) / 2
    moved = np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
    return picture.cropped(np.asarray(image, np.uint8), moved)


def leaning(usual: float, rng: np.random.Generator) -> float:
    """A random turn, radians, with standard deviation `usual`, and sometimes FAR; always 0 where `usual` is 0."""
    far = rng.random() < LEANING_FAR
    return float(rng.normal(0, FAR if far and usual else usual))


def about_the_middle(angle: float, size: int) -> NDArray[np.float32]:
    """(2, 3) a turn by `angle` radians about the middle of a square."""
    cos, sin, middle = np.cos(angle), np.sin(angle), size / 2
    return np.array(
        [[cos, -sin, middle * (1 - cos + sin)], [sin, cos, middle * (1 - sin - cos)]],
        np.float32,
    )


def after(second: NDArray[np.float32], first: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, 3) both transforms as one, `first` applied first."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def shrunk(image: Image, matrix: NDArray[np.float32]) -> Image:
    """The photograph, shrunk by area when the window makes it smaller, so that the network sees no aliasing."""
    if matrix[0, 0] >= 1:
        return image
    width, height = round(image.shape[1] * matrix[0, 0]), round(image.shape[0] * matrix[1, 1])
    return preprocess.resize(image, max(1, width), max(1, height))


def shrunk_matrix(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of the window's transform that `shrunk` has not done."""
    if matrix[0, 0] >= 1:
        return matrix
    return np.array([[1, 0, matrix[0, 2]], [0, 1, matrix[1, 2]]], np.float32)


def collage(
    draw: Callable[[], Picture], size: int, rng: np.random.Generator, grids: tuple[int, ...] = GRIDS
) -> Picture:
    """A grid of photographs, each cropped a little at random, so that a face can be anywhere in its tile."""
    grid = int(rng.choice(grids))
    edges = np.linspace(0, size, grid + 1).astype(int)
    canvas = np.full((size, size, 3), rng.integers(0, 256, 3), np.uint8)
    tiles = []
    for row in range(grid):
        for column in range(grid):
            if grid > 2 and rng.random() < 0.1:
                continue  # a gap of plain colour: not every tile has a face
            side = edges[column + 1] - edges[column], edges[row + 1] - edges[row]
            close = CLOSE_UP if grid == 1 else 1.3
            tile = tilted(dressed(draw(), rng, DRESSED), side, rng, close)
            canvas[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = tile.image
            offset = np.array([edges[column], edges[row]] * 2, np.float32)
            tiles.append(replace(tile, boxes=tile.boxes + offset))
    return joined(canvas, tiles)


def dressed(picture: Picture, rng: np.random.Generator, share: float) -> Picture:
    """The picture with something drawn on some of its faces; they all stay faces."""
    image = picture.image
    for left, top, right, bottom in picture.boxes[~picture.left_out].tolist():
        if rng.random() < share and right - left >= wear.MIN_FACE:
            image = wear.any_of(wear.DRAWINGS, rng)(image, Box(left, top, right, bottom), rng)
    return replace(picture, image=image)


def tilted(picture: Picture, side: tuple[int, int], rng: np.random.Generator, close: float = 1.3) -> Picture:
    """A photograph in a tile of (width, height) pixels: scaled by up to `close`, turned and shifted, on a plain colour.

    A turned face keeps the size of its box: the upright box around the turned box would be too large.
    """
    width, height = (int(value) for value in side)
    zoom = np.exp(rng.uniform(-0.35, np.log(close))) * np.exp(rng.uniform(-0.1, 0.1, 2))
    scale = zoom * (width / picture.image.shape[1], height / picture.image.shape[0])
    content = preprocess.resize(
        picture.image, *(max(8, round(n * s)) for n, s in zip(picture.image.shape[1::-1], scale, strict=True))
    )
    scale = np.array(content.shape[1::-1]) / picture.image.shape[1::-1]
    middle, angle = np.array(content.shape[1::-1]) / 2, leaning(TILT, rng)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    place = np.array(side) / 2 + rng.uniform(-0.2, 0.2, 2) * side - turn @ middle
    image = cv2.warpAffine(
        content,
        from_centres(np.column_stack([turn, place])),
        (width, height),
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=tuple(int(v) for v in rng.integers(0, 256, 3)),
    )
    boxes = picture.boxes * np.tile(scale, 2)
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turn.T + place, (boxes[:, 2:] - boxes[:, :2]) / 2
    moved = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return picture.cropped(np.asarray(image, np.uint8), moved)
