"""Which faces count: those that are large enough, inside the zone, and not cut off by the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskwatch.flow import Box, Face

Corners = Sequence[tuple[float, float]]  # (across, down) in shares of the frame, 0–1
VISIBLE = 0.75  # share of a face box inside the frame; with less, no verdict is possible
NARROWEST = 0.6  # width by height of a whole face; a narrower box at the frame's edge is only a part of a face
EDGE = 0.01  # of the frame's size: a box that ends closer to the edge touches it


@dataclass(frozen=True, slots=True)
class Zone:
    """See config.ZoneSettings and config.FaceSettings.min_size."""

    min_size: float = 0.0  # pixels, shorter side
    polygon: Corners = ()  # empty: the whole frame

    def counts(self, face: Face, width: int, height: int) -> bool:
        """Whether a face is judged.

        Args:
            face: found in the frame.
            width: of the frame, pixels.
            height: of the frame, pixels.
        """
        box = face.box
        if min(box.width, box.height) < self.min_size or not is_whole(box, width, height):
            return False
        middle = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
        return not self.polygon or inside(middle, self.polygon)


def is_whole(box: Box, width: int, height: int) -> bool:
    """Whether enough of a face is in the frame to see whether it wears a mask; all sizes in pixels."""
    seen = Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height))
    if seen.width <= 0 or seen.height <= 0 or seen.area < VISIBLE * box.area:
        return False
    at_edge = box.left <= EDGE * width or box.right >= (1 - EDGE) * width
    return not (at_edge and seen.width < NARROWEST * seen.height)


def inside(point: tuple[float, float], corners: Corners) -> bool:
    """Whether a point is inside a polygon or on its outline; both in shares of the frame."""
    return cv2.pointPolygonTest(np.array(corners, np.float32), point, measureDist=False) >= 0
