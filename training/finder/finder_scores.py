"""One threshold for near and far faces: a finder's scores are calibrated to the share of right boxes.

After training, a score predicts the overlap that a cell reaches. A face that fills the picture gets a lower score than
a small face that is just as certain, so a threshold without false faces in streets misses close-ups. Platt scaling
(Platt 1999, Advances in Large Margin Classifiers) with one slope, and an offset for each stride, turns scores into
shares. Both are folded into the score convolutions, so the device needs no extra step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from maskwatch.flow import Box, Image
from maskwatch.vision import decoding, preprocess
from training.judging.detections import Found
from training.networks.finder import STRIDES

MIN_SCORE = 0.1  # boxes with a lower score do not help to choose a threshold
PRESENT, ABSENT = 0.35, 0.2  # IoU with an annotated face: from PRESENT on, a box is a face; up to ABSENT, it is none


@dataclass(frozen=True, slots=True)
class Answer:
    """One box of a finder."""

    found: Found
    stride: int


@dataclass(frozen=True, slots=True)
class Scale:
    """New logit of a stride = slope · logit + offsets[stride]."""

    slope: float
    offsets: dict[int, float]


def answers(model: keras.Model, image: Image, size: int, min_score: float = MIN_SCORE) -> list[Answer]:
    """The faces that the float model finds in an (h, w, 3) uint8 RGB image, letterboxed and decoded as on a device."""
    pixels, placement = preprocess.letterbox(image, size)
    return decoded([np.asarray(single) for single in model.predict_on_batch(pixels[None])], placement, size, min_score)


def decoded(
    maps: Sequence[NDArray[np.float32]], placement: preprocess.Letterbox, size: int, min_score: float = MIN_SCORE
) -> list[Answer]:
    """The boxes in the maps of one letterboxed picture, as on a device."""
    pairs = [
        decoding.decode([single for single in maps if single.shape[1] == size // stride], size, min_score)
        for stride in STRIDES
    ]
    boxes, scores = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    strides = np.repeat(STRIDES, [len(scores) for _, scores in pairs])
    kept = decoding.non_maximum_suppression(boxes, scores)
    faces = decoding.as_faces(placement.to_image(boxes[kept]), scores[kept])
    return [Answer(Found(face.box, face.score), int(stride)) for face, stride in zip(faces, strides[kept], strict=True)]


def fit(pictures: Iterable[tuple[Sequence[Answer], Sequence[Box]]]) -> Scale:
    """Slope and offsets with the lowest loss on the boxes in validation pictures, each of which is a face or not."""
    judged = [
        (answer.found.score, STRIDES.index(answer.stride), is_face)
        for answers_of_picture, faces in pictures
        for answer, is_face in zip(
            answers_of_picture, present([answer.found for answer in answers_of_picture], faces), strict=True
        )
        if is_face is not None
    ]
    scores, levels, rights = np.array(judged, float).reshape(-1, 3).T
    logits = np.log(scores) - np.log1p(-scores)
    signs, levels = 2 * rights - 1, levels.astype(int)

    def loss(parameters: NDArray[np.float64]) -> float:
        certainty = signs * (np.exp(parameters[0]) * logits + parameters[1:][levels])
        # A stride without boxes keeps its scores.
        return float(np.logaddexp(0, -certainty).sum() + 0.1 * np.square(parameters).sum())

    found = minimize(loss, np.zeros(1 + len(STRIDES)), method="BFGS")
    return Scale(float(np.exp(found.x[0])), dict(zip(STRIDES, map(float, found.x[1:]), strict=True)))


def present(found: Sequence[Found], faces: Sequence[Box]) -> list[bool | None]:
    """Whether each box is on a face; None: it is the second box on a face, or overlaps a face only partly."""
    verdicts: list[bool | None] = [None] * len(found)
    free = list(faces)
    for index in sorted(range(len(found)), key=lambda index: -found[index].score):
        box = found[index].box
        nearest = max(free, key=box.iou, default=None)
        if nearest is not None and box.iou(nearest) >= PRESENT:
            free.remove(nearest)
            verdicts[index] = True
        elif max(map(box.iou, faces), default=0.0) <= ABSENT:
            verdicts[index] = False
    return verdicts


def fold(model: keras.Model, scale: Scale) -> None:
    """Fold slope and offsets into the score convolutions, in place."""
    for stride, offset in scale.offsets.items():
        convolution = model.get_layer(f"score{stride}")
        kernel, bias = convolution.get_weights()
        convolution.set_weights([kernel * scale.slope, bias * scale.slope + offset])


def unfold(model: keras.Model, scale: Scale) -> None:
    """Undo fold(), in place. The loss expects the scores as they were trained: with a slope of 3, those of a trained
    finder are far too certain for it, and its first steps would be lost on them."""
    fold(model, Scale(1 / scale.slope, {stride: -offset / scale.slope for stride, offset in scale.offsets.items()}))
