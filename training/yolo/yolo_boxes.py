"""YOLOv5's boxes: anchors, and the maps a network answers read as faces with their classes. Numpy alone.

In each cell each anchor answers the logits of x, y, width, height, objectness and the classes. The centre lies at
2σ − 0.5 cells from the cell's corner, so that a neighbour can hold it, the sides are (2σ)² of the anchor's, so at most
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
KNOWN = OBJECTNESS + 1  # numbers before the classes
REACH = 4.0  # a face that is as many times longer or shorter than an anchor is not that anchor's
# Anchors grow evenly from the smallest face of an input of AT pixels to the largest; a face is a little taller than
# wide. On composed training scenes the nearest anchor is 0.8 of a face's worse side (or the reverse) in the mean, with
# COCO's halved 0.74 and with COCO's as they are 0.72. Nine of k-means reach 0.82, but crowd where the crowd is: those
# of stride 32 begin at 43 pixels and are asked for faces a third of a cell wide.
AT, SMALLEST, LARGEST = 320, 7.0, 150.0  # pixels
PROPORTIONS = (0.96, 1.04)  # width, height


def anchors(size: int) -> Anchors:
    """The anchors of every stride for an input of that side, small to large."""
    sides = np.geomspace(SMALLEST, LARGEST, len(STRIDES) * ANCHORS) * size / AT
    return np.multiply.outer(sides, PROPORTIONS).astype(np.float32).reshape(len(STRIDES), ANCHORS, 2)


def ratios(sides: Floats, anchors: Anchors) -> Floats:
    """(N, 2) widths and heights -> (N, strides, anchors) how many times longer or shorter than an anchor: the worse."""
    share = sides[:, None, None] / anchors[None]
    return np.asarray(np.maximum(share, 1 / share).max(axis=-1), np.float32)


def places(size: int, anchors: Anchors) -> Floats:
    """(N, 5) left and top corner of the cell, in cells, stride, anchor width and height: of all a network answers.

    Strides in order, row by row, anchor by anchor: as the maps are, laid flat.
    """
    rows = []
    for stride, sides in zip(STRIDES, anchors, strict=True):
        y, x, anchor = np.indices((size // stride, size // stride, ANCHORS)).reshape(3, -1)
        rows.append(np.column_stack([x, y, np.full(x.size, stride), sides[anchor]]))
    return np.concatenate(rows).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network found, surest first."""

    boxes: Floats  # (N, 4) left, top, right, bottom, pixels of the input
    scores: Floats  # (N,) objectness times the surest class, 0–1
    classes: NDArray[np.intp]  # (N,) that class


def decode(maps: Sequence[Floats], size: int, anchors: Anchors, least: float) -> Answers:
    """The maps of a network as boxes.

    Args:
        maps: for each stride s in any order (1, size/s, size/s, 3 · (5 + classes)) logits.
        size: side of the input, pixels.
        anchors: of every stride.
        least: what scores below, 0–1, is left out; decoding.MAX_CANDIDATES stay at most.

    Raises:
        ValueError: a map is missing or of another shape.
    """
    rows = _joined(maps, size)
    sure = expit(rows[:, OBJECTNESS])[:, None] * expit(rows[:, KNOWN:])
    classes = sure.argmax(axis=1)
    scores = sure[np.arange(len(rows)), classes]
    kept = np.flatnonzero(scores >= least)
    kept = kept[np.argsort(-scores[kept], kind="stable")[: decoding.MAX_CANDIDATES]]
    boxes = corners(rows[kept, :OBJECTNESS], places(size, anchors)[kept])
    return Answers(boxes, scores[kept].astype(np.float32), classes[kept])


def _joined(maps: Sequence[Floats], size: int) -> Floats:
    """(N, 5 + classes), as `places` has them."""
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
    least: float,
    placement: Letterbox | None = None,
) -> list[Found]:
    """The faces in an input, each once, surest first, in its pixels or, with a placement, in those of the frame.

    A face wears one thing, so boxes of all classes compete.
    """
    answers = decode(maps, size, anchors, least)
    kept = decoding.non_maximum_suppression(answers.boxes, answers.scores)
    boxes = answers.boxes[kept] if placement is None else placement.to_image(answers.boxes[kept])
    rows = zip(boxes.tolist(), answers.scores[kept].tolist(), answers.classes[kept], strict=True)
    return [Found(Box(*box), score, labels[name]) for box, score, name in rows]
