"""The horizontal angle of view of the Pi's cameras: degrees from the left to the right edge of the whole sensor.

Sources: Raspberry Pi documentation, "Camera", sections "Hardware specifications" and "Recommended lenses"; for the
webcam Logitech's specification of the C920 (78 degrees from corner to corner of 16:9).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ACROSS = re.compile(r"(\d+(?:\.\d+)?)° across")


@dataclass(frozen=True, slots=True)
class Lens:
    """A camera with its lens."""

    name: str
    degrees: float  # horizontally
    model: str = ""  # libcamera's name of the sensor, if its lens is fixed
    aspect: float = 4 / 3  # width by height of the sensor


LENSES = (
    Lens("Camera Module 1", 53.5, "ov5647"),
    Lens("Camera Module 2", 62.2, "imx219"),
    Lens("Camera Module 3", 66.0, "imx708", 16 / 9),
    Lens("Camera Module 3 Wide", 102.0, "imx708_wide", 16 / 9),
    Lens("AI Camera", 66.0, "imx500"),
    Lens("HQ Camera, 6 mm lens", 55.0),
    Lens("HQ Camera, 16 mm lens", 22.2),
    Lens("Global Shutter Camera, 6 mm lens", 45.0),
    Lens("Global Shutter Camera, 16 mm lens", 17.8),
    Lens("USB webcam (Logitech C920)", 70.4, aspect=16 / 9),
)


def of_sensor(model: str) -> Lens | None:
    """The lens of a sensor; None: its lens is sold separately.

    Args:
        model: libcamera's name, such as imx708_wide_noir.
    """
    visible = model.removesuffix("_noir")  # the variant with an infrared filter has the same lens
    return next((lens for lens in LENSES if lens.model and lens.model == visible), None)


def narrowed(degrees: float, share: float) -> float:
    """The angle of view, in degrees, of a centred part of the sensor.

    Args:
        degrees: of the whole width.
        share: of the width that is read, above 0, at most 1.
    """
    return 2 * math.degrees(math.atan(share * math.tan(math.radians(degrees) / 2)))


def across(lens: Lens, share: float) -> str:
    """The angle as text in a camera's description; told() reads it."""
    return f"sees {narrowed(lens.degrees, share):.0f}° across"


def field_of_view(description: str) -> float | None:
    """Degrees across, from a camera's description (picamera.Picamera.describe); None: not in it."""
    found = ACROSS.search(description)
    return float(found.group(1)) if found else None
