"""How far away faces are found, from the camera's angle, the region that the finder sees, and its measured recall.

A face of FACE metres at distance d is FACE * f / d pixels wide, where f is the focal length in pixels (pinhole camera).
At the edge of a wide lens faces are a little larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from maskwatch.daemon.looking import Region
from maskwatch.vision.recall import Recall

# Metres across the cheekbones: the mean bizygomatic breadth of 4,082 men and 1,986 women is 139.7 mm, and the standard
# deviation 7.3 mm (ANSUR II: Gordon et al. 2014, 2012 Anthropometric Survey of U.S. Army Personnel, NATICK/TR-15/007).
# The shorter side of a face's box is about as wide; children's faces are smaller.
FACE = 0.14
OFTEN = 0.75  # share of faces found in a single frame; a person at this distance is followed without relevant gaps
CLOSE = 1.05  # ratio of two sizes below which they count as equal
HALF = 0.5  # share of faces found in a single frame; farther away, a person is found by chance


@dataclass(frozen=True, slots=True)
class Eye:
    """The size of frames and what the finder sees of them."""

    width: int  # of the frame, pixels
    height: int  # of the frame, pixels
    region: Region  # that the finder is shown
    input_size: int  # side of its input, pixels
    rotation: int = 0  # degrees; at 90 and 270 the camera's width is the frame's height

    @property
    def scale(self) -> float:
        """Pixels of the input per pixel of the frame."""
        return self.input_size / max(self.region.width, self.region.height)

    def distance(self, pixels: float, degrees: float) -> float:
        """The distance in metres at which a face is so many pixels wide.

        Args:
            pixels: of the frame.
            degrees: the camera's angle across its own width.
        """
        across = self.height if self.rotation in (90, 270) else self.width
        focal = across / 2 / math.tan(math.radians(degrees) / 2)
        return focal * FACE / pixels


@dataclass(frozen=True, slots=True)
class Reach:
    """The smallest faces that are found, in pixels of the frame; metres() converts them."""

    often: float | None  # shorter side from which on OFTEN of the faces are found; None: at no size
    half: float | None  # the same for HALF
    min_size: float  # [face] min_size, pixels
    eye: Eye
    degrees: float | None  # the camera's angle across its own width; None: not known

    @property
    def smallest(self) -> float | None:
        """The smallest face, in pixels, that is found often and not below min_size; None: no size."""
        return None if self.often is None else max(self.often, self.min_size)

    def metres(self, pixels: float | None) -> float | None:
        """The distance in metres of a face so wide, in pixels; None: the angle is not known."""
        return None if self.degrees is None or not pixels else self.eye.distance(pixels, self.degrees)


def of(recall: Recall, eye: Eye, min_size: float, degrees: float | None) -> Reach:
    """The reach of a finder.

    Args:
        recall: measured of this finder.
        eye: the frames, and the region that the finder sees.
        min_size: [face] min_size, pixels.
        degrees: the camera's angle across its own width; None: not known.
    """
    return Reach(
        recall.smallest_found(OFTEN, eye.scale), recall.smallest_found(HALF, eye.scale), min_size, eye, degrees
    )


def sentence(reach: Reach, is_set: bool) -> str:
    """The reach in one line of text.

    Args:
        reach: see of().
        is_set: whether min_size is another than the usual one; only then it is checked against what the finder can do.
    """
    if reach.smallest is None:
        return f"no size of faces is found {OFTEN:.0%} of the time by this model; use the one that ships"
    if reach.degrees is None:
        text = (
            f"faces are found from {reach.smallest:.0f} pixels of width on (in metres once camera.field_of_view is set)"
        )
    else:
        near, far = (reach.metres(max(size or 0.0, reach.min_size)) for size in (reach.often, reach.half))
        text = (
            f"faces are found up to about {near:.1f} m ({reach.smallest:.0f} pixels wide there; three of four in a "
            f"single frame), half of them up to {far:.1f} m"
        )
    return "; ".join(filter(None, (text + _where(reach.eye), _advice(reach, is_set))))


def _where(eye: Eye) -> str:
    """The region that the finder sees, if it is not the whole frame."""
    region = eye.region
    if (region.width, region.height) == (eye.width, eye.height):
        return ""
    return f", in the {region.width}x{region.height} pixels around the zone"


def _advice(reach: Reach, is_set: bool) -> str:
    """A hint if min_size hides faces that would be found, or is smaller than what the finder can find."""
    often, half = reach.often or 0.0, reach.half or 0.0
    if reach.min_size > CLOSE * often:
        farther = reach.metres(often)
        where = f", up to {farther:.1f} m" if farther else ""
        return f"face.min_size = {reach.min_size:g} hides faces that would be found{where}"
    if is_set and 0 < reach.min_size < half:
        missed = f"below {half:.0f} pixels the finder misses more than half of the faces here"
        return f"face.min_size = {reach.min_size:g} is too small: {missed}; a smaller [zone] shows them larger"
    return ""
