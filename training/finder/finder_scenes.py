"""What the face finder learns from: the pictures of all sources, and the batches of scenes composed of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.augment import empty_parts, scenes
from training.augment.picture import Picture
from training.finder import finder_loss, finder_scores
from training.finder.finder_knobs import Knobs
from training.pictures import data, quick, sizes, voc

SEEN = 0.3  # score from which a box in a place without a face makes the place a hard one


@dataclass(frozen=True, slots=True)
class Material:
    """The pictures to train on, and those that choose the threshold."""

    pictures: scenes.TrainingPictures
    validation: list[voc.Scene]
    close: list[Picture]  # portraits of the validation part
    sha256: str  # of the sources' splits, in their order


def gather(sources: Sequence[Path], portraits: Path | None, seed: int, at_most: int | None = None) -> Material:
    """Split each source and leave out unreadable files. `at_most`: the most scenes of each part of each source."""
    splits = {root: voc.split(voc.load(root), seed) for root in sources}
    sha256 = voc.sha256(splits.values())
    photos = data.load(portraits).split(seed) if portraits else None
    if at_most is not None:
        splits = {root: quick.of_scenes(split, at_most) for root, split in splits.items()}
        photos = photos and quick.of_photos(photos, at_most)
    good = data.readable(scene.path for split in splits.values() for scene in split.validation)
    street, portrait, empty = [], [], []
    for split in splits.values():
        of_source = scenes.streets(split.train)
        (portrait if voc.portraits_mostly(split.train) else street).append(of_source)
        empty += scenes.rooms(split.train)
    if photos and portraits:
        portrait.append(scenes.portraits(photos.train, portraits))
    pictures = scenes.TrainingPictures(
        [of_source for of_source in street if of_source],
        [picture for of_source in portrait for picture in of_source],
        empty,
    )
    validation = [scene for split in splits.values() for scene in split.validation if scene.path in good]
    learnt = sum(len(picture.boxes) for picture in pictures)
    sizes.of_scenes(learnt, sum(len(scene.faces) for scene in validation), sources)
    return Material(
        pictures,
        validation,
        scenes.portraits(photos.validation, portraits) if photos and portraits else [],
        sha256,
    )


class Scenes(keras.utils.PyDataset):
    """Composed batches. Batch i of an epoch depends on the seed alone, not on the thread that makes it."""

    def __init__(self, material: Material, knobs: Knobs, seed: int) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self.material, self.knobs, self.seed = material, knobs, seed
        self.cells = finder_loss.cell_centres(knobs.size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.knobs.steps_per_epoch

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def pictures(self, index: int) -> list[Picture]:
        """The composed scenes of a batch of this epoch."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        return [scenes.compose(self.material.pictures, self.knobs.size, rng) for _ in range(self.knobs.batch)]

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        made = self.pictures(index)
        return (
            np.stack([picture.image for picture in made]),
            np.stack([finder_loss.targets(picture.boxes, self.cells, picture.left_out) for picture in made]),
        )


def first_scenes(material: Material, knobs: Knobs, batches: int) -> NDArray[np.uint8]:
    """(N, S, S, 3) the first `batches` batches of training scenes."""
    made = Scenes(material, knobs, knobs.seed)
    return np.concatenate([made[index][0] for index in range(batches)])


def with_hard_places(pictures: scenes.TrainingPictures, model: keras.Model, knobs: Knobs) -> scenes.TrainingPictures:
    """The pictures, with those places named as hard in which the finder sees a face though there is none.

    Places are the empty rooms, and parts of the street scenes without a face.
    """
    hard: list[Picture] = []
    parts = empty_parts.of_all(itertools.chain(*pictures.street), np.random.default_rng(knobs.seed))
    for places, what in ((pictures.empty, "empty rooms"), (parts, "parts of scenes without a face")):
        of_these = [place for place in places if finder_scores.answers(model, place.image, knobs.size, SEEN)]
        if places:
            print(f"{len(of_these)} of {len(places)} {what} are hard: the finder sees a face in them", flush=True)
        hard += of_these
    return replace(pictures, hard=hard)
