"""From how far faces are found: the camera's angle, the part of the frame the finder is shown, and what it finds there.

A face of FACE metres is at distance d as many pixels wide as FACE * f / d, f being the focal length in pixels. That
holds for lenses that keep straight lines straight; at the edge of a wide one, faces are a little larger.
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
OFTEN = 0.75  # of faces, in a single frame: a person who is that far is followed without gaps that matter
CLOSE = 1.05  # times as large: a difference that nobody would see
HALF = 0.5  # of faces: farther than this a person is seen by chance


@dataclass(frozen=True, slots=True)
class Eye:
    """What looks at the frames."""

    width: int  # of the frame, pixels
    height: int  # of the frame, pixels
    region: Region  # that the finder is shown
    input_size: int  # side of its input, pixels
    rotation: int = 0  # degrees, of the camera: at 90 and 270 its own width is the frame's height

    @property
    def scale(self) -> float:
        """Pixels of the input by pixels of the frame."""
        return self.input_size / max(self.region.width, self.region.height)

    def distance(self, pixels: float, degrees: float) -> float:
        """Metres at which a face is so many pixels wide.

        Args:
            pixels: of the frame.
            degrees: across the camera's own width.
        """
        across = self.height if self.rotation in (90, 270) else self.width
        focal = across / 2 / math.tan(math.radians(degrees) / 2)
        return focal * FACE / pixels


@dataclass(frozen=True, slots=True)
class Reach:
    """Pixels of the frame, and metres where the camera's angle is known."""

    often: float | None  # shorter side of the smallest face that OFTEN are found of; None: of no size
    half: float | None  # likewise of HALF
    min_size: float  # [face] min_size
    eye: Eye
    degrees: float | None  # across the camera's own width

    @property
    def least(self) -> float | None:
        """The smallest face that is both found often and let through."""
        return None if self.often is None else max(self.often, self.min_size)

    def metres(self, pixels: float | None) -> float | None:
        """Of a face so wide."""
        return None if self.degrees is None or not pixels else self.eye.distance(pixels, self.degrees)


def of(recall: Recall, eye: Eye, min_size: float, degrees: float | None) -> Reach:
    """What a finder reaches.

    Args:
        recall: what was measured of it.
        eye: what it looks at.
        min_size: [face] min_size, pixels.
        degrees: across the camera's own width; None: not known.
    """
    return Reach(recall.least(OFTEN, eye.scale), recall.least(HALF, eye.scale), min_size, eye, degrees)


def said(reach: Reach, asked: bool) -> str:
    """A line for people.

    Args:
        reach: see of().
        asked: whether somebody chose min_size; the default promises nothing.
    """
    if reach.least is None:
        return f"no size of faces is found {OFTEN:.0%} of the time by this model; use the one that ships"
    if reach.degrees is None:
        told = f"faces are found from {reach.least:.0f} pixels of width on (in metres once camera.field_of_view is set)"
    else:
        near, far = (reach.metres(max(size or 0.0, reach.min_size)) for size in (reach.often, reach.half))
        told = (
            f"faces are found up to about {near:.1f} m ({reach.least:.0f} pixels wide there; three of four in a single "
            f"frame), half of them up to {far:.1f} m"
        )
    return "; ".join(filter(None, (told + _where(reach.eye), _advice(reach, asked))))


def _where(eye: Eye) -> str:
    """Where the finder looks, if that is not everywhere."""
    region = eye.region
    if (region.width, region.height) == (eye.width, eye.height):
        return ""
    return f", in the {region.width}x{region.height} pixels around the zone"


def _advice(reach: Reach, asked: bool) -> str:
    """What min_size hides, or promises and does not keep."""
    often, half = reach.often or 0.0, reach.half or 0.0
    if reach.min_size > CLOSE * often:
        farther = reach.metres(often)
        where = f", up to {farther:.1f} m" if farther else ""
        return f"face.min_size = {reach.min_size:g} hides faces that would be found{where}"
    if asked and 0 < reach.min_size < half:
        missed = f"below {half:.0f} pixels the finder misses more than half of the faces here"
        return f"face.min_size = {reach.min_size:g} promises more: {missed}; a smaller [zone] shows them larger"
    return ""
