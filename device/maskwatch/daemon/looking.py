"""The part of a frame that the finder is shown: where the zone is, and what is around it.

The finder's input is a small square. A whole frame of 1280×720 pixels is shrunk to a quarter for it; the 640 pixels
around a door are shrunk to a half, and a face there may be twice as far away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from maskwatch.flow import Box, Face, Image
from maskwatch.presence.zone import EDGE, NARROWEST, VISIBLE, Corners, Zone

LARGEST = 0.5  # of the frame's shorter side: no face at a door is larger, see config.contradictions
# Of the shorter side, around the zone's rectangle: of the largest face whose middle is on the zone's outline as much is
# shown as a face at the frame's edge must show to count. Half of it and less is shown whole.
MARGIN = LARGEST * (VISIBLE - 0.5)
# Of the shorter side, the least part: the largest face lies in it as one at arm's length does in a portrait.
LEAST = 1.5 * LARGEST
# A part is enlarged so many times at most to fill the input. Faces of 6 to 12 pixels are found far more often when they
# are enlarged twice; larger ones as often three times enlarged as twice (models/face.reach.json), and of smaller ones
# no mask can be told. A smaller part also shows less of what is around.
ENLARGED = 2.0


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in a frame, whole pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def cut(self, image: Image) -> Image:
        """What is in it, without a copy; of a whole frame the frame itself."""
        if (self.height, self.width) == image.shape[:2]:
            return image
        return image[self.top : self.bottom, self.left : self.right]

    def of_frame(self, face: Face) -> Face:
        """A face found in it, in the frame's pixels."""
        box = face.box
        across, down = self.left, self.top
        return Face(Box(box.left + across, box.top + down, box.right + across, box.bottom + down), face.score)


def region(polygon: Corners, width: int, height: int, input_size: int = 0) -> Region:
    """What the finder is shown of a frame: the zone's bounding rectangle with MARGIN, and what more costs nothing.

    Args:
        polygon: see zone.Zone; empty: the whole frame.
        width: of the frame, pixels.
        height: of the frame, pixels.
        input_size: side of the finder's input, pixels; 0: the finder takes any size, and nothing is enlarged.
    """
    if not polygon:
        return Region(0, 0, width, height)
    margin = MARGIN * min(width, height)
    (left, right), (top, bottom) = (
        (max(0.0, min(shares) * size - margin), min(float(size), max(shares) * size + margin))
        for shares, size in zip(zip(*polygon, strict=True), (width, height), strict=True)
    )
    # The input is a square: a part that is no square would leave grey bars in it.
    side = max(right - left, bottom - top, LEAST * min(width, height), input_size / ENLARGED)
    return Region(*_pixels((left, right), (top, bottom), side, width, height))


def _pixels(
    across: tuple[float, float], down: tuple[float, float], side: float, width: int, height: int
) -> tuple[int, int, int, int]:
    (left, right), (top, bottom) = _widened(across, side, width), _widened(down, side, height)
    return left, top, right, bottom


def _widened(ends: tuple[float, float], side: float, size: int) -> tuple[int, int]:
    """`side` pixels, or all there are, around the middle of the two ends where the frame lets it."""
    length = min(size, math.ceil(side))
    start = round((ends[0] + ends[1] - length) / 2)
    start = min(max(start, 0), size - length)
    return start, start + length


def is_cut(box: Box, shown: Region, width: int, height: int) -> bool:
    """Whether a face found in a part is cut off by an edge of the part that is none of the frame's.

    The finder then tells where the visible piece is. Faces that the frame itself cuts are for zone.is_whole.

    Args:
        box: pixels of the part.
        shown: the part.
        width: of the frame, pixels.
        height: of the frame, pixels.
    """
    low, far = -math.inf, math.inf  # where the frame itself ends there is no edge here
    left, top = (0 if shown.left else low), (0 if shown.top else low)
    right = shown.width if shown.right < width else far
    bottom = shown.height if shown.bottom < height else far
    seen = Box(max(box.left, left), max(box.top, top), min(box.right, right), min(box.bottom, bottom))
    if seen.width <= 0 or seen.height <= 0 or seen.area < VISIBLE * box.area:
        return True
    near = EDGE * max(shown.width, shown.height)
    if box.left <= left + near or box.right >= right - near:
        return seen.width < NARROWEST * seen.height
    beside = box.top <= top + near or box.bottom >= bottom - near
    return beside and seen.height < seen.width  # a whole face is higher than wide


class Finder(Protocol):
    """Frame -> faces."""

    def find(self, image: Image) -> list[Face]:
        """The faces in a (H, W, 3) uint8 RGB image."""


class EarlyFinder(Finder, Protocol):
    """One that can begin before the loop comes to a frame."""

    @property
    def input_size(self) -> int:
        """Side of the network's input, pixels; 0: it takes a frame at the frame's own size."""

    def prepare(self, image: Image) -> None:
        """Do, on another thread than find()'s, what can be done of find(image) while that is busy."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A frame, and what the finder is shown of it."""

    image: Image
    region: Region
    pixels: Image


@dataclass(slots=True)
class Looking:
    """A finder that is shown the part of each frame where the zone is. Boxes are in the frame's own pixels.

    The size of the frames may change from one to the next, and so may the zone.
    """

    finder: EarlyFinder
    zone: Zone = field(default_factory=Zone)
    _cut: Cut | None = None  # made ahead

    @property
    def input_size(self) -> int:
        """See EarlyFinder."""
        return self.finder.input_size

    def prepare(self, image: Image) -> None:
        """See EarlyFinder."""
        self._cut = cut = self._shown(image)
        self.finder.prepare(cut.pixels)

    def find(self, image: Image) -> list[Face]:
        """The faces in the part, without those that its edges cut; some may be outside the zone."""
        height, width = image.shape[:2]
        early, cut = self._cut, self._shown(image)  # _cut is read once: the other thread may replace it
        if early is not None and early.image is image and early.region == cut.region:
            cut = early  # the finder knows by identity what it has begun
        found = self.finder.find(cut.pixels)
        return [cut.region.of_frame(face) for face in found if not is_cut(face.box, cut.region, width, height)]

    def region(self, width: int, height: int) -> Region:
        """What is shown of a frame of that size, pixels."""
        return region(self.zone.polygon, width, height, self.finder.input_size)

    def _shown(self, image: Image) -> Cut:
        region = self.region(image.shape[1], image.shape[0])
        return Cut(image, region, region.cut(image))
