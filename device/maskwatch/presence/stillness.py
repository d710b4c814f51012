"""Does a face hang on a wall? A picture's box stays where it is for hours; a person's does not for a minute.

Measured with the shipped finder on a portrait that hangs still: under noise and JPEG its boxes overlap their mean (IoU)
by 0.93 and more, and by 0.84 and more while the light changes between a third and five quarters. Who sways by an
eighth of a face is below STILL.
"""

from __future__ import annotations

from dataclasses import dataclass

from maskwatch.flow import Box

STILL = 0.8  # overlap (IoU) with its place, from which on a face has not moved
RESTLESS = 2.0  # seconds outside its place after which a face has another one
SLIPS = 0.05  # share of the time that a picture may seem elsewhere: somebody who passes hides a part of it
LONGEST = 1.0  # seconds that one frame outside the place counts for, at the most
MEAN = 30.0  # seconds the place is the mean of: a camera that sags takes its pictures along
SETTLED = 1.0  # seconds in one place after which a face that vanished there is waited for
WAIT = 600.0, 10.0  # seconds it is waited for at the least, and for each second it was there
LIVES = 30.0  # seconds of stillness taken back when what was here seems to have moved: pictures do not
KEPT = 30 * 86400.0  # seconds of watching after which a picture that was not seen again is forgotten


@dataclass(slots=True)
class Spot:
    """Where a face is, and for how long it has not moved."""

    anchor: Box  # the mean of where it was
    stationary: float = 0.0  # seconds seen there, all together
    astray: float = 0.0  # seconds lately seen elsewhere
    unseen: float = 0.0  # seconds watched since it was last seen

    def seen(self, box: Box, seconds: float) -> None:
        """The face is at `box`, so many seconds after the frame before."""
        self.unseen = 0.0
        if self.anchor.iou(box) >= STILL:
            self.stationary += seconds
            self.astray = max(0.0, self.astray - SLIPS * seconds)
            if self.stationary > 0:
                self.anchor = between(self.anchor, box, min(1.0, seconds / min(self.stationary, MEAN)))
        else:
            self.astray += min(seconds, LONGEST)
            if self.astray > RESTLESS:
                self.anchor, self.stationary, self.astray = box, 0.0, 0.0

    def left(self) -> None:
        """What was here seems to have moved off."""
        self.stationary = max(0.0, self.stationary - LIVES)

    def awaited(self, motionless: float) -> bool:
        """Whether what vanished here may come back as itself: it hid, it did not leave. With 0, nothing does."""
        if self.is_picture(motionless):
            return self.unseen <= KEPT
        settled = motionless > 0 and self.stationary >= SETTLED and self.astray <= SLIPS * self.stationary
        return settled and self.unseen <= max(WAIT[0], WAIT[1] * self.stationary)

    def is_picture(self, motionless: float) -> bool:
        """Whether it was seen here for so many seconds; 0: never a picture."""
        return 0 < motionless <= self.stationary


def between(one: Box, other: Box, share: float) -> Box:
    """The box so far on the way from one to the other, 0–1."""
    left, top, right, bottom = (
        old + share * (new - old)
        for old, new in (
            (one.left, other.left),
            (one.top, other.top),
            (one.right, other.right),
            (one.bottom, other.bottom),
        )
    )
    return Box(left, top, right, bottom)
