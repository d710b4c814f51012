"""When somebody counts as bare, and when the alert begins and ends: [opinion] and [alert]."""

from __future__ import annotations

import zoneinfo
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from maskwatch.config.section import Section, seconds_or_never
from maskwatch.config.times_of_day import TimeOfDay, awake
from maskwatch.config.value_shown import found

# An opinion this near to 0 or 1 is settled, and is looked at again once in a while only (tracker.SURE): a threshold
# beyond that is reached in minutes, or never.
SURE = 0.1
MOST_WINDOWS = 50  # each is asked at every frame
SHORTEST_DAY = 5  # minutes that quiet hours must leave; 00:00 to 23:59 is meant as all day


class OpinionSettings(Section):
    """[opinion]: how single verdicts become one opinion per person."""

    time_constant: float = Field(default=0.7, ge=0.01, le=10)
    """Seconds after which a changed verdict has moved the opinion by 63 %."""
    forget: float = Field(default=1.0, ge=0.2, le=60)
    """Seconds unseen after which a person is forgotten; two frames without them are needed as well."""
    gap: float = Field(default=10.0, ge=1, le=60)
    """Seconds without any frame (camera trouble, a stuck loop) after which everybody is forgotten."""
    min_iou: float = Field(default=0.2, ge=0.01, le=0.9)
    """A face is the same person when its box overlaps the expected one by this much (intersection over union)."""
    recheck: float = Field(default=1.0, ge=0, le=10)
    """Seconds between two judgements of a settled person; who is new or in doubt is judged at every frame."""
    crowd: int = Field(default=4, ge=1, le=32)
    """Faces judged in one frame at most; the others wait for their turn."""
    motionless: Annotated[float, seconds_or_never(60, 86400)] = 600.0
    """Seconds a face is seen in one place, in all, before it counts as a picture on a wall and is ignored; 0: never."""


class QuietWindow(Section):
    """[[alert.quiet]]: a time of day without alerts; over midnight where `until` is the earlier one."""

    since: TimeOfDay
    """The first minute, e.g. "22:00"."""
    until: TimeOfDay
    """The minute it ends, e.g. "06:30"."""

    @model_validator(mode="after")
    def _some_time(self) -> QuietWindow:
        if self.since == self.until:
            raise ValueError(f"since and until are both {self.since}; expected two times, or for never no quiet hours")
        return self


class AlertSettings(Section):
    """[alert]: when the alert begins and ends."""

    high: float = Field(default=0.6, ge=SURE, le=1 - SURE)
    """A person counts as bare when the opinion, 0 = masked … 1 = bare, is at or above this."""
    low: float = Field(default=0.4, ge=SURE, le=1 - SURE)
    """A person counts as masked when the opinion is below this; between the two, the last state stays."""
    hold: float = Field(default=1.0, ge=0, le=30)
    """Seconds somebody must be seen bare before the alert begins; out of sight they do not run."""
    clear: float = Field(default=2.0, ge=0.2, le=60)
    """Seconds without anybody bare before the alert ends; two such frames are needed as well."""
    cooldown: float = Field(default=0.0, ge=0, le=600)
    """Seconds after an alert before another may begin."""
    longest: Annotated[float, seconds_or_never(1, 3600)] = 30.0
    """Seconds of alarm that one person causes at most; another takes somebody else, or the mask on and off. 0: no
    limit."""
    quiet: tuple[QuietWindow, ...] = Field(default=(), strict=False)
    """Times of day without alerts."""
    timezone: str | None = None
    """Of the quiet hours, e.g. "Europe/Berlin". Absent: the machine's own."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in zoneinfo.available_timezones():
            raise ValueError(f'found {found(name)}, expected a time zone such as "Europe/Berlin"')
        return name

    @field_validator("quiet")
    @classmethod
    def _not_all_day(cls, quiet: tuple[QuietWindow, ...]) -> tuple[QuietWindow, ...]:
        if len(quiet) > MOST_WINDOWS:
            raise ValueError(f"{len(quiet)} windows; expected {MOST_WINDOWS} at most")
        left = awake([(each.since, each.until) for each in quiet])
        if left < SHORTEST_DAY:
            raise ValueError(f"the quiet hours leave {left} minutes of the day; expected {SHORTEST_DAY} or more")
        return quiet

    @model_validator(mode="after")
    def _low_below_high(self) -> AlertSettings:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} must not be above high = {self.high:g}")
        return self
