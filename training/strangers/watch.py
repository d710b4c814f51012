"""Runs every system once on every picture, in several processes."""

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
    kind: str  # FACE: the annotated face as the device cuts it; GREY: the same without colour; TIGHT: without a margin
    at: int  # index of the face in the picture
    bare: float  # 0–1


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture, and the answers of all systems."""

    picture: Picture
    found: Mapping[str, list[Found]]  # by system
    traits: list[dict[str, str]]  # of each face
    crops: list[Crop]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSystems:
    """All systems, opened in this process."""

    systems: Sequence[System]
    networks: Mapping[str, evaluate.Network]  # by system
    landmarks: Landmarks | None  # for the pose of faces

    def run(self, picture: Picture) -> PictureResult:
        """Run every system on a picture."""
        image = picture.read()
        portrait = picture.source == PORTRAITS
        systems = [system for system in self.systems if (system.labels and system.portraits) or not portrait]
        found = {system.name: system.find(image) for system in systems}
        of_faces = [] if portrait else traits.of(picture.path, picture.faces, image, picture.source, self.landmarks)
        return PictureResult(picture, found, of_faces, self._crops(picture, image))

    def _crops(self, picture: Picture, image: Image) -> list[Crop]:
        made = []
        for name, network in self.networks.items():
            crops = list(_crops_of(picture, image, network.size))
            if crops:
                bare = network.bare(network.logits(np.stack([crop for _, _, crop in crops])))
                made += [Crop(name, kind, at, float(share)) for (kind, at, _), share in zip(crops, bare, strict=True)]
        return made


def _crops_of(picture: Picture, image: Image, size: int) -> Iterator[tuple[str, int, Image]]:
    """The crops of a picture for a classifier: kind, index of the face, (size, size, 3) uint8 RGB."""
    if picture.source == PORTRAITS:
        yield WHOLE, 0, preprocess.whole_image(image, size)
    for at, face in enumerate(picture.faces):
        if face.ignored or face.name not in data.CLASSES:
            continue
        crop = preprocess.face_crop(image, face.box, size)
        yield FACE, at, crop
        if picture.source == PORTRAITS:
            yield TIGHT, at, preprocess.face_crop(image, face.box, size, margin=0.0)
        else:
            yield GREY, at, weather.grey(crop, np.random.default_rng(0))  # this effect draws no random number


def open_all(subjects: Sequence[Subject], yunet: Path | None) -> OpenedSystems:
    """Open all systems in this process.

    Raises:
        ModelError: a file cannot be used.
    """
    cv2.setNumThreads(1)
    masks = {subject.name: subject.mask for subject in subjects if subject.mask is not None}
    return OpenedSystems(
        [opened(subject) for subject in subjects],
        {name: evaluate.open_network(path, any_pixels=True) for name, path in masks.items()},
        peers.yunet_landmarks(yunet) if yunet else None,
    )


def run_all(
    pictures: Sequence[Picture], subjects: Sequence[Subject], yunet: Path | None, workers: int
) -> list[PictureResult]:
    """Run every system on every picture.

    Raises:
        ModelError: a file cannot be used.
    """
    systems_here = open_all(subjects, yunet)  # open them here first, so that an unusable file gives one clear error
    if workers == 1:
        return [systems_here.run(picture) for picture in track(pictures, "Running on pictures")]
    del systems_here
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _open, (subjects, yunet)) as pool:
        results = pool.map(_run, pictures, chunksize=CHUNK)
        return list(track(results, "Running on pictures", total=len(pictures)))


_here: list[OpenedSystems] = []  # in a worker process: a pool's initializer can only store it in a global


def _open(subjects: Sequence[Subject], yunet: Path | None) -> None:
    _here.append(open_all(subjects, yunet))


def _run(picture: Picture) -> PictureResult:
    return _here[0].run(picture)
