"""Quiet hours: times of day, as the clock on the site's wall shows them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

Window = tuple[time, time]  # first minute, and the one it ends; over midnight where the second is earlier


def utc_now() -> datetime:
    """The machine's wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Asked at every frame. Only the wall clock decides, so one that jumps is right again at once."""

    windows: Sequence[Window] = ()
    timezone: str | None = None  # IANA name; None: the machine's own
    now: Callable[[], datetime] = utc_now  # aware

    @classmethod
    def of(
        cls, windows: Sequence[tuple[str, str]], timezone: str | None, now: Callable[[], datetime] = utc_now
    ) -> QuietHours:
        """From times such as "22:00"."""
        return cls([(time.fromisoformat(since), time.fromisoformat(until)) for since, until in windows], timezone, now)

    def __call__(self) -> bool:
        """Whether it is quiet now. An hour the clock skips or shows twice is what the clock shows."""
        if not self.windows:
            return False
        zone = zoneinfo.ZoneInfo(self.timezone) if self.timezone else None
        shown = self.now().astimezone(zone).time()
        return any(
            since <= shown < until if since <= until else shown >= since or shown < until
            for since, until in self.windows
        )
