"""What the daemon tells systemd (sd_notify(3)), and how its log lines look in the journal.

Looked at in November 2026: sdnotify is of 2017, systemd-python (2023) wants a compiler, cysystemd is 2 MB, and
systemd-watchdog 1.0.1 times itself by the wall clock, which jumps on a Pi without a battery clock, blocks, and raises.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

from maskwatch.redaction import redacted

PER_WATCHDOG = 4  # signs of life within the watchdog's time; sd_watchdog_enabled(3) asks for two at least
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}  # syslog's


class Notifier:
    """Datagrams to systemd. Outside of it, or when it does not listen, nothing happens: never raises, never blocks."""

    def __init__(self, address: str = "", watchdog: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            address: of systemd's socket, a path or "@" and an abstract name; empty: nobody listens.
            watchdog: seconds without a sign of life after which systemd kills the process; 0: it does not watch.
            clock: seconds, monotonic.
        """
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._pace = watchdog / PER_WATCHDOG
        self._watched = watchdog > 0
        self._clock = clock
        self._fed = -float("inf")  # seconds, when the last sign of life arrived

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> Notifier:
        """As systemd says in NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; what makes no sense counts as unset."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog = int(microseconds) / 1e6 if ours and microseconds.isdecimal() else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog, clock)

    def ready(self) -> None:
        """The watch begins, or goes on after a reload."""
        self._send("READY=1")

    def feed(self) -> None:
        """A sign of life. The loop calls it at every turn; only as many leave as the watchdog needs."""
        now = self._clock()
        if self._watched and now - self._fed >= self._pace and self._send("WATCHDOG=1"):
            self._fed = now

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={redacted(' '.join(text.split()))}")  # a line break would begin another assignment

    def reloading(self) -> None:
        """The settings are being read again; `ready` must follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> bool:
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except (OSError, ValueError):  # nobody there, its queue is full, or no UTF-8
            return False
        return True


def log_format(environment: Mapping[str, str] = os.environ, file: int = 2) -> logging.Formatter:
    """How lines on stderr look: with the program's name for a person; with their priority for the journal, which
    knows the name, so that `journalctl -p warning` finds them.

    Args:
        environment: of the process.
        file: its number, of stderr.
    """
    return _JournalFormat() if is_journal(environment, file) else _Format("maskwatch: %(message)s")


def is_journal(environment: Mapping[str, str] = os.environ, file: int = 2) -> bool:
    """Whether a file is the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5)). A program that the
    unit starts inherits the variable, but its stderr may go elsewhere."""
    try:
        there = os.fstat(file)
    except OSError:  # it is closed
        return False
    return environment.get("JOURNAL_STREAM", "") == f"{there.st_dev}:{there.st_ino}"


def error_line(name: str, message: str) -> str:
    """A program's last line, which says why it ends."""
    return f"<{PRIORITIES[logging.ERROR]}>{message}" if is_journal() else f"{name}: {message}"


class _Format(logging.Formatter):
    """Of a library's message, and of a traceback, nobody knows what they repeat: addresses lose their secrets here."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _JournalFormat(_Format):
    def format(self, record: logging.LogRecord) -> str:
        priority = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in super().format(record).splitlines())
