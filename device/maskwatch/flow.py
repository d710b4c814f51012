"""The records that flow through the device, camera to alert. Data only; every room knows these and little else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # so that `pins-off` switches off even while numpy is being upgraded
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"  # (H, W, 3) RGB


class Label(StrEnum):
    """The data sets' class names, in the order of the classifier's outputs."""

    WITH_MASK = "with_mask"
    WITHOUT_MASK = "without_mask"
    INCORRECT = "mask_weared_incorrect"  # nose or mouth out; a verdict folds it into one of the others


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a source."""

    image: Image
    time: float  # seconds, monotonic; for files: seconds since the start of the file


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the image it was found in; may reach outside it. Right and bottom are exclusive."""

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
        if across <= 0 or down <= 0:  # most pairs of a crowd: nothing is built for them
            return 0.0
        return across * down / (self.area + other.area - across * down)


@dataclass(frozen=True, slots=True)
class Face:
    """A face the detector found."""

    box: Box
    score: float  # 0–1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier says of one face in one frame."""

    label: Label
    score: float  # confidence in the label, 0.5–1


@dataclass(frozen=True, slots=True)
class Track:
    """One person followed over frames, with the opinion formed so far."""

    id: int
    face: Face
    verdict: Verdict  # the newest single verdict
    bare: float  # opinion: 0 = surely masked … 1 = surely bare, smoothed over time
    since: float  # seconds, when the person was first seen, or was back
    seen: float  # seconds, when the person was last seen
    returned: bool = False  # vanished, was forgotten, and is back in the same place to a hair: likely a picture


class Signal(StrEnum):
    """What the unit shows of itself. A fault outranks an alert: a unit that cannot see must not seem to watch."""

    WATCHING = "watching"
    MASKED = "masked"  # watching, and somebody surely masked is in view, nobody bare or in doubt
    ALERT = "alert"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Alert:
    """The alert was switched. Carries no image."""

    on: bool
    time: float  # seconds, the frame's time
    faces: int  # people in view at the switch
    scores: tuple[float, ...]  # each person's opinion of being bare, 0–1, worst first
