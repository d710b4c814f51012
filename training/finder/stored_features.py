"""The features of a finder's trunk on composed scenes and on validation pictures, computed once for many trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from maskwatch.flow import Image
from maskwatch.vision import preprocess
from training.augment.picture import Boxes, as_array
from training.finder import finder_loss, finder_scenes
from training.finder.finder_knobs import Knobs
from training.finder.head_trials import Trial
from training.judging.detections import Found
from training.judging.peers import Finder
from training.networks import finder
from training.pictures import data

AGREES = 0.5  # IoU from which a box of the teacher is the same face as an annotation
Maps = list[NDArray[np.float16]]  # for each stride, (N, h, w, c) features; half precision keeps 3 decimal places


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a scene shows."""

    boxes: Boxes
    left_out: NDArray[np.bool_]
    taught: Boxes  # the teacher's boxes; empty without a teacher

    def targets(self, cells: NDArray[np.float32], trial: Trial) -> NDArray[np.float32]:
        """See finder_loss.targets; with what the trial takes from the teacher."""
        boxes, left_out = self.boxes.copy(), self.left_out
        overlaps = overlap(self.boxes, self.taught)
        if trial.teacher_boxes:
            for face, row in enumerate(overlaps):
                if len(row) and row.max() >= AGREES:
                    boxes[face] = (self.boxes[face] + self.taught[row.argmax()]) / 2
        if trial.teacher_faces:
            alone = self.taught[~(overlaps >= finder_scenes.SEEN).any(axis=0)]
            boxes = np.concatenate([boxes, alone])
            left_out = np.concatenate([left_out, np.ones(len(alone), np.bool_)])
        return finder_loss.targets(boxes, cells, left_out, trial.near)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Scenes to learn from, and validation pictures to judge on."""

    maps: Maps
    labels: Sequence[Labels]
    judged: Maps
    placements: Sequence[preprocess.Letterbox]


def of(
    model: keras.Model,
    material: finder_scenes.Material,
    knobs: Knobs,
    teacher: Finder,
) -> Stored:
    """Compose scenes as in a training, and compute the features of all pictures.

    Args:
        model: a finder, whose trunk makes the features.
        material: the pictures.
        knobs: of the scenes; `size` is the side of the model's input, and `steps` the number of batches.
        teacher: a detector whose boxes on the scenes are stored too; see no_teacher.
    """
    trunk = keras.Model(model.input, model.get_layer(finder.TRUNK)(model.get_layer("scale")(model.input)))
    made = finder_scenes.Scenes(material, knobs, knobs.seed)
    parts, labels = [], []
    for index in track(range(knobs.steps), "composing scenes", console=Console(stderr=True)):
        composed = made.pictures(index)
        parts.append(features(trunk, np.stack([picture.image for picture in composed])))
        labels += [
            Labels(picture.boxes, picture.left_out, as_array(face.box for face in teacher(picture.image)))
            for picture in composed
        ]
    letterboxed = [preprocess.letterbox(data.read_rgb(scene.path), knobs.size) for scene in material.validation]
    return Stored(
        joined(parts),
        labels,
        joined([features(trunk, image[None]) for image, _ in letterboxed]),
        [placement for _, placement in letterboxed],
    )


def no_teacher(image: Image) -> list[Found]:  # noqa: ARG001 - a teacher's signature
    """In place of a teacher: it sees no face."""
    return []


def features(trunk: keras.Model, images: NDArray[np.uint8]) -> Maps:
    """(B, S, S, 3) pictures -> the trunk's maps."""
    return [np.asarray(single, np.float16) for single in trunk.predict_on_batch(images)]


def joined(parts: Sequence[Maps]) -> Maps:
    """The maps of all batches in one array a stride."""
    return [np.concatenate(of_stride) for of_stride in zip(*parts, strict=True)]


def overlap(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """(M, N) IoU of each box with each."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.prod((high - low).clip(0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return inner / np.maximum(areas[0][:, None] + areas[1] - inner, 1e-6)
