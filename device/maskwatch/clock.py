"""Is the machine's wall clock set? A Pi without a battery clock starts with the time at which it was switched off."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd(8) makes it when NTP has set the clock
SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
BATTERY = Path("/sys/class/rtc")  # clocks that go on without power
ALIKE = 60.0  # seconds a battery clock may differ from the wall clock that was set by it
ASK_EVERY = 5.0  # seconds; a battery clock is slow to read
UNSYNCHRONIZED = 0x40  # STA_UNSYNC of adjtimex(2): no program keeps the clock right
STATUS_AT = 40  # bytes into struct timex, 64-bit
TIMEX = 208  # bytes of struct timex, 64-bit


class Clock:
    """Whether the wall clock is set. Once it is, it stays so: nothing is asked any more."""

    def __init__(self, evidence: Callable[[], bool] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            evidence: whether it is set, however long that takes to find out; default: as this machine says.
            now: seconds, monotonic.
        """
        self._evidence, self._now = evidence or is_set, now
        self._asked = -ASK_EVERY
        self._set = False

    def __call__(self) -> bool:
        """Whether it is set; at most ASK_EVERY seconds late."""
        if not self._set and self._now() - self._asked >= ASK_EVERY:
            self._asked = self._now()
            self._set = self._evidence()
        return self._set


def is_set(synchronized: Path = SYNCHRONIZED, systemd: Path = SYSTEMD, battery: Path = BATTERY) -> bool:
    """By NTP, or by a battery clock. Without systemd nobody can say, and the clock is believed."""
    return not systemd.exists() or synchronized.exists() or _kept_right() or _agrees(battery)


def _kept_right() -> bool:
    """Whether chrony, ntpd or timesyncd keeps the clock right, as the kernel says. The unit file forbids the question
    (ProtectClock=): then this is no evidence."""
    found = (ctypes.c_char * TIMEX)()
    try:
        asked = ctypes.CDLL(None, use_errno=True).adjtimex(found)
    except (OSError, AttributeError):  # no such call here
        return False
    status = int.from_bytes(found.raw[STATUS_AT : STATUS_AT + 4], "little")
    return asked >= 0 and not status & UNSYNCHRONIZED


def _agrees(battery: Path) -> bool:
    """Whether a battery clock shows the same time: then the wall clock was set by it, or it by the wall clock."""
    for path in battery.glob("rtc*/since_epoch"):
        try:
            if abs(int(path.read_text()) - time.time()) <= ALIKE:
                return True
        except (OSError, ValueError):  # it is being removed, or was never set
            continue
    return False
