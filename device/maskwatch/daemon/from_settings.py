"""The parameters of the presence room, from the settings. The defaults are in maskwatch.config alone."""

from __future__ import annotations

from maskwatch.config import Settings
from maskwatch.presence.policy import Rules
from maskwatch.presence.quiet_hours import QuietHours
from maskwatch.presence.tracker import Opinion
from maskwatch.presence.zone import Zone


def opinion(settings: Settings) -> Opinion:
    """The tracker's parameters, from [opinion]."""
    return Opinion(**settings.opinion.model_dump())


def rules(settings: Settings) -> Rules:
    """The policy's parameters, from [alert]."""
    return Rules(**settings.alert.model_dump(exclude={"quiet", "timezone"}))


def quiet_hours(settings: Settings) -> QuietHours:
    """The times of day without alerts, from [alert] quiet and timezone."""
    windows = [(each.since, each.until) for each in settings.alert.quiet]
    return QuietHours.of(windows, settings.alert.timezone)


def zone(settings: Settings) -> Zone:
    """Which faces count, from [zone] and [face] min_size."""
    return Zone(settings.face.min_size, settings.zone.polygon)
