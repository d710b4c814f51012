"""What systemd is told, on real sockets; and the unit file, through systemd's own tools where they are installed."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from unit_limits import STOP_WITHIN

from maskwatch import errors
from maskwatch.cli.commands import cli
from maskwatch.daemon import systemd as service
from maskwatch.daemon.systemd import Notifier


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
def test_without_a_listener_nothing_happens(address: str, caplog: pytest.LogCaptureFixture) -> None:
    to = Notifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    to.ready()
    to.feed()
    to.status("x")
    to.reloading()
    to.stopping()
    assert not caplog.messages, "a unit that is started by hand has no systemd: nothing to tell of"


def test_a_text_that_no_socket_takes_is_dropped(systemd: socket.socket) -> None:
    notifier(systemd).status("watching /media/\udcff")  # how Python shows a file name that is no UTF-8
    assert heard(systemd) == []


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
    sends = threading.Thread(target=lambda: [to.status("x") for _ in range(2000)], daemon=True)
    sends.start()  # far more than a Unix datagram socket queues; here it takes 0.03 s
    sends.join(10)
    assert not sends.is_alive()
    to.feed()
    assert "WATCHDOG=1" not in heard(systemd)
    clock.time += 0.1
    to.feed()
    assert heard(systemd) == ["WATCHDOG=1"]


# -- the journal ----------------------------------------------------------------------------------------------------


def line(level: int, text: str, journal: Path, file: IO[str]) -> str:
    there = journal.stat()
    environment = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
    record = logging.LogRecord("maskwatch", level, __file__, 1, text, None, None)
    return service.log_format(environment, file.fileno()).format(record)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(logging.INFO, "<6>a\n<6>b"), (logging.WARNING, "<4>a\n<4>b"), (logging.ERROR, "<3>a\n<3>b")],
)
def test_the_journal_gets_each_lines_priority(tmp_path: Path, level: int, expected: str) -> None:
    with (tmp_path / "journal").open("w") as journal:
        assert line(level, "a\nb", tmp_path / "journal", journal) == expected


def test_who_inherits_the_journals_name_but_writes_elsewhere_gets_no_priorities(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    with (tmp_path / "screen").open("w") as screen:
        assert line(logging.ERROR, "no pins", tmp_path / "journal", screen) == "maskwatch: no pins"


@pytest.mark.parametrize("stream", ["", "8:1234", "nonsense", "8"])
def test_a_name_of_no_journal_is_none(stream: str) -> None:
    assert not service.is_journal({"JOURNAL_STREAM": stream})


def test_the_last_line_has_its_priority_too(tmp_path: Path) -> None:
    """Run as a program: stderr itself is the journal."""
    with (tmp_path / "journal").open("w+") as journal:
        there = os.fstat(journal.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        command = [sys.executable, "-c", "from maskwatch.cli import main; main()", "run", "--config", "/no\nwhere"]
        assert subprocess.run(command, stderr=journal, env=environment, timeout=60, check=False).returncode != 0
        journal.seek(0)
        (last,) = journal.read().splitlines()
    assert last.startswith("<3>config /no")


# -- the unit file --------------------------------------------------------------------------------------------------

UNIT = Path(__file__).parents[2] / "device" / "systemd" / "maskwatch.service"
ANALYZE = shutil.which("systemd-analyze")
PROGRAM = "/opt/maskwatch/venv/bin/maskwatch"  # as README installs it
HIGHEST_EXPOSURE = 2.5
each_with_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")


def values(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """The words after the program in each line that runs it."""
    found = [
        line.lstrip("-").split() for key in ("ExecStartPre", "ExecStart", "ExecStopPost") for line in values(text, key)
    ]
    return [words[1:] for words in found if words[0] == PROGRAM]


def exposure(path: Path) -> float:
    """0 to 10, systemd's own judgement: how much of the machine a service that is taken over can reach."""
    command = [str(ANALYZE), "security", "--offline=true", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (figure,) = re.findall(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    return float(figure)


@each_with_systemd
def test_the_service_is_exposed_by_no_more_than_allowed() -> None:
    assert exposure(UNIT) <= HIGHEST_EXPOSURE


@each_with_systemd
def test_that_judgement_sees_a_weaker_unit(tmp_path: Path) -> None:
    weaker = tmp_path / UNIT.name
    weaker.write_text(
        re.sub(r"^(SystemCallFilter|CapabilityBoundingSet)=.*\n", "", UNIT.read_text(), flags=re.MULTILINE)
    )
    assert exposure(weaker) > HIGHEST_EXPOSURE


@each_with_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))  # it looks whether the program is there
    done = subprocess.run([str(ANALYZE), "verify", str(here)], capture_output=True, text=True, timeout=60, check=False)
    about_us = [line for line in done.stderr.splitlines() if "maskwatch" in line]
    assert (done.returncode, about_us) == (0, [])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("Type", ["notify"]),
        ("ExecStartPre", [f"-{PROGRAM} check --config /etc/maskwatch/config.toml"]),
        ("ExecStart", [f"{PROGRAM} run --config /etc/maskwatch/config.toml"]),
        ("ExecReload", ["/bin/kill -HUP $MAINPID"]),
        ("ExecStopPost", [f"{PROGRAM} pins-off --config /etc/maskwatch/config.toml"]),
        ("StartLimitIntervalSec", ["0"]),
        ("Restart", ["always"]),  # a SIGTERM from anybody ends it with 0
        ("RestartPreventExitStatus", ["2"]),
        ("RuntimeDirectory", ["maskwatch"]),
        ("RuntimeDirectoryPreserve", []),  # or a note of an earlier run would be believed
        ("ProtectSystem", ["strict"]),
        ("ReadWritePaths", []),  # with the others here: two folders of its own are all it writes to
        ("StateDirectory", ["maskwatch"]),
        ("StateDirectoryMode", ["0700"]),
        ("MemoryMax", ["60%"]),
        ("TasksMax", ["128"]),
        ("ProcSubset", []),  # hides /proc/cpuinfo: see there
    ],
)
def test_the_unit_says(key: str, expected: list[str]) -> None:
    assert values(UNIT.read_text(), key) == expected


def test_the_groups_of_camera_pins_and_sound_are_joined_and_their_devices_allowed() -> None:
    (groups,) = values(UNIT.read_text(), "SupplementaryGroups")
    assert {"video", "gpio", "audio"} <= set(groups.split())
    allowed = {device.split()[0] for device in values(UNIT.read_text(), "DeviceAllow")}
    assert {"char-video4linux", "char-gpiochip", "char-alsa"} <= allowed


def test_the_watchdog_waits_for_a_slow_frame_and_for_a_stop_request_to_be_seen() -> None:
    (watchdog,) = map(float, values(UNIT.read_text(), "WatchdogSec"))
    slowest_turn = 5.0  # seconds, far beyond a frame on the slowest board and the loop's wait for one
    assert watchdog - watchdog / service.PER_WATCHDOG > slowest_turn


def test_what_may_pass_by_itself_is_tried_for_ever_with_a_rest_in_between() -> None:
    """Exit codes 3 and 5, a camera and a pin that cannot be had, end no watch; a config's mistake, 2, does."""
    text = UNIT.read_text()
    (pause,) = map(float, values(text, "RestartSec"))
    assert pause >= 10  # seconds
    may_pass = (errors.SourceError, errors.ModelError, errors.OutputError, errors.UnreadableConfigError)
    assert {each.exit_code for each in may_pass} == {3, 4, 5, 6}
    assert values(text, "RestartPreventExitStatus") == [str(errors.ConfigError.exit_code)]
    assert "SuccessExitStatus" not in text  # 0, and SIGTERM, are followed by another start, too


def test_the_whole_end_fits_into_what_systemd_waits() -> None:
    (longest,) = map(float, values(UNIT.read_text(), "TimeoutStopSec"))
    assert longest == STOP_WITHIN


@pytest.mark.parametrize("words", commands(UNIT.read_text()), ids=" ".join)
def test_what_the_unit_runs_exists_on_the_command_line(words: list[str]) -> None:
    name, *rest = words
    known = {option for parameter in cli.commands[name].params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= known
