"""The pictures of one part of every source, scenes, rooms and portraits, with the annotations of their faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path
from typing import TypeVar

import numpy as np

from training.pictures import data, unseen, voc

Item = TypeVar("Item")
PORTRAITS = "portraits"  # the source name of the photographs of --data


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph."""

    source: str
    path: Path
    faces: tuple[voc.Annotation, ...]  # of a portrait: its largest known face, if any
    label: str = ""  # of a portrait; otherwise empty

    @property
    def key(self) -> str:
        """A unique name: two folders, and two kinds of picture, may have files of the same stem."""
        return str(self.path)


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
    return [picture for picture in found if picture.path in good]


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
