"""[opinion] and [alert]: when a person counts as bare, and when the alert begins and ends."""

from __future__ import annotations

import zoneinfo
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from maskwatch.config.section import Section, seconds_or_never
from maskwatch.config.times_of_day import TimeOfDay, awake
from maskwatch.config.value_shown import found

# An opinion closer than this to 0 or 1 is settled, and is rechecked rarely (tracker.SURE). A threshold beyond it would
# be reached after minutes, or never.
SURE = 0.1
MOST_WINDOWS = 50  # all of them are checked at every frame
SHORTEST_DAY = 5  # minutes a day that must not be quiet: who writes 00:00 to 23:59 means all day


class OpinionSettings(Section):
    """[opinion]: how the verdicts about a person become one opinion."""

    time_constant: float = Field(default=0.7, ge=0.01, le=10)
    """Seconds in which the opinion moves by 63 % towards a changed verdict."""
    forget: float = Field(default=1.0, ge=0.2, le=60)
    """Seconds unseen after which a person is forgotten; also, two frames without the person are needed."""
    gap: float = Field(default=10.0, ge=1, le=60)
    """Seconds without any frame (camera trouble, a blocked loop) after which everybody is forgotten."""
    min_iou: float = Field(default=0.2, ge=0.01, le=0.9)
    """A face is the same person when its box overlaps the expected one by this much (intersection over union)."""
    recheck: float = Field(default=1.0, ge=0, le=10)
    """Seconds between two judgements of a settled person; people who are new or in doubt are judged at every frame."""
    crowd: int = Field(default=4, ge=1, le=32)
    """Faces judged in one frame at most; the others wait."""
    motionless: Annotated[float, seconds_or_never(60, 86400)] = 600.0
    """Seconds in total that a face is seen in one place before it counts as a picture on a wall and is ignored; 0:
    never."""


class QuietWindow(Section):
    """[[alert.quiet]]: a time of day without alerts; it spans midnight if `until` is earlier than `since`."""

    since: TimeOfDay
    """The first minute, e.g. "22:00"."""
    until: TimeOfDay
    """The minute at which it ends, e.g. "06:30"."""

    @model_validator(mode="after")
    def _some_time(self) -> QuietWindow:
        if self.since == self.until:
            raise ValueError(
                f"since and until are both {self.since}; expected two different times; for no quiet hours, leave it out"
            )
        return self


class AlertSettings(Section):
    """[alert]: when the alert begins and ends."""

    high: float = Field(default=0.6, ge=SURE, le=1 - SURE)
    """A person counts as bare when the opinion, 0 = masked … 1 = bare, is at or above this."""
    low: float = Field(default=0.4, ge=SURE, le=1 - SURE)
    """A person counts as masked when the opinion is below this. Between low and high the last state is kept."""
    hold: float = Field(default=1.0, ge=0, le=30)
    """Seconds that somebody must be seen bare before the alert begins; frames without the person do not count."""
    clear: float = Field(default=2.0, ge=0.2, le=60)
    """Seconds without anybody bare before the alert ends; also, two such frames are needed."""
    cooldown: float = Field(default=0.0, ge=0, le=600)
    """Seconds after an alert before another may begin."""
    longest: Annotated[float, seconds_or_never(1, 3600)] = 30.0
    """Seconds of alarm that one person causes at most. After that, only another person starts an alert, or the same one
    after wearing a mask. 0: no limit."""
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
