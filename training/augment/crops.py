"""Training samples of the mask classifier: whole portraits, and faces cut by the device's own preprocess.

`cut` gives the crop that the device would see. `varied` gives a crop that it might see at another door: with another
margin and tilt, fewer pixels, other clothes, another camera.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image, Label
from maskwatch.vision import preprocess
from training.augment import transplant, wear, weather
from training.pictures import data, voc

MIN_STREET_FACE = 12.0  # shorter side, pixels: people cannot see either whether a smaller face wears a mask
MARGINS = (-0.08, 0.6)  # of a varied crop, share of the face: from the face alone to head and shoulders
MARGIN_SPREAD = 0.08  # standard deviation around the device's own margin, for half of the crops
MIN_MARGIN_WORN_WRONG = 0.1  # margin around a mask worn wrong: with less, the chin may be cut off, and the mask with it
SHIFT = 0.1  # share of the face's longer side: different finders put the box at slightly different places
TILT = 0.12  # radians, standard deviation
STRETCH = (0.1, 0.35)  # logarithm of width / height, standard deviation: of most crops, and of the warped quarter
KEPT_RESOLUTION = {False: 0.45, True: 0.75}  # share of portraits, and of street faces, that keep all their pixels
MIN_FACE = 13.0  # pixels: a face is not shrunk below this side
MAX_PIXELS = 1.25  # times the network's input: shrinking averages finer detail and noise away anyway


@dataclass(frozen=True, slots=True)
class Sample:
    """One face with its class."""

    path: Path
    label: int  # index into data.CLASSES
    box: Box | None  # where the face is, pixels; None: not known
    whole: bool = False  # the picture is judged whole, as `training evaluate` does
    street: bool = False  # a small face of a scene; a portrait otherwise
    source: str = ""  # name of the folder of scenes; empty: a portrait of --data


def portraits(photos: Iterable[data.Photo], known: dict[Path, list[tuple[Box, float]]]) -> list[Sample]:
    """For each photograph, a sample of the whole, and one of its largest known face."""
    samples = []
    for photo in photos:
        faces = [box for box, _ in known.get(photo.path, [])]
        box = max(faces, key=lambda box: box.area, default=None)
        samples.append(Sample(photo.path, photo.label, box, whole=True))
        if box:
            samples.append(Sample(photo.path, photo.label, box))
    return samples


def annotated(scenes: Iterable[voc.Scene], source: str, street: bool = True) -> list[Sample]:
    """The faces of annotated scenes with a known class, wrongly worn masks included."""
    return [
        Sample(scene.path, data.CLASSES.index(Label(face.name)), face.box, street=street, source=source)
        for scene in scenes
        for face in scene.faces
        if face.name in data.CLASSES and not face.ignored and min(face.box.width, face.box.height) >= MIN_STREET_FACE
    ]


def of_sources(splits: Mapping[str, voc.Split], part: str) -> list[Sample]:
    """The faces of one part of every source of scenes (see voc.sources); large ones in sources of mostly portraits."""
    return [
        sample
        for name, split in splits.items()
        for sample in annotated(voc.part(split, part), name, not voc.portraits_mostly(voc.part(split, "all")))
    ]


def cut(sample: Sample, image: Image, size: int) -> Image:
    """The sample as the device would see it: (size, size, 3) uint8 RGB."""
    if sample.whole or sample.box is None:
        return preprocess.whole_image(image, size)
    return preprocess.face_crop(image, sample.box, size)


def masked(samples: Iterable[Sample], seed: int) -> list[tuple[Path, Box]]:
    """Faces whose mask may be moved to another face, in random order, with the sources in turn."""
    by_source: dict[str, list[tuple[Path, Box]]] = {}
    for sample in samples:
        if data.CLASSES[sample.label] is Label.WITH_MASK and sample.box and not (sample.whole or sample.street):
            by_source.setdefault(sample.source, []).append((sample.path, sample.box))
    rng = np.random.default_rng(seed)
    rows = itertools.zip_longest(*([pool[at] for at in rng.permutation(len(pool))] for pool in by_source.values()))
    return [face for row in rows for face in row if face is not None]


def varied(
    sample: Sample, image: Image, size: int, rng: np.random.Generator, masks: Sequence[transplant.Cutout] = ()
) -> tuple[Image, int]:
    """A random variation of the sample, as if at another door.

    The pixels are reduced before the camera's faults are added, and enlarged after them, as on the device: noise and
    JPEG blocks are as large as the pixels of a far face.

    Args:
        masks: cut out of other photographs, for bare faces to wear.

    Returns:
        (size, size, 3) uint8 RGB, and its class, which changes when a mask is put on.
    """
    label = sample.label
    if sample.box:
        image, label = wear.dress(image, sample.box, label, rng, masks)
    window, side, face = framing(replace(sample, label=label), image, 2 * size, rng)
    view = cv2.warpAffine(image, window, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    pixels = max(8, min(round(side * resolution(face, sample.street, rng)), round(MAX_PIXELS * size)))
    view = preprocess.resize(np.asarray(view, np.uint8), pixels, pixels)
    if rng.random() < 0.5:
        view = weather.mirror(view)
    return preprocess.resize(weather.apply(view, rng, but=weather.low_resolution), size, size), label


def framing(
    sample: Sample, image: Image, limit: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], int, float]:
    """(2, 3) transform from the photograph to a square, the square's side (at most `limit`), and the face's side in it.

    Sides are in pixels.
    """
    height, width = image.shape[:2]
    if sample.whole or sample.box is None:
        face = max(sample.box.width, sample.box.height) if sample.box else 0.6 * max(width, height)
        across, down = width * rng.uniform(0.8, 1.08), height * rng.uniform(0.8, 1.08)
        x, y = width / 2, height / 2
    else:
        face = max(sample.box.width, sample.box.height)
        device = rng.random() < 0.5
        margin = rng.normal(preprocess.FACE_MARGIN, MARGIN_SPREAD) if device else rng.uniform(*MARGINS)
        if data.CLASSES[sample.label] is Label.INCORRECT:
            margin = max(margin, MIN_MARGIN_WORN_WRONG)
        across = down = face * (1 + 2 * margin)
        x, y = (sample.box.left + sample.box.right) / 2, (sample.box.top + sample.box.bottom) / 2
    x, y = np.array([x, y]) + rng.uniform(-SHIFT, SHIFT, 2) * face
    stretch = np.exp(rng.uniform(-1, 1) * STRETCH[rng.random() < 0.25] / 2)
    natural = float(np.sqrt(across * down))
    side = int(np.clip(round(natural), 8, limit))
    scale = side / np.array([across * stretch, down / stretch])
    angle, shear = rng.normal(0, TILT), rng.normal(0, TILT / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    linear = np.diag(scale) @ turn
    middle = np.full(2, side / 2) - linear @ np.array([x, y])
    return np.column_stack([linear, middle]).astype(np.float32), side, face * side / natural


def resolution(face: float, street: bool, rng: np.random.Generator) -> float:
    """Share of the photograph's pixels that are kept: all, or a random share down to a face of MIN_FACE."""
    if rng.random() < KEPT_RESOLUTION[street] or face <= MIN_FACE:
        return 1.0
    return float(np.exp(rng.uniform(np.log(MIN_FACE / face), 0)))
