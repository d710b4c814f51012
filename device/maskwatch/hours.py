"""Quiet hours: times of day, as the clock on the site's wall shows them. A clock that is not set makes none."""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from maskwatch.clock import Clock

logger = logging.getLogger(__name__)

Window = tuple[time, time]  # first minute, and the one it ends; over midnight where the second is earlier


def utc_now() -> datetime:
    """The machine's wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Asked at every frame. Only the wall clock decides, so one that jumps is right again at once.

    While the clock is not set it is never quiet: an alarm in the night is better than none by day. That is said once.
    """

    windows: Sequence[Window] = ()
    timezone: str | None = None  # IANA name; None: the machine's own
    now: Callable[[], datetime] = utc_now  # aware
    clock_is_set: Callable[[], bool] = field(default_factory=Clock)
    _told: list[str] = field(default_factory=list)  # what was said of the clock

    @classmethod
    def of(
        cls,
        windows: Sequence[tuple[str, str]],
        timezone: str | None,
        now: Callable[[], datetime] = utc_now,
        clock_is_set: Callable[[], bool] | None = None,
    ) -> QuietHours:
        """From times such as "22:00"."""
        times = [(time.fromisoformat(since), time.fromisoformat(until)) for since, until in windows]
        return cls(times, timezone, now, clock_is_set or Clock())

    def __call__(self) -> bool:
        """Whether it is quiet now. An hour the clock skips or shows twice is what the clock shows."""
        if not self.windows or not self._clock_will_do():
            return False
        zone = zoneinfo.ZoneInfo(self.timezone) if self.timezone else None
        shown = self.now().astimezone(zone).time()
        return any(
            since <= shown < until if since <= until else shown >= since or shown < until
            for since, until in self.windows
        )

    def _clock_will_do(self) -> bool:
        if not self.clock_is_set():
            self._say("[alert] quiet: this machine's clock is not set yet (no NTP, no battery clock): alerts sound")
            return False
        if self._told:
            self._say("[alert] quiet: the clock is set, quiet hours hold from now on")
        return True

    def _say(self, line: str) -> None:
        if line not in self._told:
            logger.warning(line)
            self._told.append(line)
