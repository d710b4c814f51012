"""The settings are read again beside the loop: it goes on whatever the file is, and a refused one changes nothing."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stand_ins.unit import ALARM, HERE, PATIENCE, Unit
from told_outputs import Told

from maskwatch.config import Settings
from maskwatch.daemon import reload, signals, unit

NEW = Settings.model_validate({"alert": {"hold": 2.5}})


class File:
    """A file whose reading waits until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.reads = 0
        self.says: Settings | str = NEW

    def read(self) -> Settings | str:
        self.reads += 1
        says = self.says
        self.may_end.wait(PATIENCE)
        return says


@pytest.fixture
def file() -> Iterator[File]:
    made = File()
    yield made
    made.may_end.set()


def until(happened: Callable[[], object]) -> object:
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end
        time.sleep(0.001)
    return found


def test_nobody_waits_while_a_file_is_read(file: File) -> None:
    reading = reload.Reading(file.read)
    assert reading.result() is None
    reading.ask()
    assert [reading.result() for _ in range(100)] == [None] * 100
    file.may_end.set()
    assert until(reading.result) == NEW
    assert reading.result() is None  # once


def test_what_is_asked_for_meanwhile_is_one_more_reading(file: File) -> None:
    reading = reload.Reading(file.read)
    reading.ask()
    until(lambda: file.reads == 1)
    for _ in range(1000):
        reading.ask()
    file.says = "config x.toml: broken"  # written after the first reading began
    file.may_end.set()
    assert until(reading.result) == "config x.toml: broken"
    assert file.reads == 2


def test_a_disk_that_does_not_answer_is_given_up_and_its_late_answer_is_not_used(file: File) -> None:
    now = [0.0]
    reading = reload.Reading(file.read, lambda: now[0])
    for _ in range(2):  # who asks again waits as long, and is told, too
        reading.ask()
        now[0] += reload.READ_WITHIN - 0.1
        assert reading.result() is None
        now[0] += 0.1
        assert reading.result() == "config: could not be read within 10 s"
        assert reading.result() is None
    assert file.reads == 1
    file.may_end.set()
    until(lambda: reading.result() is not None or file.reads == 2)  # the second request is still read for
    assert file.reads == 2


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), ValueError("4301 digits"), SystemExit(0)], ids=repr)
def test_whatever_reading_raises_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException
) -> None:
    def raises(*_: object) -> Settings:
        raise error

    monkeypatch.setattr("maskwatch.config.load", raises)
    found = reload.read(tmp_path / "x.toml")
    assert str(found).startswith(f"config {tmp_path / 'x.toml'}: cannot be read: {type(error).__name__}")


def test_a_reload_for_which_no_thread_is_to_be_had_ends_no_watch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    asked, told = signals.Requests(), Told()
    turn = unit._Turn(unit.Call(), asked, told, None, NEW, {})  # type: ignore[arg-type]
    monkeypatch.setattr(threading.Thread, "start", none)
    asked.reload.set()
    turn()
    turn()
    assert [message.partition("\n")[0] for message in told.told] == ["RELOADING=1", "READY=1"]
    assert caplog.messages == ["RuntimeError: can't start new thread; the settings stay as they were"]


# -- the program, in an alarm ---------------------------------------------------------------------------------------


def fifo(config: Path) -> None:
    config.unlink()
    os.mkfifo(config)


def endless(config: Path) -> None:
    config.unlink()
    config.symlink_to("/dev/zero")


HOSTILE: dict[str, Callable[[Path], object]] = {
    "a FIFO": fifo,
    "no end": endless,
    "4,301 digits": lambda config: config.write_text(f"x = {'9' * 4301}"),
    "1,000 deep": lambda config: config.write_text(f"x = {'[' * 1000}{']' * 1000}"),
    "35 kB and an unknown key": lambda config: config.write_text("# x\n" * 8000 + "[camera]\nwidht = 3\n"),
    "empty": lambda config: config.write_text(""),
    "a folder": lambda config: (config.unlink(), config.mkdir()),
    "no text": lambda config: config.write_bytes(bytes(range(256)) * 100),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_one_line_and_the_alarm_goes_on(tmp_path: Path, make: Callable[[Path], object]) -> None:
    unit = Unit(tmp_path, "demo")
    good = unit.config.read_text()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        unit.start(str(HERE / "quick_unit.py"), NOTIFY_SOCKET=str(tmp_path / "notify"))
        try:
            unit.alarm()
            make(unit.config)
            begun = time.monotonic()
            unit.signal(signal.SIGHUP)
            unit.wait(lambda: bool(unit.log()), "a line on the config")
            assert time.monotonic() - begun < reload.READ_WITHIN
            (line,) = unit.log()
            assert line.endswith("; the settings stay as they were")
            assert unit.on() == ALARM
            assert set(unit.events()) <= {"alert_on"}
            if unit.config.is_dir():
                unit.config.rmdir()
            else:
                unit.config.unlink()
            unit.config.write_text(good)
            unit.signal(signal.SIGHUP)
            unit.wait(lambda: unit.log() == ["config read again: nothing changed"], "another reload")
        finally:
            unit.end()
        assert unit.ended() == 0
        states = [each.partition("\n")[0] for each in heard(systemd)]
    assert states == ["READY=1", *("RELOADING=1", "READY=1") * 2, "STOPPING=1"]


def heard(systemd: socket.socket) -> list[str]:
    systemd.setblocking(False)
    messages = []
    while True:
        try:
            messages.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return [each for each in messages if not each.startswith("STATUS")]
