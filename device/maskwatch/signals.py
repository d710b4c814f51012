"""What SIGTERM, SIGINT and SIGHUP ask the daemon for.

Handlers only write plain values. threading.Event.set() takes a lock that the interrupted thread itself may hold, inside
Event.clear() or wait(): then the process stands still for ever, with whatever was on.
"""

from __future__ import annotations

import os
import signal

UNUSED = (signal.SIGUSR1, signal.SIGUSR2)  # asks for nothing here, and must not end an alarm by killing its daemon


class Flag:
    """A wish; as threading.Event, but without a lock."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set


class Asked:
    """The signals so far."""

    def __init__(self) -> None:
        self.stop = Flag()
        self.reload = Flag()
        self.by_hand = False  # whether it was Ctrl-C that asked for the end

    def take(self, number: int, hang_up_ends: bool) -> None:
        """A signal came. Called by the handler: it must not do more."""
        if number == signal.SIGHUP and not hang_up_ends:
            self.reload.set()
            return
        self.by_hand = self.by_hand or number == signal.SIGINT
        self.stop.set()


_asked: Asked | None = None


def stand() -> Asked:
    """From now on signals only ask. A second call gives the same. Main thread only.

    SIGTERM, SIGINT and SIGQUIT ask for the end. So does SIGHUP where the process has a terminal: that has ended then.
    Without a terminal, as under systemd, and where it was ignored (nohup), it asks for the settings to be read again.
    """
    global _asked
    if _asked is None:
        asked = _asked = Asked()
        hang_up_ends = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, lambda number, _: asked.take(number, hang_up_ends))
        for number in UNUSED:
            signal.signal(number, signal.SIG_IGN)
    return _asked


def are_asked() -> bool:
    """Whether signals only ask: whether stand was called."""
    return _asked is not None


def _has_terminal() -> bool:
    """Whether there is a controlling terminal; it may be another one than stdin's."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
