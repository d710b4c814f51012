"""What the mask classifier learns from: whole portraits, and faces cut by the device's own preprocess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwatch import preprocess
from maskwatch.flow import Box, Image, Label
from training import augment, data, voc

MARGINS = (0.0, 0.6)  # of a varied crop; the device's own is preprocess.FACE_MARGIN
SHIFT = 0.12  # of the face's longer side: finders differ in where they put the box
MIN_STREET_FACE = 12.0  # pixels, shorter side: below, a person cannot tell either


@dataclass(frozen=True, slots=True)
class Sample:
    """One face with its class; without a box the whole picture is the face."""

    path: Path
    label: int  # index into data.LABELS
    box: Box | None


def portraits(photos: Iterable[data.Photo], known: dict[Path, list[tuple[Box, float]]]) -> list[Sample]:
    """Each photograph whole, and its largest known face."""
    samples = []
    for photo in photos:
        samples.append(Sample(photo.path, photo.label, None))
        if photo.path in known:
            box = max((box for box, _ in known[photo.path]), key=lambda box: box.area)
            samples.append(Sample(photo.path, photo.label, box))
    return samples


def street(scenes: Iterable[voc.Scene]) -> list[Sample]:
    """The annotated faces of street scenes. Incorrectly worn masks are neither class and stay out."""
    return [
        Sample(scene.path, data.LABELS.index(Label(face.name)), face.box)
        for scene in scenes
        for face in scene.faces
        if face.name in tuple(Label) and min(face.box.width, face.box.height) >= MIN_STREET_FACE
    ]


def cut(sample: Sample, image: Image, size: int) -> Image:
    """The sample as the device would see it: (size, size, 3) uint8 RGB."""
    if sample.box is None:
        return preprocess.whole_image(image, size)
    return preprocess.face_crop(image, sample.box, size)


def varied(sample: Sample, image: Image, size: int, rng: np.random.Generator) -> Image:
    """The sample at another tightness, place and weather: (size, size, 3) uint8 RGB."""
    height, width = image.shape[:2]
    box = sample.box or Box(0.15 * width, 0.1 * height, 0.85 * width, 0.9 * height)
    reach = SHIFT * max(box.width, box.height)
    x, y = rng.uniform(-reach, reach, 2)
    moved = Box(box.left + x, box.top + y, box.right + x, box.bottom + y)
    crop = preprocess.face_crop(image, moved, size, rng.uniform(*MARGINS))
    if rng.random() < 0.5:
        crop = augment.mirror(crop)
    return augment.weather(crop, rng)
