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
from training.augment.picture import Boxes, as_array, clipped
from training.finder import finder_loss, finder_scenes
from training.finder.finder_knobs import Knobs
from training.finder.head_trials import Trial
from training.judging.detections import Found
from training.judging.peers import Finder
from training.networks import finder
from training.pictures import data

AGREES = 0.5  # IoU from which a box of the teacher is the same face as an annotation
ALONE = 0.3  # IoU with every annotation below which a box of the teacher is another face
Maps = list[NDArray[np.float16]]  # for each stride, (N, h, w, c) features; half precision keeps three digits


@dataclass(frozen=True, slots=True, eq=False)
class SceneFaces:
    """The faces in a scene."""

    boxes: Boxes
    left_out: NDArray[np.bool_]
    taught: Boxes  # the teacher's boxes; empty without a teacher

    def targets(self, cells: NDArray[np.float32], trial: Trial) -> NDArray[np.float32]:
        """See finder_loss.targets; with what the trial takes from the teacher."""
        boxes = self.boxes.copy()
        overlaps = overlap(self.boxes, self.taught)
        if trial.teacher_boxes:
            for face, row in enumerate(overlaps):
                if len(row) and row.max() >= AGREES:
                    boxes[face] = (self.boxes[face] + self.taught[row.argmax()]) / 2
        result = finder_loss.targets(boxes, cells, self.left_out, trial.near)
        if trial.teacher_faces:
            alone = self.taught[(overlaps < ALONE).all(axis=0)]
            ignoring = finder_loss.targets(alone, cells, np.ones(len(alone), np.bool_), trial.near)
            background = result[:, 0] == finder_loss.NEGATIVE  # what is annotated stays
            result[background, 0] = ignoring[background, 0]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Scenes to learn from, and validation pictures to judge on."""

    maps: Maps
    faces: Sequence[SceneFaces]
    validation: Maps
    placements: Sequence[preprocess.Letterbox]  # of the validation pictures


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
    maps, faces = empty(trunk, knobs.steps * knobs.batch), []
    for index in track(range(knobs.steps), "composing scenes", console=Console(stderr=True)):
        composed = made.pictures(index)
        put(maps, index * knobs.batch, trunk, np.stack([picture.image for picture in composed]))
        for picture in composed:
            taught = as_array(face.box for face in teacher(picture.image))
            faces.append(SceneFaces(picture.boxes, picture.left_out, clipped(taught, knobs.size, knobs.size)))
    validation, placements = empty(trunk, len(material.validation)), []
    for index, scene in enumerate(material.validation):
        image, placement = preprocess.letterbox(data.read_rgb(scene.path), knobs.size)
        put(validation, index, trunk, image[None])
        placements.append(placement)
    return Stored(maps, faces, validation, placements)


def no_teacher(image: Image) -> list[Found]:  # noqa: ARG001 - a teacher's signature
    """In place of a teacher: it sees no face."""
    return []


def empty(trunk: keras.Model, count: int) -> Maps:
    """Room for the features of `count` pictures."""
    return [np.zeros((count, *output.shape[1:]), np.float16) for output in trunk.outputs]


def put(maps: Maps, start: int, trunk: keras.Model, images: NDArray[np.uint8]) -> None:
    """Write the features of (B, S, S, 3) pictures into the places from `start` on."""
    for of_stride, made in zip(maps, trunk.predict_on_batch(images), strict=True):
        of_stride[start : start + len(images)] = made


def overlap(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """(M, N) IoU of each box with each."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.prod((high - low).clip(0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return inner / np.maximum(areas[0][:, None] + areas[1] - inner, 1e-6)
