"""The pictures of one part of every source, scenes, rooms and portraits, with the annotations of their faces; and parts
of the scenes without a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskwatch.flow import Image
from training.augment import empty_parts
from training.augment.picture import as_array
from training.pictures import data, unseen, voc
from training.runs.progress import track

Item = TypeVar("Item")
PORTRAITS = "portraits"  # the source name of the photographs of --data
EMPTY_PARTS = "parts of scenes"  # the source name of those without a face, see training.augment.empty_parts


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph, or a part of one."""

    source: str
    path: Path
    faces: tuple[voc.Annotation, ...]  # of a portrait: its largest known face, if any
    label: str = ""  # of a portrait; otherwise empty
    place: empty_parts.Square | None = None  # None: the whole photograph

    @property
    def key(self) -> str:
        """A unique name: two folders, and two kinds of picture, may have files of the same stem."""
        return f"{self.path} {self.place or ''}"

    def read(self) -> Image:
        """Its pixels."""
        image = data.read_rgb(self.path)
        return self.place.cut(image) if self.place else image


def gather(root: Path, scenes: Sequence[Path], part: str, seed: int, most: int | None) -> list[Picture]:
    """Every readable picture of a part; without scenes that look like a training scene (see training.pictures.unseen).

    Args:
        root: portraits, with_mask/ and without_mask/.
        scenes: a source each.
        part: validation or test.
        seed: of the split.
        most: at most so many pictures of a source, drawn at random; None: all.

    Raises:
        SourceError: a folder cannot be used.
    """
    splits = voc.sources(scenes, seed)
    found = [
        Picture(name, scene.path, scene.faces)
        for name, split in splits.items()
        for scene in _some(unseen.scenes(voc.part(split, part), splits.values(), name), most)
    ]
    known = data.faces(root)
    for photo in _some(getattr(data.load(root).split(seed), part), most):
        label = str(data.LABELS[photo.label])
        box = max((box for box, _ in known.get(photo.path, [])), key=lambda box: box.area, default=None)
        faces = (voc.Annotation(box, label),) if box else ()
        found.append(Picture(PORTRAITS, photo.path, faces, label))
    good = data.readable(picture.path for picture in found)
    found = [picture for picture in found if picture.path in good]
    return found + empty_parts_of(found)


def empty_parts_of(found: Sequence[Picture]) -> list[Picture]:
    """A part without a face, of each scene that has room for one."""
    rng = np.random.default_rng(0)
    scenes = [picture for picture in found if picture.faces and picture.source != PORTRAITS]
    places = [
        empty_parts.find(scene.read(), as_array([face.box for face in scene.faces]), rng)
        for scene in track(scenes, "Looking for parts without a face")
    ]
    return [
        Picture(EMPTY_PARTS, scene.path, (), place=place) for scene, place in zip(scenes, places, strict=True) if place
    ]


def _some(items: Sequence[Item], most: int | None) -> list[Item]:
    if most is None or len(items) <= most:
        return list(items)
    return [items[at] for at in sorted(np.random.default_rng(0).permutation(len(items))[:most])]


def learnt(split_sha256: str, splits: Mapping[str, voc.Split]) -> list[str] | None:
    """The sources that a finder was trained on, in order, from the hash in its card; None: unknown."""
    orders = chain.from_iterable(permutations(splits, count) for count in range(1, len(splits) + 1))
    for order in orders:
        if voc.sha256(splits[name] for name in order) == split_sha256:
            return list(order)
    return None
