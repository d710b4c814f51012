"""Which photographs train a network, choose the epoch, and judge it, by protocol.

`honest`: the leak-free 5,287 / 454 / 1,812 split; the 454 choose the epoch. No training uses the 1,812: they are for
`python -m training judge` and the report of `convert`. `study`: 80 and 20 % at random by picture, so near-duplicates
are on both sides. The 20 % that are judged also choose the epoch, as in the study. This protocol only shows how much
the leak and the choice add to the accuracy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.pictures import data, sizes

Protocol = Literal["honest", "study"]
PROTOCOLS: tuple[Protocol, ...] = ("honest", "study")
SPLIT_SEED = 0  # of the honest split: the same for all networks and seeds, which McNemar's test needs
HELD_OUT = 0.2  # share of the photographs, in the study's protocol
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts, as indices into `photos`."""

    photos: tuple[data.Photo, ...]  # all of the data set
    learn: Places
    check: Places
    test: Places
    sha256: str  # of the split, before any photograph was left out

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) classes of all photographs, indices into data.LABELS."""
        return np.array([photo.label for photo in self.photos])

    @property
    def paths(self) -> list[Path]:
        """The paths of all photographs."""
        return [photo.path for photo in self.photos]


def of(root: Path, protocol: Protocol, seed: int, share: float = 1.0, limit: int | None = None) -> Parts:
    """Split a folder of with_mask/ and without_mask/.

    Args:
        root: the folder.
        protocol: see above.
        seed: of the study's split, and of the choice by `share` and `limit`.
        share: of the training part, 0–1; a larger share contains every smaller one.
        limit: the most photographs to train on, and the most to choose the epoch by.

    Raises:
        SourceError: the folder cannot be used, or no photograph of a class is left.
    """
    photos = data.load(root).photos
    labels = np.array([photo.label for photo in photos])
    if protocol == "honest":
        split = data.split(photos, SPLIT_SEED)
        at = {photo.path: place for place, photo in enumerate(photos)}
        chosen = (split.train, split.validation, split.test)
        parts = [np.array([at[photo.path] for photo in part], np.int64) for part in chosen]
        sha256 = split.sha256
    else:
        parts = _at_random(labels, seed)
        sha256 = _sha256(photos, parts)
    learn, check, test = parts
    count = min(limit or len(learn), round(share * len(learn)))
    learn, check = some(learn, labels, count, seed), some(check, labels, limit or len(check), seed)
    sizes.of_classes(root, labels[learn], labels[check])
    return Parts(photos, learn, check, test, sha256)


def some(places: Places, labels: NDArray[np.int64], count: int, seed: int) -> Places:
    """At most `count` of the places, classes in proportion; a smaller choice is part of every larger one."""
    if count >= len(places):
        return places
    rng = np.random.default_rng(seed)
    chosen = []
    for label in sorted(set(labels[places])):
        of_class = places[labels[places] == label]
        chosen.append(of_class[rng.permutation(len(of_class))][: max(1, round(count * len(of_class) / len(places)))])
    return np.sort(np.concatenate(chosen))


def _at_random(labels: NDArray[np.int64], seed: int) -> list[Places]:
    """80 and 20 % of each class; the second part chooses the epoch and is judged."""
    rng = np.random.default_rng(seed)
    learn, test = [], []
    for label in sorted(set(labels)):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        cut = round(HELD_OUT * len(of_class))
        test.append(of_class[:cut])
        learn.append(of_class[cut:])
    judged = np.sort(np.concatenate(test))
    return [np.sort(np.concatenate(learn)), judged, judged]


def _sha256(photos: Sequence[data.Photo], parts: Sequence[Places]) -> str:
    digest = hashlib.sha256()
    for name, part in zip(data.SPLIT, parts, strict=True):
        for place in part:
            path = photos[place].path
            digest.update(f"{name}\t{path.parent.name}/{path.name}\n".encode())
    return digest.hexdigest()
