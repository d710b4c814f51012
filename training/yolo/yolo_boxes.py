"""YOLOv5's boxes: its anchors, and the network's output maps read as faces with classes. Needs numpy alone.

In each cell, each anchor gives the logits of x, y, width, height, objectness and the classes. The centre is 2σ − 0.5
cells from the cell's corner, so it can lie in a neighbouring cell; the sides are (2σ)² times the anchor's, so at most
four times as long (Jocher et al., YOLOv5, doi 10.5281/zenodo.3908559).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from maskwatch.flow import Box
from maskwatch.vision import decoding
from maskwatch.vision.preprocess import Letterbox
from maskwatch.vision.quantization import Floats
from training.judging.detections import Found
from training.networks.yolov5s import ANCHORS, OBJECTNESS, STRIDES

Anchors = NDArray[np.float32]  # (strides, anchors, 2) width and height, pixels of the input
FIRST_CLASS = OBJECTNESS + 1  # index of the first class in an anchor's numbers
REACH = 4.0  # a face whose side is this many times longer or shorter than an anchor's is not assigned to it
# Anchors grow evenly from the smallest face in an input of ANCHORS_AT pixels to the largest; a face is a little taller
# than wide. On composed training scenes, the ratio of a face's worse side to the nearest anchor's is 0.8 in the mean;
# with COCO's anchors, halved, it is 0.74, and with COCO's as they are 0.72. Nine anchors by k-means reach 0.82, but
# they crowd at the common sizes: those of stride 32 start at 43 pixels, and would be assigned to faces a third of a
# cell wide.
ANCHORS_AT, SMALLEST, LARGEST = 320, 7.0, 150.0  # pixels
PROPORTIONS = (0.96, 1.04)  # width, height


def anchors(size: int) -> Anchors:
    """The anchors of every stride for an input of that side, small to large."""
    sides = np.geomspace(SMALLEST, LARGEST, len(STRIDES) * ANCHORS) * size / ANCHORS_AT
    return np.multiply.outer(sides, PROPORTIONS).astype(np.float32).reshape(len(STRIDES), ANCHORS, 2)


def ratios(sides: Floats, anchors: Anchors) -> Floats:
    """(N, 2) widths and heights -> (N, strides, anchors) the worse of the two ratios to the anchor's sides, >= 1."""
    share = sides[:, None, None] / anchors[None]
    return np.asarray(np.maximum(share, 1 / share).max(axis=-1), np.float32)


def places(size: int, anchors: Anchors) -> Floats:
    """(N, 5) of each place where the network answers: left and top of the cell in cells, stride, anchor width and
    height.

    The order is that of the flattened maps: strides, then row by row, then anchor by anchor.
    """
    rows = []
    for stride, sides in zip(STRIDES, anchors, strict=True):
        y, x, anchor = np.indices((size // stride, size // stride, ANCHORS)).reshape(3, -1)
        rows.append(np.column_stack([x, y, np.full(x.size, stride), sides[anchor]]))
    return np.concatenate(rows).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The boxes of a network, the highest score first."""

    boxes: Floats  # (N, 4) left, top, right, bottom, pixels of the input
    scores: Floats  # objectness times the best class's probability, 0–1
    classes: NDArray[np.intp]  # the best class


def decode(maps: Sequence[Floats], size: int, anchors: Anchors, min_score: float) -> Answers:
    """Read the maps of a network as boxes.

    Args:
        maps: for each stride s in any order (1, size/s, size/s, 3 · (5 + classes)) logits.
        size: side of the input, pixels.
        anchors: of every stride.
        min_score: boxes with a lower score, 0–1, are left out; at most decoding.MAX_CANDIDATES are kept.

    Raises:
        ValueError: a map is missing or has another shape.
    """
    rows = _joined(maps, size)
    by_class = expit(rows[:, OBJECTNESS])[:, None] * expit(rows[:, FIRST_CLASS:])
    classes = by_class.argmax(axis=1)
    scores = by_class[np.arange(len(rows)), classes]
    kept = np.flatnonzero(scores >= min_score)
    kept = kept[np.argsort(-scores[kept], kind="stable")[: decoding.MAX_CANDIDATES]]
    boxes = corners(rows[kept, :OBJECTNESS], places(size, anchors)[kept])
    return Answers(boxes, scores[kept].astype(np.float32), classes[kept])


def _joined(maps: Sequence[Floats], size: int) -> Floats:
    """(N, 5 + classes) all maps flattened, in the order of `places`."""
    by_side = {single.shape[1]: single for single in maps if single.ndim == 4}
    depths = {single.shape[-1] for single in maps}
    sides = [size // stride for stride in STRIDES]
    shapes = [by_side[side].shape[:3] for side in sides if side in by_side]
    if shapes != [(1, side, side) for side in sides] or len(depths) != 1 or any(depth % ANCHORS for depth in depths):
        found = [single.shape for single in maps]
        raise ValueError(f"answers {found}, expected a map of {ANCHORS} anchors for each stride: not YOLOv5")
    depth = depths.pop() // ANCHORS
    return np.concatenate([by_side[side].reshape(-1, depth) for side in sides])


def corners(logits: Floats, places: Floats) -> Floats:
    """(N, 4) logits of x, y, width, height at (N, 5) places -> (N, 4) left, top, right, bottom, pixels."""
    share = 2 * expit(logits)
    centre = (places[:, :2] + share[:, :2] - 0.5) * places[:, 2:3]
    half = np.square(share[:, 2:]) * places[:, 3:] / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def find(
    maps: Sequence[Floats],
    size: int,
    anchors: Anchors,
    labels: Sequence[str],
    min_score: float,
    placement: Letterbox | None = None,
) -> list[Found]:
    """The faces in an input, each once, the highest score first, in pixels of the input or of the placement's frame.

    A face has one class, so boxes of all classes suppress each other.
    """
    answers = decode(maps, size, anchors, min_score)
    kept = decoding.non_maximum_suppression(answers.boxes, answers.scores)
    boxes = answers.boxes[kept] if placement is None else placement.to_image(answers.boxes[kept])
    rows = zip(boxes.tolist(), answers.scores[kept].tolist(), answers.classes[kept], strict=True)
    return [Found(Box(*box), score, labels[name]) for box, score, name in rows]
