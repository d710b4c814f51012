"""Whether the machine's wall clock is set. A Pi without a battery clock starts with the time of its last shutdown."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd(8) creates it when NTP has set the clock
SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
BATTERY = Path("/sys/class/rtc")  # battery clocks
ALIKE = 60.0  # seconds by which a battery clock and the wall clock set from it may differ
ASK_EVERY = 5.0  # seconds between two checks; a battery clock is slow to read
UNSYNCHRONIZED = 0x40  # STA_UNSYNC of adjtimex(2): no program synchronizes the clock
STATUS_AT = 40  # bytes into struct timex, 64-bit
TIMEX = 208  # bytes of struct timex, 64-bit


class Clock:
    """Whether the wall clock is set. Once it is, no more checks are made."""

    def __init__(self, evidence: Callable[[], bool] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            evidence: checks whether it is set, may be slow; default: is_set().
            now: seconds, monotonic.
        """
        self._evidence, self._now = evidence or is_set, now
        self._asked = -ASK_EVERY
        self._set = False

    def __call__(self) -> bool:
        """Whether it is set; the answer is at most ASK_EVERY seconds old."""
        if not self._set and self._now() - self._asked >= ASK_EVERY:
            self._asked = self._now()
            self._set = self._evidence()
        return self._set


def is_set(synchronized: Path = SYNCHRONIZED, systemd: Path = SYSTEMD, battery: Path = BATTERY) -> bool:
    """Whether NTP or a battery clock set the wall clock. Without systemd this is not known, and the clock is
    trusted."""
    return not systemd.exists() or synchronized.exists() or _kept_right() or _agrees(battery)


def _kept_right() -> bool:
    """Whether chrony, ntpd or timesyncd synchronizes the clock, by the kernel's state. False if the call is forbidden,
    as it is by the unit file (ProtectClock=)."""
    found = (ctypes.c_char * TIMEX)()
    try:
        asked = ctypes.CDLL(None, use_errno=True).adjtimex(found)
    except (OSError, AttributeError):  # the system has no such call
        return False
    status = int.from_bytes(found.raw[STATUS_AT : STATUS_AT + 4], "little")
    return asked >= 0 and not status & UNSYNCHRONIZED


def _agrees(battery: Path) -> bool:
    """Whether a battery clock shows the same time; then one of the two clocks was set from the other."""
    for path in battery.glob("rtc*/since_epoch"):
        try:
            if abs(int(path.read_text()) - time.time()) <= ALIKE:
                return True
        except (OSError, ValueError):  # it is being removed, or was never set
            continue
    return False
