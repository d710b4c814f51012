"""A photograph in memory with its face boxes, and what happens to the boxes when it is cropped, moved or mirrored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Image

Boxes = NDArray[np.float32]  # (N, 4) left, top, right, bottom, pixels
Labels = NDArray[np.int64]  # (N,) index into data.CLASSES

# Shares of a face's box that are in the frame: a face is taught from the second on. Between the two it is ignored,
# because half a face is no background.
SLIVER, MIN_VISIBLE = 0.08, 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A photograph in memory with its face boxes."""

    image: Image
    boxes: Boxes
    labels: Labels | None = None  # only where they are needed: to the face finder all faces are alike
    ignored: NDArray[np.bool_] | None = None
    """(N,) true: the box is taught neither as a face nor as background; None: no box is ignored."""

    def cropped(self, image: Image, moved: Boxes) -> Picture:
        """Another view of the picture; `moved` has the places of its boxes there, some of them out of sight."""
        height, width = image.shape[:2]
        share = in_frame(moved, width, height)
        seen = share > SLIVER
        labels = None if self.labels is None else self.labels[seen]
        cut = (share <= MIN_VISIBLE) | self.left_out
        return Picture(image, clipped(moved, width, height)[seen], labels, cut[seen])

    @property
    def left_out(self) -> NDArray[np.bool_]:
        """(N,) `ignored`; all false if it is None."""
        return np.zeros(len(self.boxes), np.bool_) if self.ignored is None else self.ignored


def joined(canvas: Image, parts: Sequence[Picture]) -> Picture:
    """One picture with the boxes of all parts, and labels if all have some. The canvas has their pixels already."""
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(part.boxes for part in parts)])
    labels = [part.labels for part in parts if part.labels is not None]
    return Picture(
        canvas,
        boxes,
        np.concatenate(labels) if labels and len(labels) == len(parts) else None,
        np.concatenate([np.zeros(0, np.bool_), *(part.left_out for part in parts)]),
    )


def as_array(boxes: Iterable[Box]) -> Boxes:
    """Boxes as (N, 4) float32."""
    return np.array([[box.left, box.top, box.right, box.bottom] for box in boxes], np.float32).reshape(-1, 4)


def from_centres(matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    """The transform for warpAffine, which counts from pixel centres; boxes count from pixel edges."""
    half = np.full(2, 0.5)
    moved = matrix[:, 2] + matrix[:, :2] @ half - half
    return np.column_stack([matrix[:, :2], moved]).astype(np.float32)


def in_frame(boxes: Boxes, width: int, height: int) -> NDArray[np.float32]:
    """(N,) the share of each box that is in the frame, 0–1."""
    inside = clipped(boxes, width, height)
    before = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    after = np.prod(np.maximum(inside[:, 2:] - inside[:, :2], 0), axis=1)
    return np.asarray(after / np.maximum(before, np.finfo(np.float32).tiny), np.float32)


def clipped(boxes: Boxes, width: int, height: int) -> Boxes:
    """The parts of the boxes that are in the frame."""
    return np.clip(boxes, 0, np.array([width, height] * 2, np.float32)).astype(np.float32)


def mirrored(boxes: Boxes, width: int) -> Boxes:
    """Boxes with left and right exchanged."""
    return np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
