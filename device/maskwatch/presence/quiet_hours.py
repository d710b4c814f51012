"""Quiet hours: times of day without alerts, in the site's own time zone. While the clock is not set there are none."""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from maskwatch.system.wall_clock import Clock

logger = logging.getLogger(__name__)

Window = tuple[time, time]  # start and end; it spans midnight if the end is earlier


def utc_now() -> datetime:
    """The machine's wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Asked at every frame. It uses the wall clock alone, so it is right again at once when that clock is corrected.

    While the clock is not set, it is never quiet: an alarm at night is better than no alarm by day. The log says so
    once.
    """

    windows: Sequence[Window] = ()
    timezone: str | None = None  # IANA name; None: the machine's own
    now: Callable[[], datetime] = utc_now  # with a time zone
    clock_is_set: Callable[[], bool] = field(default_factory=Clock)
    _told: list[str] = field(default_factory=list)  # log lines about the clock, each written once

    @classmethod
    def of(
        cls,
        windows: Sequence[tuple[str, str]],
        timezone: str | None,
        now: Callable[[], datetime] = utc_now,
        clock_is_set: Callable[[], bool] | None = None,
    ) -> QuietHours:
        """From pairs of start and end such as ("22:00", "06:30").

        Raises:
            ValueError: a time is not valid.
        """
        times = [(time.fromisoformat(since), time.fromisoformat(until)) for since, until in windows]
        return cls(times, timezone, now, clock_is_set or Clock())

    def __call__(self) -> bool:
        """Whether it is quiet now. When summer time begins or ends, the local time that a wall clock shows counts.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: the time zone is not known.
        """
        if not self.windows or not self._is_clock_set():
            return False
        zone = zoneinfo.ZoneInfo(self.timezone) if self.timezone else None
        shown = self.now().astimezone(zone).time()
        return any(
            since <= shown < until if since <= until else shown >= since or shown < until
            for since, until in self.windows
        )

    def _is_clock_set(self) -> bool:
        if not self.clock_is_set():
            self._say("[alert] quiet: this machine's clock is not set yet (no NTP, no battery clock): alerts sound")
            return False
        if self._told:
            self._say("[alert] quiet: the clock is set, quiet hours are in effect from now on")
        return True

    def _say(self, line: str) -> None:
        if line not in self._told:
            logger.warning(line)
            self._told.append(line)
