"""The finder's output maps -> boxes. Pure functions.

For each of the strides 8, 16 and 32 (pixels between two cells), the finder outputs a map of score logits and a map of
boxes. Each cell of a box map holds the offset of the face's centre from the cell's centre, in strides, and the
logarithms of the face's width and height in strides (like YOLOX, Ge et al. 2021, arXiv 2107.08430).
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

MAX_IOU = 0.4  # two boxes that overlap more count as one face
MAX_CANDIDATES = 400  # at most so many cells are decoded, those with the highest scores: a crowd must not take too long
LOG_SIZE = (-4.0, 6.0)  # limits of the logarithm of a width or height; training uses them too
Raw = NDArray[Any]  # floats, or integers with a Scale


def decode(maps: Sequence[Floats], size: int, min_score: float) -> tuple[Floats, Floats]:
    """Decode the maps of one picture. For many pictures, make a grid() once and use it for all.

    Args:
        maps: for each stride s, (1, size/s, size/s, 1) score logits and (1, size/s, size/s, 4) boxes; in any order.
        size: side of the input, pixels.
        min_score: 0–1; cells with a lower score are left out.

    Returns:
        (N, 4) left, top, right, bottom in pixels of the input, and (N,) scores, highest first, MAX_CANDIDATES at most.

    Raises:
        ValueError: a map is missing or has another shape, or a score or a decoded box is not a finite number.
    """
    return grid(maps, [Scale()] * len(maps), size, min_score).decode(maps)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The facts about each of the N cells of the maps that are the same for all pictures.

    The cells are ordered by stride, smallest first, and then row by row. A numpy call costs as much time as a few
    hundred values, so decode() makes few calls and dequantizes only the cells above the threshold.
    """

    score_maps: tuple[int, ...]  # indices of the score maps among the outputs
    box_maps: tuple[int, ...]  # indices of the box maps among the outputs
    min_raw_scores: Floats  # (N,) a cell with a smaller raw score is not decoded
    cells: Floats  # (N, 3) column and row of the cell's centre in strides, and the stride in pixels
    scales: Floats  # (N, 4) zero point and scale of the score, then of the box
    size: int  # side of the input, pixels

    def decode(self, raw: Sequence[Raw]) -> tuple[Floats, Floats]:
        """All raw outputs of the model -> boxes and scores, as the function decode() returns them.

        Raises:
            ValueError: a score, or the box of a decoded cell, is not a finite number.
        """
        scores = np.concatenate([raw[index].reshape(-1) for index in self.score_maps])
        _demand_finite(scores)  # no threshold lets NaN through: a broken model would find nobody, without an error
        (chosen,) = (scores >= self.min_raw_scores).nonzero()
        scales = self.scales[chosen]
        logits = (scores[chosen].astype(np.float32) - scales[:, 0]) * scales[:, 1]
        order = (-logits).argsort(kind="stable")[:MAX_CANDIDATES]
        chosen, scales = chosen[order], scales[order]
        boxes = np.concatenate([raw[index].reshape(-1, 4) for index in self.box_maps])[chosen]
        offsets = (boxes.astype(np.float32) - scales[:, 2:3]) * scales[:, 3:]
        _demand_finite(offsets)
        return _corners(offsets, self.cells[chosen], self.size), _sigmoid(logits[order])


def grid(raw: Sequence[Raw], scales: Sequence[Scale], size: int, min_score: float) -> Grid:
    """Make the grid of a finder from its output for any one picture.

    Args:
        raw: the raw maps, see decode(). Each is recognised by its shape, because converters change their order.
        scales: the quantization of each map.
        size: side of the input, pixels.
        min_score: 0–1; cells with a lower score are left out.

    Raises:
        ValueError: a map is missing or has another shape.
    """
    indices = {each.shape: index for index, each in enumerate(raw)}
    sides = sorted({shape[1] for shape in indices if len(shape) == 4}, reverse=True)
    expected = {(1, side, side, depth) for side in sides for depth in (1, 4)}
    if not sides or set(indices) != expected or len(raw) != len(expected) or any(size % side for side in sides):
        found = [each.shape for each in raw]
        raise ValueError(f"answers {found}, expected a map of scores and one of boxes for each stride: not a finder")
    scales = [Scale() if each.dtype.kind == "f" else scale for each, scale in zip(raw, scales, strict=True)]
    score_maps, box_maps = (tuple(indices[1, side, side, depth] for side in sides) for depth in (1, 4))
    pairs = [(scales[score], scales[box]) for score, box in zip(score_maps, box_maps, strict=True)]
    min_raw_scores = [_smallest_raw(scales[index], _logit(min_score), raw[index].dtype) for index in score_maps]
    numbers = [(score.zero_point, score.scale, box.zero_point, box.scale) for score, box in pairs]
    counts = [side * side for side in sides]
    return Grid(
        score_maps,
        box_maps,
        np.repeat(np.array(min_raw_scores, np.float32), counts),
        np.concatenate([_cells(side, size // side) for side in sides]),
        np.repeat(np.array(numbers, np.float32), counts, axis=0),
        size,
    )


def _smallest_raw(scale: Scale, logit: float, dtype: np.dtype[Any]) -> float:
    """The smallest raw score that counts. The smallest integer never does: it stands for every lower score as well."""
    smallest = scale.smallest_raw(logit, dtype)
    return smallest if dtype.kind == "f" else max(smallest, np.iinfo(dtype).min + 1)


def _demand_finite(numbers: Raw) -> None:
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise ValueError("its output is not a finite number")


def _cells(side: int, stride: int) -> Floats:
    """One map's rows of Grid.cells."""
    row, column = np.indices((side, side)).reshape(2, -1) + 0.5
    return np.column_stack([column, row, np.full(side * side, stride)]).astype(np.float32)


def _logit(score: float) -> float:
    """The logit of a score of 0–1: minus infinity for 0, plus infinity for 1."""
    if not 0 < score < 1:
        return math.copysign(math.inf, score - 0.5)
    return math.log(score / (1 - score))


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-_within(logits, -80, 80))), np.float32)


def _corners(offsets: Floats, cells: Floats, size: int) -> Floats:
    """The corners of boxes in pixels: (N, 4) left, top, right, bottom.

    Args:
        offsets: (N, 4) dx and dy in strides, and the logarithms of width and height in strides.
        cells: (N, 3) as Grid.cells.
        size: side of the input, pixels.
    """
    stride = cells[:, 2:]
    centre = (cells[:, :2] + offsets[:, :2]) * stride
    half = np.exp(_within(offsets[:, 2:], *LOG_SIZE)) * stride / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return _within(corners, -size, 2 * size)  # cutting a huge box out of a picture would need gigabytes


def _within(values: Floats, low: float, high: float) -> Floats:
    """Does what np.clip does, but without its checks: with few rows they take longer than the clipping itself."""
    return np.minimum(np.maximum(values, np.float32(low)), np.float32(high))


def non_maximum_suppression(boxes: Floats, scores: Floats, max_iou: float = MAX_IOU) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: keep the box with the highest score, drop those that overlap it, and so on.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,), above 0.
        max_iou: 0–1; a box that overlaps a kept one by more (IoU) is dropped.

    Returns:
        Indices of the kept boxes, highest score first.
    """
    corner, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    kept = cv2.dnn.NMSBoxes(np.concatenate([corner, size], axis=1).tolist(), scores.tolist(), 0.0, max_iou)
    return np.asarray(kept, np.intp).reshape(-1)


def clip_far_outside(boxes: Floats, width: int, height: int) -> Floats:
    """Clip (N, 4) left, top, right, bottom, so that no box ends more than one picture size outside the picture."""
    sides = np.array([width, height, width, height], np.float32)
    return np.minimum(np.maximum(boxes, -sides), 2 * sides)


def as_faces(boxes: Floats, scores: Floats) -> list[Face]:
    """(N, 4) left, top, right, bottom and (N,) scores -> Face records."""
    return [Face(Box(*box), score) for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)]
