"""What systemd is told, on real sockets; and the unit file, through systemd's own tools where they are installed."""

import logging
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest

from maskwatch import cli, service
from maskwatch.service import Notifier


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The other end: a datagram socket that does not wait."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


def heard(listener: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(listener.recv(4096).decode())
        except BlockingIOError:
            return messages


def notifier(listener: socket.socket, clock: Clock | None = None, **environment: str) -> Notifier:
    address = listener.getsockname()
    where = "@" + address[1:].decode() if isinstance(address, bytes) else address
    return Notifier.from_environment({"NOTIFY_SOCKET": where, **environment}, clock or Clock())


# -- the messages ---------------------------------------------------------------------------------------------------


def test_each_state_is_one_message(systemd: socket.socket) -> None:
    to = notifier(systemd)
    to.ready()
    to.status("watching picamera:0\nREADY=1")  # a line break begins no assignment of its own
    to.stopping()
    assert heard(systemd) == ["READY=1", "STATUS=watching picamera:0 READY=1", "STOPPING=1"]


def test_a_reload_says_when_it_began_as_newer_systemds_ask(systemd: socket.socket) -> None:
    notifier(systemd).reloading()
    (message,) = heard(systemd)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", message)


def test_an_abstract_address_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0maskwatch-test-{os.getpid()}")
        listener.setblocking(False)
        notifier(listener).ready()
        assert heard(listener) == ["READY=1"]


@pytest.mark.parametrize("address", ["", "nonsense", "vsock:2:1234", "/nowhere/notify", "/" + "x" * 200, "/a\0b"])
def test_without_a_listener_nothing_happens(address: str) -> None:
    to = Notifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    to.ready()
    to.feed()
    to.status("x")
    to.reloading()
    to.stopping()


# -- the watchdog ---------------------------------------------------------------------------------------------------


def test_signs_of_life_leave_four_times_within_the_watchdogs_time_however_often_it_is_fed(
    systemd: socket.socket,
) -> None:
    clock = Clock()
    to = notifier(systemd, clock, WATCHDOG_USEC="8000000")
    fed = []
    for tenth in range(81):
        clock.time = 100.0 + tenth / 10
        to.feed()
        fed += [clock.time for _ in heard(systemd)]
    assert fed == [100.0, 102.0, 104.0, 106.0, 108.0]


def test_a_loop_that_stands_still_sends_nothing(systemd: socket.socket) -> None:
    clock = Clock()
    to = notifier(systemd, clock, WATCHDOG_USEC="8000000")
    to.feed()
    clock.time += 60
    to.status("still here")  # only the loop's own call is a sign of life
    assert heard(systemd) == ["WATCHDOG=1", "STATUS=still here"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}],
    ids=["unset", "zero", "no number", "another process"],
)
def test_who_is_not_watched_sends_no_signs_of_life(systemd: socket.socket, environment: dict[str, str]) -> None:
    notifier(systemd, **environment).feed()
    assert heard(systemd) == []


def test_who_is_named_is_watched(systemd: socket.socket) -> None:
    notifier(systemd, WATCHDOG_USEC="1000000", WATCHDOG_PID=str(os.getpid())).feed()
    assert heard(systemd) == ["WATCHDOG=1"]


def test_a_full_queue_neither_blocks_nor_counts_as_fed(systemd: socket.socket) -> None:
    clock = Clock()
    to = notifier(systemd, clock, WATCHDOG_USEC="8000000")
    for _ in range(10_000):  # far more than a Unix datagram socket queues: a blocking send would hang here
        to.status("x")
    to.feed()
    assert "WATCHDOG=1" not in heard(systemd)
    clock.time += 0.1
    to.feed()
    assert heard(systemd) == ["WATCHDOG=1"]


# -- the journal ----------------------------------------------------------------------------------------------------


def line(level: int, text: str, environment: dict[str, str]) -> str:
    record = logging.LogRecord("maskwatch", level, __file__, 1, text, None, None)
    return service.log_format(environment).format(record)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(logging.INFO, "<6>a\n<6>b"), (logging.WARNING, "<4>a\n<4>b"), (logging.ERROR, "<3>a\n<3>b")],
)
def test_the_journal_gets_each_lines_priority(level: int, expected: str) -> None:
    assert line(level, "a\nb", {"JOURNAL_STREAM": "8:1234"}) == expected


def test_a_person_gets_the_programs_name() -> None:
    assert line(logging.ERROR, "no pins", {}) == "maskwatch: no pins"
