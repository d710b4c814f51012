"""The finder's maps -> boxes. Pure functions.

The finder answers, for strides 8, 16 and 32, a map of score logits and a map of boxes: in each cell the offset of the
face's centre from the cell's and the logarithm of its size, both in strides (as YOLOX, Ge et al. 2021, arXiv
2107.08430).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Face
from maskwatch.vision.quantization import Floats, Scale

MAX_IOU = 0.4  # two boxes that overlap more are one face
MAX_CANDIDATES = 400  # surest cells that reach suppression: bounds the time a picture full of faces takes
LOG_SIZE = (-4.0, 6.0)  # what training clips the logarithm of a size to
Raw = NDArray[Any]  # floats, or integers of some Scale


def decode(maps: Sequence[Floats], size: int, min_score: float) -> tuple[Floats, Floats]:
    """The finder's maps as boxes, once; whoever decodes many keeps the grid.

    Args:
        maps: for each stride s in any order (1, size/s, size/s, 1) score logits and (1, size/s, size/s, 4) boxes.
        size: side of the input, pixels.
        min_score: a cell below this, 0–1, is left out.

    Returns:
        (N, 4) left, top, right, bottom in pixels of the input, and (N,) scores, surest first, MAX_CANDIDATES at most.

    Raises:
        ValueError: a map is missing or of another shape, or a score or a sure box is no finite number.
    """
    return grid(maps, [Scale()] * len(maps), size, min_score).decode(maps)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What is always the same of a finder's maps, by cell: finest stride first, row by row.

    A numpy call costs as much as processing a few hundred values, so we make few calls and dequantize only the cells
    above the threshold.
    """

    scores: tuple[int, ...]  # places of the score maps among the outputs
    boxes: tuple[int, ...]  # of the box maps
    least: Floats  # (N,) raw scores from which on a cell counts
    cells: Floats  # (N, 3) column and row of the middle, in strides, and stride
    scales: Floats  # (N, 4) zero point and scale of the scores, then of the boxes
    size: int  # pixels

    def decode(self, raw: Sequence[Raw]) -> tuple[Floats, Floats]:
        """All outputs as the model answers them -> boxes and scores as decode() returns them.

        Raises:
            ValueError: a score, or the box of a cell that counts, is no finite number.
        """
        scores = np.concatenate([raw[place].reshape(-1) for place in self.scores])
        _demand_finite(scores)  # a score that is no number is above nothing: the finder would find nobody
        (sure,) = (scores >= self.least).nonzero()
        scales = self.scales[sure]
        logits = (scores[sure].astype(np.float32) - scales[:, 0]) * scales[:, 1]
        order = (-logits).argsort(kind="stable")[:MAX_CANDIDATES]
        sure, scales = sure[order], scales[order]
        boxes = np.concatenate([raw[place].reshape(-1, 4) for place in self.boxes])[sure]
        offsets = (boxes.astype(np.float32) - scales[:, 2:3]) * scales[:, 3:]
        _demand_finite(offsets)
        return _corners(offsets, self.cells[sure], self.size), _sigmoid(logits[order])


def grid(raw: Sequence[Raw], scales: Sequence[Scale], size: int, min_score: float) -> Grid:
    """The grid of a finder, made from any answer of it.

    Args:
        raw: the maps, see decode(), in the model's own numbers. Their shapes distinguish them: converters do not
            keep the order of outputs.
        scales: what the numbers of each map stand for.
        size: side of the input, pixels.
        min_score: a cell below this, 0–1, is left out.

    Raises:
        ValueError: a map is missing or of another shape.
    """
    places = {each.shape: place for place, each in enumerate(raw)}
    sides = sorted({shape[1] for shape in places if len(shape) == 4}, reverse=True)
    expected = {(1, side, side, depth) for side in sides for depth in (1, 4)}
    if not sides or set(places) != expected or len(raw) != len(expected) or any(size % side for side in sides):
        found = [each.shape for each in raw]
        raise ValueError(f"answers {found}, expected a map of scores and one of boxes for each stride: not a finder")
    scales = [Scale() if each.dtype.kind == "f" else scale for each, scale in zip(raw, scales, strict=True)]
    scores, boxes = (tuple(places[1, side, side, depth] for side in sides) for depth in (1, 4))
    pairs = [(scales[one], scales[other]) for one, other in zip(scores, boxes, strict=True)]
    least = [scales[place].least(_logit(min_score), raw[place].dtype) for place in scores]
    numbers = [(score.zero_point, score.scale, box.zero_point, box.scale) for score, box in pairs]
    counts = [side * side for side in sides]
    return Grid(
        scores,
        boxes,
        np.repeat(np.array(least, np.float32), counts),
        np.concatenate([_cells(side, size // side) for side in sides]),
        np.repeat(np.array(numbers, np.float32), counts, axis=0),
        size,
    )


def _demand_finite(numbers: Raw) -> None:
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise ValueError("answers what is no finite number")


def _cells(side: int, stride: int) -> Floats:
    """(N, 3) column and row of the middles of a map's cells, in strides, and the stride."""
    row, column = np.indices((side, side)).reshape(2, -1) + 0.5
    return np.column_stack([column, row, np.full(side * side, stride)]).astype(np.float32)


def _logit(score: float) -> float:
    """Where the sigmoid reaches a score of 0–1; infinite at both ends."""
    if not 0 < score < 1:
        return math.copysign(math.inf, score - 0.5)
    return math.log(score / (1 - score))


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-_within(logits, -80, 80))), np.float32)


def _corners(offsets: Floats, cells: Floats, size: int) -> Floats:
    """(N, 4) dx, dy, log width, log height in strides and (N, 3) as Grid.cells -> (N, 4) corners in pixels."""
    stride = cells[:, 2:]
    centre = (cells[:, :2] + offsets[:, :2]) * stride
    half = np.exp(_within(offsets[:, 2:], *LOG_SIZE)) * stride / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return _within(corners, -size, 2 * size)  # a wild box would cost the crop gigabytes


def _within(values: Floats, low: float, high: float) -> Floats:
    """np.clip, whose checks take longer than its work on a dozen rows."""
    return np.minimum(np.maximum(values, np.float32(low)), np.float32(high))


def non_maximum_suppression(boxes: Floats, scores: Floats, max_iou: float = MAX_IOU) -> NDArray[np.intp]:
    """Greedy: the surest box stays, what overlaps it by more than `max_iou` goes, and so on.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,), above 0.
        max_iou: 0–1.

    Returns:
        Indices of the boxes that stay, surest first.
    """
    corner, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    kept = cv2.dnn.NMSBoxes(np.concatenate([corner, size], axis=1).tolist(), scores.tolist(), 0.0, max_iou)
    return np.asarray(kept, np.intp).reshape(-1)


def within_reach(boxes: Floats, width: int, height: int) -> Floats:
    """(N, 4) left, top, right, bottom, reaching no further than the picture's own size beside it."""
    sides = np.array([width, height, width, height], np.float32)
    return np.minimum(np.maximum(boxes, -sides), 2 * sides)


def as_faces(boxes: Floats, scores: Floats) -> list[Face]:
    """(N, 4) left, top, right, bottom and (N,) scores -> records."""
    return [Face(Box(*box), score) for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)]
