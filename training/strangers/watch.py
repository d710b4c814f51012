"""Shows every picture once to every system, in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskwatch.flow import Image
from maskwatch.vision import preprocess
from training.augment import weather
from training.judging import evaluate, peers
from training.judging.detections import Found
from training.judging.slices import Landmarks
from training.pictures import data
from training.runs.progress import track
from training.strangers import traits
from training.strangers.pictures import PORTRAITS, Picture
from training.strangers.systems import Subject, System, opened

CHUNK = 4  # pictures that a process gets at once
FACE, GREY, TIGHT, WHOLE = "face", "grey", "tight", "whole"  # the kinds of crops for a classifier alone


@dataclass(frozen=True, slots=True)
class Crop:
    """A classifier's answer on one crop of a face."""

    system: str
    look: str  # FACE: the annotated face as the device cuts it; GREY: that without colour; TIGHT: without a margin
    at: int  # index of the face in the picture
    bare: float  # 0–1


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture, and the answers of all systems."""

    picture: Picture
    found: Mapping[str, list[Found]]  # by system
    traits: list[dict[str, str]]  # of each face
    crops: list[Crop]


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """All systems, opened in this process."""

    systems: Sequence[System]
    networks: Mapping[str, evaluate.Network]  # by system
    landmarks: Landmarks | None  # for the pose of faces

    def see(self, picture: Picture) -> Seen:
        """Run every system on a picture."""
        image = data.read_rgb(picture.path)
        portrait = picture.source == PORTRAITS
        asked = [system for system in self.systems if (system.labels and system.portraits) or not portrait]
        found = {system.name: system.find(image) for system in asked}
        of_faces = [] if portrait else traits.of(picture.path, picture.faces, image, picture.source, self.landmarks)
        return Seen(picture, found, of_faces, self._crops(picture, image))

    def _crops(self, picture: Picture, image: Image) -> list[Crop]:
        made = []
        for name, network in self.networks.items():
            shown = list(_shown(picture, image, network.size))
            if shown:
                bare = network.bare(network.logits(np.stack([look for _, _, look in shown])))
                made += [Crop(name, kind, at, float(share)) for (kind, at, _), share in zip(shown, bare, strict=True)]
        return made


def _shown(picture: Picture, image: Image, size: int) -> Iterator[tuple[str, int, Image]]:
    """The crops of a picture for a classifier: kind, index of the face, (size, size, 3) uint8 RGB."""
    if picture.source == PORTRAITS:
        yield WHOLE, 0, preprocess.whole_image(image, size)
    for at, face in enumerate(picture.faces):
        if face.ignored or face.name not in data.CLASSES:
            continue
        look = preprocess.face_crop(image, face.box, size)
        yield FACE, at, look
        if picture.source == PORTRAITS:
            yield TIGHT, at, preprocess.face_crop(image, face.box, size, margin=0.0)
        else:
            yield GREY, at, weather.grey(look, np.random.default_rng(0))  # this effect draws no random number


def ready(subjects: Sequence[Subject], yunet: Path | None) -> Watcher:
    """Open all systems in this process.

    Raises:
        ModelError: a file cannot be used.
    """
    cv2.setNumThreads(1)
    masks = {subject.name: subject.mask for subject in subjects if subject.mask is not None}
    return Watcher(
        [opened(subject) for subject in subjects],
        {name: evaluate.open_network(path, any_pixels=True) for name, path in masks.items()},
        peers.yunet_landmarks(yunet) if yunet else None,
    )


def show(pictures: Sequence[Picture], subjects: Sequence[Subject], yunet: Path | None, workers: int) -> list[Seen]:
    """Run every system on every picture.

    Raises:
        ModelError: a file cannot be used.
    """
    watcher = ready(subjects, yunet)  # first in this process, so that an unusable file gives one clear error
    if workers == 1:
        return [watcher.see(picture) for picture in track(pictures, "Showing pictures")]
    del watcher
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _open, (subjects, yunet)) as pool:
        seen = pool.map(_see, pictures, chunksize=CHUNK)
        return list(track(seen, "Showing pictures", total=len(pictures)))


_here: list[Watcher] = []  # of a worker process: a pool's initializer can only leave it in a global


def _open(subjects: Sequence[Subject], yunet: Path | None) -> None:
    _here.append(ready(subjects, yunet))


def _see(picture: Picture) -> Seen:
    return _here[0].see(picture)
