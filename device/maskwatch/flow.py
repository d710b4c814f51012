"""The records that pass through the device, from camera to alert. They hold data only, and every room may use them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # so that `pins-off` works even while numpy is being upgraded
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"  # (H, W, 3) RGB


class Label(StrEnum):
    """The class names of the data sets, in the order of the classifier's outputs."""

    WITH_MASK = "with_mask"
    WITHOUT_MASK = "without_mask"
    INCORRECT = "mask_weared_incorrect"  # nose or mouth not covered; verdicts count it as one of the other two


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a source."""

    image: Image
    time: float  # seconds, monotonic; for files: seconds since the start of the file


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of its image. It may reach outside the image. Right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0–1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        if across <= 0 or down <= 0:  # true for most pairs in a crowd, so return early
            return 0.0
        return across * down / (self.area + other.area - across * down)


@dataclass(frozen=True, slots=True)
class Face:
    """A face that the finder found."""

    box: Box
    score: float  # 0–1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier says about one face in one frame."""

    label: Label
    score: float  # confidence in the label, 0.5–1


@dataclass(frozen=True, slots=True)
class Track:
    """One person followed over several frames, with the opinion so far."""

    id: int
    face: Face
    verdict: Verdict  # the newest single verdict
    bare: float  # opinion: from 0 (surely masked) to 1 (surely bare), smoothed over time
    since: float  # seconds, when the person was first seen, or came back
    seen: float  # seconds, when the person was last seen
    returned: bool = False  # was forgotten and is back in exactly the same place: probably a picture


class Signal(StrEnum):
    """What the unit shows. A fault goes before an alert: a unit that cannot see must not seem to watch."""

    WATCHING = "watching"
    MASKED = "masked"  # somebody surely masked is in view, and nobody bare or in doubt
    ALERT = "alert"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Alert:
    """The alert was switched. Carries no image."""

    on: bool
    time: float  # seconds, the frame's time
    faces: int  # people in view when it was switched
    scores: tuple[float, ...]  # each person's opinion of being bare, 0–1, worst first
