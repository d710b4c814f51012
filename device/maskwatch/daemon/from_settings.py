"""What the presence room works with, taken from the settings. The defaults are in maskwatch.config alone."""

from __future__ import annotations

from maskwatch.config import Settings
from maskwatch.presence.policy import Rules
from maskwatch.presence.quiet_hours import QuietHours
from maskwatch.presence.tracker import Opinion
from maskwatch.presence.zone import Zone


def opinion(settings: Settings) -> Opinion:
    """[opinion], as the tracker takes it."""
    return Opinion(**settings.opinion.model_dump())


def rules(settings: Settings) -> Rules:
    """[alert] without its quiet hours, as the policy takes it."""
    return Rules(**settings.alert.model_dump(exclude={"quiet", "timezone"}))


def quiet_hours(settings: Settings) -> QuietHours:
    """The times of day of [alert] without alerts.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: the time zone's file has gone since the settings were checked.
    """
    windows = [(each.since, each.until) for each in settings.alert.quiet]
    return QuietHours.of(windows, settings.alert.timezone)


def zone(settings: Settings) -> Zone:
    """[zone] and [face] min_size."""
    return Zone(settings.face.min_size, settings.zone.polygon)
