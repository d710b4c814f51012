"""Whether a face is a picture on a wall. A picture's box stays in one place for hours, a person's not for a minute.

Measured with the shipped finder on a portrait that does not move: with noise and JPEG compression, its boxes overlap
their mean by an IoU of at least 0.93; while the light changes between 0.33 and 1.25 times, by at least 0.84. A person
who sways by an eighth of the face's width is below STILL.
"""

from __future__ import annotations

from dataclasses import dataclass

from maskwatch.flow import Box

STILL = 0.8  # overlap (IoU) with its anchor, from which on a face has not moved
RESTLESS = 2.0  # seconds outside its anchor after which a face gets a new anchor
SLIPS = 0.05  # share of the time that a picture may seem to have moved, because a passer-by hides a part of it
LONGEST = 1.0  # seconds; one frame outside the anchor counts for no more
MEAN = 30.0  # seconds; the anchor is a mean over this time, so it follows a camera that sags slowly
SETTLED = 1.0  # seconds in one place, after which a face that vanishes there may come back as the same
WAIT = 600.0, 10.0  # seconds it may be hidden: at least so many, and so many for each second it was seen there
LIVES = 30.0  # seconds subtracted from the stationary time when the face seems to have moved, which pictures do not
KEPT = 30 * 86400.0  # seconds of watching without seeing a picture, after which it is forgotten


@dataclass(slots=True)
class Spot:
    """Where a face is, and for how long it has not moved."""

    anchor: Box  # mean of its boxes, pixels
    stationary: float = 0.0  # seconds seen there, in total
    astray: float = 0.0  # seconds recently seen elsewhere
    unseen: float = 0.0  # seconds of watching since it was last seen

    def seen(self, box: Box, seconds: float) -> None:
        """The face is at `box`, `seconds` after the previous frame."""
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
        """The face that was here seems to have moved away."""
        self.stationary = max(0.0, self.stationary - LIVES)

    def awaited(self, motionless: float) -> bool:
        """Whether a face that vanished here was only hidden, and is the same one if it comes back.

        Args:
            motionless: see is_picture; 0: never the same one.
        """
        if self.is_picture(motionless):
            return self.unseen <= KEPT
        settled = motionless > 0 and self.stationary >= SETTLED and self.astray <= SLIPS * self.stationary
        return settled and self.unseen <= max(WAIT[0], WAIT[1] * self.stationary)

    def is_picture(self, motionless: float) -> bool:
        """Whether it was seen here for so long that it is a picture.

        Args:
            motionless: seconds; 0: never a picture.
        """
        return 0 < motionless <= self.stationary


def between(one: Box, other: Box, share: float) -> Box:
    """The box between two boxes: `one` for share 0, `other` for share 1."""
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
