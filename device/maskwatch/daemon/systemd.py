"""Notifications to systemd (sd_notify(3)), and the format of log lines in the journal.

Packages considered in November 2026: sdnotify is from 2017, systemd-python (2023) needs a compiler, cysystemd is 2 MB.
systemd-watchdog 1.0.1 blocks, raises, and uses the wall clock, which jumps on a Pi without a battery clock.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

from maskwatch.text.redaction import redacted

PER_WATCHDOG = 4  # signs of life within the watchdog's time; sd_watchdog_enabled(3) recommends two
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}  # syslog's


class Notifier:
    """Sends datagrams to systemd. It does nothing if systemd does not listen. It never raises and never blocks."""

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
        self._fed = -float("inf")  # seconds, when the last sign of life was sent

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> Notifier:
        """From systemd's NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; invalid values count as unset."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog = int(microseconds) / 1e6 if ours and microseconds.isdecimal() else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), watchdog, clock)

    def ready(self) -> None:
        """Report that the daemon watches, at the start or after a reload."""
        self._send("READY=1")

    def feed(self) -> None:
        """Send a sign of life. The loop calls it at every turn; only as many are sent as the watchdog needs."""
        now = self._clock()
        if self._watched and now - self._fed >= self._pace and self._send("WATCHDOG=1"):
            self._fed = now

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={redacted(' '.join(text.split()))}")  # a line break would start another assignment

    def reloading(self) -> None:
        """Report that the settings are being read again; `ready` must follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Report that the daemon is ending."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> bool:
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except (OSError, ValueError):  # nobody listens, the queue is full, or the text is not UTF-8
            return False
        return True


def log_format(environment: Mapping[str, str] = os.environ, file: int = 2) -> logging.Formatter:
    """The format of lines on stderr: with the program's name for people; with the priority for the journal, which adds
    the name itself. So `journalctl -p warning` works.

    Args:
        environment: of the process.
        file: descriptor that the lines are written to.
    """
    return _JournalFormat() if is_journal(environment, file) else _Format("maskwatch: %(message)s")


def is_journal(environment: Mapping[str, str] = os.environ, file: int = 2) -> bool:
    """Whether a file descriptor is the journal: JOURNAL_STREAM has its device and inode (systemd.exec(5)). The variable
    alone is not enough, because a child process inherits it but may have another stderr."""
    try:
        there = os.fstat(file)
    except OSError:  # it is closed
        return False
    return environment.get("JOURNAL_STREAM", "") == f"{there.st_dev}:{there.st_ino}"


def error_line(name: str, message: str) -> str:
    """A program's last line on stderr, which says why it ends."""
    return f"<{PRIORITIES[logging.ERROR]}>{message}" if is_journal() else f"{name}: {message}"


class _Format(logging.Formatter):
    """Removes the secrets of addresses, which a library's message or a traceback may contain."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _JournalFormat(_Format):
    def format(self, record: logging.LogRecord) -> str:
        priority = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in super().format(record).splitlines())
