"""The region of a frame that the finder sees: the zone with a margin.

The finder's input is a small square. A whole frame of 1280×720 pixels is scaled down to a quarter for it. The 640
pixels around a door are scaled down to a half only, so a face there may be twice as far away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from maskwatch.flow import Box, Face, Image
from maskwatch.presence.zone import EDGE, NARROWEST, VISIBLE, Corners, Zone

LARGEST = 0.5  # of the frame's shorter side: no face at a door is larger, see config.contradictions
# Of the shorter side, around the zone's bounding rectangle. It shows VISIBLE of the largest face whose middle is on the
# zone's outline, and smaller faces up to half of that size completely.
MARGIN = LARGEST * (VISIBLE - 0.5)
# Of the shorter side: the smallest region. The largest face fills it like a face fills a portrait photograph.
LEAST = 1.5 * LARGEST
# A region is enlarged by this factor at most to fill the input. Faces of 6 to 12 pixels are found far more often when
# they are enlarged twice. Enlarging larger faces three times finds no more of them (models/face.reach.json), and of
# smaller ones nobody can see a mask. A smaller region also shows less of the surroundings.
ENLARGED = 2.0


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in a frame, in whole pixels; right and bottom are exclusive."""

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
        """Its pixels as a view, without a copy; for the whole frame, the frame itself."""
        if (self.height, self.width) == image.shape[:2]:
            return image
        return image[self.top : self.bottom, self.left : self.right]

    def of_frame(self, face: Face) -> Face:
        """A face found in it, converted to the frame's pixels."""
        box = face.box
        across, down = self.left, self.top
        return Face(Box(box.left + across, box.top + down, box.right + across, box.bottom + down), face.score)


def region(polygon: Corners, width: int, height: int, input_size: int = 0) -> Region:
    """The region that the finder sees: the zone's bounding rectangle with MARGIN, widened to a square where possible.

    Args:
        polygon: corners in shares of the frame, see zone.Zone; empty: the whole frame.
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
    # The input is a square, and another shape would leave grey bars in it.
    side = max(right - left, bottom - top, LEAST * min(width, height), input_size / ENLARGED)
    return Region(*_pixels((left, right), (top, bottom), side, width, height))


def _pixels(
    across: tuple[float, float], down: tuple[float, float], side: float, width: int, height: int
) -> tuple[int, int, int, int]:
    (left, right), (top, bottom) = _widened(across, side, width), _widened(down, side, height)
    return left, top, right, bottom


def _widened(ends: tuple[float, float], side: float, size: int) -> tuple[int, int]:
    """Start and end of `side` pixels (at most `size`) around the middle of `ends`, moved into the frame."""
    length = min(size, math.ceil(side))
    start = round((ends[0] + ends[1] - length) / 2)
    start = min(max(start, 0), size - length)
    return start, start + length


def is_cut(box: Box, shown: Region, width: int, height: int) -> bool:
    """Whether an edge of the region, which is not an edge of the frame, cuts a face off.

    The finder then reports the box of the visible piece only. For faces that the frame cuts off, see zone.is_whole.

    Args:
        box: of the face, pixels of the region.
        shown: the region.
        width: of the frame, pixels.
        height: of the frame, pixels.
    """
    low, far = -math.inf, math.inf  # where the region ends with the frame, it has no edge here
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
    return beside and seen.height < seen.width  # a whole face is higher than it is wide


class Finder(Protocol):
    """Frame -> faces."""

    def find(self, image: Image) -> list[Face]:
        """The faces in an (H, W, 3) uint8 RGB image; boxes in its pixels."""


class EarlyFinder(Finder, Protocol):
    """A finder that can start its work before the loop reads the frame."""

    @property
    def input_size(self) -> int:
        """Side of the network's square input, pixels; 0: it takes frames of any size."""

    def prepare(self, image: Image) -> None:
        """Start the work of find(image). Called on another thread, also while find() runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A frame and the region of it that the finder sees."""

    image: Image
    region: Region
    pixels: Image


@dataclass(slots=True)
class Looking:
    """A finder that sees only the region of each frame around the zone. Boxes are in pixels of the whole frame.

    The size of the frames and the zone may change at any time.
    """

    finder: EarlyFinder
    zone: Zone = field(default_factory=Zone)
    _cut: Cut | None = None  # made by prepare()

    @property
    def input_size(self) -> int:
        """See EarlyFinder."""
        return self.finder.input_size

    def prepare(self, image: Image) -> None:
        """See EarlyFinder."""
        self._cut = cut = self._shown(image)
        self.finder.prepare(cut.pixels)

    def find(self, image: Image) -> list[Face]:
        """The faces in the region, without those that its edges cut off. Some may be outside the zone."""
        height, width = image.shape[:2]
        early, cut = self._cut, self._shown(image)  # _cut is read once: the other thread may replace it
        if early is not None and early.image is image and early.region == cut.region:
            cut = early  # the finder recognises a prepared image by identity
        found = self.finder.find(cut.pixels)
        return [cut.region.of_frame(face) for face in found if not is_cut(face.box, cut.region, width, height)]

    def region(self, width: int, height: int) -> Region:
        """The region that the finder sees of a frame of that size, pixels."""
        return region(self.zone.polygon, width, height, self.finder.input_size)

    def _shown(self, image: Image) -> Cut:
        region = self.region(image.shape[1], image.shape[0])
        return Cut(image, region, region.cut(image))
