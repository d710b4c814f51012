"""How wide the Pi's cameras see. Degrees from the left to the right edge of the whole sensor.

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
    model: str = ""  # as libcamera names the sensor, where that tells the lens too
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
    """The lens that a sensor comes with; None for a sensor whose lens is bought apart.

    Args:
        model: libcamera's name, such as imx708_wide_noir.
    """
    plain = model.removesuffix("_noir")
    return next((lens for lens in LENSES if lens.model and lens.model == plain), None)


def narrowed(degrees: float, share: float) -> float:
    """The degrees that a part of the sensor sees, around its middle.

    Args:
        degrees: of the whole width.
        share: of the width that is read, above 0 to 1.
    """
    return 2 * math.degrees(math.atan(share * math.tan(math.radians(degrees) / 2)))


def across(lens: Lens, share: float) -> str:
    """What a camera says of its angle; told() reads it."""
    return f"sees {narrowed(lens.degrees, share):.0f}° across"


def told(description: str) -> float | None:
    """Degrees across, out of what a camera says of itself (picamera.Picamera.describe)."""
    found = ACROSS.search(description)
    return float(found.group(1)) if found else None
