"""Frame -> faces. Our single-shot finder, or OpenCV's YuNet with a file of the user's.

The finder answers, for strides 8, 16 and 32, a map of score logits and a map of boxes: in each cell the offset of the
face's centre from the cell's and the logarithm of its size, both in strides (as YOLOX, Ge et al. 2021, arXiv
2107.08430). Decoding and non-maximum suppression are pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwatch import preprocess
from maskwatch.bundle import REBUILD, Bundle
from maskwatch.errors import ModelError
from maskwatch.flow import Box, Face, Image
from maskwatch.quiet import mute_cv2
from maskwatch.runtime import Floats, Model

MAX_IOU = 0.4  # two boxes that overlap more are one face
MAX_CANDIDATES = 400  # surest cells that reach suppression: bounds the time a picture full of faces takes
DEFAULT_MIN_SCORE = 0.5  # 0–1, for a finder whose card names none
LOG_SIZE = (-4.0, 6.0)  # what training clips the logarithm of a size to
YUNET_MAX_IOU = 0.3  # OpenCV's own default


class SingleShotDetector:
    """Our finder.

    Raises:
        ModelError: the model does not answer a score map and a box map for each stride.
    """

    def __init__(self, bundle: Bundle, min_score: float | None, threads: int) -> None:
        """
        Args:
            bundle: of task face.
            min_score: a face below this, 0–1, is left out; None: the threshold in the bundle's card.
            threads: of the interpreter.
        """
        chosen = bundle.card.score_threshold if min_score is None else min_score
        self._min_score = DEFAULT_MIN_SCORE if chosen is None else chosen
        self._model = Model(bundle.flatbuffer, threads, bundle.origin)
        size = self._model.input_size
        try:
            decode(self._model.run(np.zeros((size, size, 3), np.uint8)), size, self._min_score)
        except ValueError as error:
            raise ModelError(f"model {bundle.origin}: {error}; {REBUILD}") from error

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image, surest first, boxes in its pixels."""
        pixels, placement = preprocess.letterbox(image, self._model.input_size)
        boxes, scores = decode(self._model.run(pixels), self._model.input_size, self._min_score)
        kept = non_maximum_suppression(boxes, scores)
        return as_faces(placement.to_image(boxes[kept]), scores[kept])


class YuNetDetector:
    """OpenCV's face detector (cv2.FaceDetectorYN) at the frame's own size.

    Raises:
        ModelError: the file is missing, or not YuNet's.
    """

    def __init__(self, path: Path, min_score: float) -> None:
        """
        Args:
            path: face_detection_yunet_*.onnx; none ships with maskwatch.
            min_score: a face below this, 0–1, is left out.
        """
        if not path.is_file():
            raise ModelError(f"model {path}: no such file; name YuNet's ONNX file")
        if path.suffix != ".onnx":  # OpenCV 5 goes by the suffix, and crashes on many a .tflite
            raise ModelError(f"model {path}: not an .onnx file; name YuNet's")
        mute_cv2()
        try:
            self._detector = cv2.FaceDetectorYN.create(str(path), "", (320, 320), min_score, YUNET_MAX_IOU)
            self.find(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            reason = (error.err or str(error)).strip().splitlines()[0]
            raise ModelError(f"model {path}: OpenCV cannot run it ({reason}); name YuNet's ONNX file") from error

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image, surest first, boxes in its pixels."""
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        rows = self._detector.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        if rows is None:
            return []
        # Columns: x, y, width, height, five landmarks, score.
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        order = np.argsort(-rows[:, 14], kind="stable")
        return as_faces(boxes[order], rows[order, 14])


def decode(maps: Sequence[Floats], size: int, min_score: float) -> tuple[Floats, Floats]:
    """The finder's maps as boxes.

    Args:
        maps: for each stride s in any order (1, size/s, size/s, 1) score logits and (1, size/s, size/s, 4) boxes.
            They are told apart by their shape: converters do not keep the order of outputs.
        size: side of the input, pixels.
        min_score: a cell below this, 0–1, is left out.

    Returns:
        (N, 4) left, top, right, bottom in pixels of the input, and (N,) scores, surest first, MAX_CANDIDATES at most.

    Raises:
        ValueError: a map is missing or of another shape.
    """
    scores, offsets, sides = _joined(maps, size)
    sure = np.flatnonzero(scores >= _logit(min_score))
    sure = sure[np.argsort(-scores[sure], kind="stable")[:MAX_CANDIDATES]]
    boxes = _boxes(offsets[sure], _cells(size, sides)[sure], size)
    return boxes, np.asarray(1 / (1 + np.exp(-scores[sure].clip(-80, 80))), np.float32)


def _logit(score: float) -> float:
    """Where the sigmoid reaches a score of 0–1; infinite at both ends."""
    if not 0 < score < 1:
        return math.copysign(math.inf, score - 0.5)
    return math.log(score) - math.log1p(-score)  # numpy's, with its warnings off, takes 0.08 ms between two models


def _joined(maps: Sequence[Floats], size: int) -> tuple[Floats, Floats, tuple[int, ...]]:
    """(N,) score logits and (N, 4) boxes of the cells of all strides, finest first, and the sides of the maps."""
    by_shape = {single.shape: single for single in maps}
    sides = tuple(sorted({shape[1] for shape in by_shape if len(shape) == 4}, reverse=True))
    expected = {(1, side, side, depth) for side in sides for depth in (1, 4)}
    if not sides or set(by_shape) != expected or len(maps) != len(expected) or any(size % side for side in sides):
        found = [single.shape for single in maps]
        raise ValueError(f"answers {found}, expected a map of scores and one of boxes for each stride: not a finder")
    scores = np.concatenate([by_shape[1, side, side, 1].reshape(-1) for side in sides])
    return scores, np.concatenate([by_shape[1, side, side, 4].reshape(-1, 4) for side in sides]), sides


@lru_cache(maxsize=4)
def _cells(size: int, sides: tuple[int, ...]) -> Floats:
    """(N, 3) column, row and stride of the cells of maps of these sides; always the same for a finder."""
    rows = [np.moveaxis(np.indices((side, side)), 0, -1).reshape(-1, 2)[:, ::-1] for side in sides]
    strides = np.repeat([size // side for side in sides], [side * side for side in sides])
    cells = np.column_stack([np.concatenate(rows), strides]).astype(np.float32)
    cells.flags.writeable = False
    return cells


def _boxes(offsets: Floats, cells: Floats, size: int) -> Floats:
    """(N, 4) dx, dy, log width, log height in strides and (N, 3) column, row, stride -> (N, 4) corners in pixels."""
    stride = cells[:, 2:]
    centre = (cells[:, :2] + np.float32(0.5) + offsets[:, :2]) * stride
    half = np.exp(np.clip(offsets[:, 2:], *LOG_SIZE)) * stride / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return np.asarray(np.clip(corners, -size, 2 * size), np.float32)  # a wild box would cost the crop gigabytes


def non_maximum_suppression(boxes: Floats, scores: Floats, max_iou: float = MAX_IOU) -> NDArray[np.intp]:
    """Greedy: the surest box stays, what overlaps it by more than `max_iou` goes, and so on.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).
        max_iou: 0–1.

    Returns:
        Indices of the boxes that stay, surest first.
    """
    order = np.argsort(-scores, kind="stable")
    overlapping = _iou(boxes[order]) > max_iou  # all at once: a call for each box that stays costs twice as much
    gone = np.zeros(len(order), bool)
    kept: list[int] = []
    for place in range(len(order)):
        if not gone[place]:
            kept.append(place)
            gone |= overlapping[place]
    return np.asarray(order[kept], np.intp)


def _iou(boxes: Floats) -> Floats:
    """(N, 4) -> (N, N) intersection over union of each with each."""
    left, top, right, bottom = boxes.T
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    down = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    intersection = np.maximum(across, 0) * np.maximum(down, 0)
    areas = (right - left) * (bottom - top)
    return np.asarray(intersection / np.maximum(np.add.outer(areas, areas) - intersection, 1e-9), np.float32)


def as_faces(boxes: Floats, scores: Floats) -> list[Face]:
    """(N, 4) and (N,) -> records."""
    return [Face(Box(*box), score) for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)]
