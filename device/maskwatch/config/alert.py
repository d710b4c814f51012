"""When somebody counts as bare, and when the alert begins and ends: [opinion] and [alert]."""

from __future__ import annotations

import re
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from maskwatch.config.section import Seconds, Section, Share


def _a_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'{text!r} is no time of day; expected e.g. "22:00"')
    return text


TimeOfDay = Annotated[str, AfterValidator(_a_time)]


class OpinionSettings(Section):
    """[opinion]: how single verdicts become one opinion per person."""

    time_constant: float = Field(default=0.7, gt=0, le=60)
    """Seconds after which a changed verdict has moved the opinion by 63 %."""
    forget: Seconds = 1.0
    """Seconds unseen after which a person is forgotten."""
    min_iou: float = Field(default=0.2, gt=0, le=1)
    """A face is the same person when its box overlaps the expected one by this much (intersection over union)."""
    recheck: Seconds = 1.0
    """Seconds between two judgements of a settled person; who is new or in doubt is judged at every frame."""
    crowd: int = Field(default=4, ge=1, le=32)
    """Faces judged in one frame at most; the others wait for their turn."""
    motionless: float = Field(default=600.0, ge=0, le=86400)
    """Seconds a face may stay where it is before it counts as a picture on a wall and is ignored; 0: never."""


class QuietHours(Section):
    """[[alert.quiet]]: a time of day without alerts; over midnight where `until` is the earlier one."""

    since: TimeOfDay
    """The first minute, e.g. "22:00"."""
    until: TimeOfDay
    """The minute it ends, e.g. "06:30"."""


class AlertSettings(Section):
    """[alert]: when the alert begins and ends."""

    high: Share = 0.6
    """A person counts as bare when the opinion, 0 = masked … 1 = bare, is at or above this."""
    low: Share = 0.4
    """A person counts as masked when the opinion is below this; between the two, the last state stays."""
    hold: Seconds = 1.0
    """Seconds somebody must be seen bare before the alert begins; out of sight they do not run."""
    clear: Seconds = 2.0
    """Seconds without anybody bare before the alert ends."""
    cooldown: Seconds = 0.0
    """Seconds after an alert before another may begin."""
    longest: float = Field(default=30.0, ge=0, le=3600)
    """Seconds after which an alert ends whoever is there; it takes somebody else, or the mask on and off, to begin
    another. 0: no limit."""
    quiet: tuple[QuietHours, ...] = Field(default=(), strict=False)
    """Times of day without alerts."""
    timezone: str | None = None
    """Of the quiet hours, e.g. "Europe/Berlin". Absent: the machine's own."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in zoneinfo.available_timezones():
            raise ValueError(f'no time zone {name!r}; expected one such as "Europe/Berlin"')
        return name

    @model_validator(mode="after")
    def _low_below_high(self) -> AlertSettings:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} must not be above high = {self.high:g}")
        return self
