"""YOLOv5's targets of each anchor, and its loss (doi 10.5281/zenodo.3908559).

A face is assigned to the anchors, of any stride, whose sides differ from the face's by a factor of less than REACH. It
is assigned in the cell of its centre and in the two neighbouring cells nearest to the centre. Boxes are trained by CIoU
(Zheng et al. 2020, arXiv 1911.08287), objectness against the reached overlap, each class separately. When two faces get
the same anchor of a cell, the smaller one is kept; the original counts both, with the overlap of either. Faces that
nobody annotated, or whose class is not known, are ignored: their cells are trained neither as a face nor as background.
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.augment.picture import Boxes, Labels
from training.networks.yolov5s import ANCHORS, OBJECTNESS, STRIDES
from training.yolo import yolo_boxes
from training.yolo.yolo_boxes import FIRST_CLASS, REACH, Anchors

MIN_SIDE = 2.0  # pixels; a face with a side up to this is ignored
HALF = 0.5  # cells
# Weight of objectness: faces are rarer in finer maps, and most of their cells are easy
BALANCE = {8: 4.0, 16: 1.0, 32: 0.4}
# The original's weights are for 80 classes and 640 px; those of classes and objectness are scaled to ours.
BOX_WEIGHT, OBJECTNESS_WEIGHT, CLASS_WEIGHT = 0.05, 1.0, 0.5
CLASSES_AT, SIZE_AT = 80, 640
TINY = 1e-7
POSITIVE, NEGATIVE, IGNORED = 1.0, 0.0, -1.0  # states of a place


def targets(
    boxes: Boxes, labels: Labels, size: int, anchors: Anchors, left_out: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """(M, 4) faces of (M,) classes -> (N, 6) by place: its state; its face's box, pixels; its face's class.

    A place is POSITIVE if a face is assigned to it, IGNORED in the box of a face that is left out, else NEGATIVE.
    `left_out` says which are, (M,).
    """
    answer = [np.zeros((size // stride, size // stride, ANCHORS, 6), np.float32) for stride in STRIDES]
    for level in answer:
        level[..., 3:5] = 1.0  # a harmless box where no face is assigned
    if left_out is not None:
        for box in boxes[left_out]:
            for stride, level in zip(STRIDES, answer, strict=True):
                (left, top), (right, bottom) = np.floor(box[:2] / stride), np.ceil(box[2:] / stride)
                level[max(0, int(top)) : int(bottom), max(0, int(left)) : int(right), :, 0] = IGNORED
        boxes, labels = boxes[~left_out], labels[~left_out]
    sides = boxes[:, 2:] - boxes[:, :2]
    ratios = yolo_boxes.ratios(np.maximum(sides, TINY), anchors)
    for face in np.argsort(-sides.prod(axis=1)):
        if sides[face].min() <= MIN_SIDE:
            continue
        row = np.concatenate([[POSITIVE], boxes[face], [labels[face]]])
        for level, (stride, maps) in enumerate(zip(STRIDES, answer, strict=True)):
            fitting = np.flatnonzero(ratios[face, level] < REACH)
            for x, y in cells((boxes[face, :2] + boxes[face, 2:]) / 2 / stride, size // stride):
                maps[y, x, fitting] = row
    return np.concatenate([level.reshape(-1, 6) for level in answer])


def cells(centre: NDArray[np.float32], side: int) -> list[tuple[int, int]]:
    """Column and row of the cells assigned to a centre (in cells): its own, and the nearer neighbour each way."""
    column, row = (min(max(int(value), 0), side - 1) for value in centre)
    found = [(column, row)]
    dx, dy = (-1 if value < at + HALF else 1 for value, at in zip(centre, (column, row), strict=True))
    if 0 <= column + dx < side:
        found.append((column + dx, row))
    if 0 <= row + dy < side:
        found.append((column, row + dy))
    return found


def join(outputs: list[keras.KerasTensor]) -> keras.KerasTensor:
    """The network's maps -> (B, N, 5 + classes), in the order of yolo_boxes.places."""
    rows = [keras.layers.Reshape((-1, output.shape[-1] // ANCHORS))(output) for output in outputs]
    return keras.layers.Concatenate(axis=1, name="places")(rows)


class YoloLoss(keras.losses.Loss):
    """Loss of boxes, objectness and classes, each averaged over its own terms, stride by stride."""

    def __init__(self, size: int, classes: int, anchors: Anchors, name: str = "yolo_loss") -> None:
        super().__init__(name=name, reduction=None)
        self.places = yolo_boxes.places(size, anchors)
        self.classes = classes
        share = len(STRIDES) / 3  # of the original's strides
        self.weights = (
            BOX_WEIGHT / share,
            OBJECTNESS_WEIGHT * (size / SIZE_AT) ** 2 / share,
            CLASS_WEIGHT * classes / CLASSES_AT / share,
        )

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(B, N, 6) targets and (B, N, 5 + classes) outputs -> a scalar."""
        positive = ops.cast(ops.equal(y_true[..., 0], POSITIVE), "float32")
        judged = ops.cast(ops.not_equal(y_true[..., 0], IGNORED), "float32")
        overlap = complete_iou(self.boxes(y_pred), y_true[..., 1:5])
        target = ops.stop_gradient(positive * ops.relu(overlap))
        objectness = judged * entropy(y_pred[..., OBJECTNESS], target)
        classes_true = ops.one_hot(ops.cast(y_true[..., 5], "int32"), self.classes)
        classes = ops.mean(entropy(y_pred[..., FIRST_CLASS:], classes_true), axis=-1)
        total = 0.0
        for stride in STRIDES:
            (here,) = np.nonzero(self.places[:, 2] == stride)
            part = slice(int(here[0]), int(here[-1]) + 1)
            count = ops.maximum(ops.sum(positive[:, part]), 1.0)
            box_weight, objectness_weight, class_weight = self.weights
            total += box_weight * ops.sum(positive[:, part] * (1 - overlap[:, part])) / count
            total += objectness_weight * BALANCE[stride] * ops.mean(objectness[:, part])
            total += class_weight * ops.sum(positive[:, part] * classes[:, part]) / count
        return total

    def boxes(self, output: keras.KerasTensor) -> keras.KerasTensor:
        """(B, N, 5 + classes) outputs -> (B, N, 4) corners, pixels: yolo_boxes.corners with a gradient."""
        places = ops.convert_to_tensor(self.places)[None]
        share = 2 * ops.sigmoid(output[..., :OBJECTNESS])
        centre = (places[..., :2] + share[..., :2] - 0.5) * places[..., 2:3]
        half = ops.square(share[..., 2:]) * places[..., 3:] / 2
        return ops.concatenate([centre - half, centre + half], axis=-1)


def entropy(logits: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy of each logit."""
    return ops.relu(logits) - logits * target + ops.softplus(-ops.abs(logits))


def complete_iou(found: keras.KerasTensor, true: keras.KerasTensor) -> keras.KerasTensor:
    """(..., 4) and (..., 4) corners -> (...) IoU, less terms for the distance of centres and the aspect ratios."""
    inner = ops.relu(ops.minimum(found[..., 2:], true[..., 2:]) - ops.maximum(found[..., :2], true[..., :2]))
    hull = ops.maximum(found[..., 2:], true[..., 2:]) - ops.minimum(found[..., :2], true[..., :2])
    sides, true_sides = found[..., 2:] - found[..., :2], true[..., 2:] - true[..., :2]
    intersection = ops.prod(inner, axis=-1)
    iou = intersection / (ops.prod(sides, axis=-1) + ops.prod(true_sides, axis=-1) - intersection + TINY)
    offset = (found[..., :2] + found[..., 2:] - true[..., :2] - true[..., 2:]) / 2
    distance = ops.sum(ops.square(offset), axis=-1) / (ops.sum(ops.square(hull), axis=-1) + TINY)
    slope, true_slope = (ops.arctan(pair[..., 0] / (pair[..., 1] + TINY)) for pair in (sides, true_sides))
    proportions = 4 / math.pi**2 * ops.square(true_slope - slope)
    weight = ops.stop_gradient(proportions / (proportions - iou + 1 + TINY))
    return iou - distance - weight * proportions
