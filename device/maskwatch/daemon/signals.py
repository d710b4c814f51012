"""What SIGTERM, SIGINT and SIGHUP request from the daemon.

The handlers only set plain values. threading.Event.set() takes a lock that the interrupted thread itself may hold
(inside Event.clear() or wait()). The process would then block for ever, with the buzzer on.
"""

from __future__ import annotations

import os
import signal

UNUSED = (signal.SIGUSR1, signal.SIGUSR2)  # ignored: by default they would kill the daemon, and end an alarm


class Flag:
    """A request; like threading.Event, but without a lock."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def clear(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set


class Requests:
    """What the signals so far requested."""

    def __init__(self) -> None:
        self.stop = Flag()
        self.reload = Flag()
        self.by_hand = False  # whether Ctrl-C requested the end

    def take(self, number: int, hang_up_ends: bool) -> None:
        """Record a signal. Called by the handler, which must do nothing else."""
        if number == signal.SIGHUP and not hang_up_ends:
            self.reload.set()
            return
        self.by_hand = self.by_hand or number == signal.SIGINT
        self.stop.set()


_requests: Requests | None = None


def stand() -> Requests:
    """Install the handlers; from now on signals only set flags. A second call returns the same. Main thread only.

    SIGTERM, SIGINT and SIGQUIT request the end. SIGHUP does so if the process has a terminal, because the terminal was
    closed. Without a terminal (as under systemd), or if SIGHUP was ignored (nohup), it requests reading the settings
    again.
    """
    global _requests
    if _requests is None:
        requests = _requests = Requests()
        hang_up_ends = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, lambda number, _: requests.take(number, hang_up_ends))
        for number in UNUSED:
            signal.signal(number, signal.SIG_IGN)
    return _requests


def are_asked() -> bool:
    """Whether the handlers are installed."""
    return _requests is not None


def _has_terminal() -> bool:
    """Whether the process has a controlling terminal, which need not be stdin."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
