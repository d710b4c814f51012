"""The end: pins off first, then the rest, each whatever the others do, and never late. Nobody's reading is needed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
from colour_door import GREY, SKIN, Reel, shown
from defaults import unit as assembled
from recorder import Recorder
from stand_ins.file_pins import file_pins
from stand_ins.unit import ALARM, HERE, PATIENCE, Unit, full_pipe
from unit_limits import STOP_WITHIN

from maskwatch.daemon import loop
from maskwatch.errors import SourceError
from maskwatch.flow import Alert
from maskwatch.outputs import Outputs

QUICK = str(HERE / "quick_unit.py")


class Buttons:
    mute_lasts = 0.0

    def __init__(self, hangs: threading.Event | None = None) -> None:
        self._hangs = hangs

    def close(self) -> None:
        if not self._hangs:
            raise RuntimeError("lgpio: bad handle")
        self._hangs.wait(PATIENCE)


class Stuck(Reel):
    """A camera whose close() does not come back, or raises."""

    def __init__(self, hangs: threading.Event | None, then: Exception | None = None) -> None:
        super().__init__(shown(GREY, 0, 1), then)
        self._hangs = hangs

    def close(self) -> None:
        super().close()
        if not self._hangs:
            raise SystemError("a driver's own")
        self._hangs.wait(PATIENCE)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("hangs", [False, True], ids=["raise", "hang"])
@pytest.mark.parametrize("then", [None, SourceError("unplugged")], ids=["at the end", "after a failure"])
def test_whatever_raises_or_hangs_at_the_end_everything_else_is_closed(
    release: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    hangs: bool,
    then: Exception | None,
) -> None:
    if hangs:
        monkeypatch.setattr(loop, "BUTTONS_WITHIN", 0.05)
        monkeypatch.setattr(loop, "SOURCE_WITHIN", 0.05)
    camera, lamp = Stuck(release if hangs else None, then), Recorder()
    made = assembled(camera, [lamp])
    made.buttons = Buttons(release if hangs else None)  # type: ignore[assignment]
    begun = time.monotonic()
    if then:
        with pytest.raises(SourceError, match="unplugged"):  # and not what the end raised
            loop.run(made, threading.Event())
    else:
        loop.run(made, threading.Event())
    assert time.monotonic() - begun < 5.0
    assert (lamp.closed, camera.closed) == (1, 1)
    whats = ["the buttons could not be closed", "the camera could not be closed"]
    assert [record.message.partition(":")[0].partition(" within")[0] for record in caplog.records] == whats


def test_outputs_are_closed_within_a_second_whatever_one_of_them_does(
    release: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    class Blocks(Recorder):
        name = "buzzer"

        def close(self) -> None:
            super().close()
            release.wait(PATIENCE)

    others = [Recorder() for _ in range(3)]
    outputs = Outputs([Blocks(), *others])
    begun = time.monotonic()
    outputs.close()
    assert time.monotonic() - begun < 1.5
    assert [other.closed for other in others] == [1, 1, 1]
    assert "output buzzer hangs and cannot be closed" in caplog.text


def test_where_no_thread_is_to_be_had_everything_is_closed_all_the_same(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blocks(Recorder):
        def switch(self, alert: Alert) -> None:  # noqa: ARG002
            release.wait(PATIENCE)

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    camera, lamp = Reel(shown(SKIN, 0, 3)), Recorder()
    made = assembled(camera, [Blocks(), lamp])
    monkeypatch.setattr(threading.Thread, "start", none)
    loop.run(made, threading.Event())
    assert (lamp.closed, camera.closed) == (1, 1)


# -- the program ----------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    made = Unit(tmp_path, "demo")
    yield made
    made.end()


def ended(unit: Unit) -> tuple[int, bool]:
    """Its exit code, and whether that came in time."""
    begun = time.monotonic()
    code = unit.ended()
    return code, time.monotonic() - begun < STOP_WITHIN


def test_what_a_library_left_behind_does_not_keep_the_process(unit: Unit) -> None:
    (unit.folder / "library").touch()
    unit.start(QUICK, QUICK=str(unit.folder))
    unit.alarm()
    unit.signal(signal.SIGTERM)
    assert ended(unit) == (0, True)
    assert unit.on() == set()


@pytest.mark.parametrize(
    ("what", "code"), [("signal", 0), ("gone", 3), ("defect", 1)], ids=["SIGTERM", "camera gone", "a defect"]
)
def test_with_both_pipes_full_the_alarm_goes_on_and_the_end_is_as_documented(unit: Unit, what: str, code: int) -> None:
    unit.change("[outputs.buzzer]", '[log]\nlevel = "debug"\n[outputs.buzzer]')  # a line a frame
    unit.change('pattern = "steady"', "pattern = { on = 0.1, every = 0.2 }")  # and one a beep
    command = [sys.executable, QUICK, "run", "--show-pins", "--config", str(unit.config)]
    reading, writing = full_pipe()
    (unit.folder / "chatter").touch()
    environment = {**unit._environment, "QUICK": str(unit.folder)}
    unit.process = subprocess.Popen(
        command, stdout=writing, stderr=writing, env=environment, text=True, start_new_session=True
    )
    unit.wait(lambda: len([edge for edge in file_pins.edges(unit.pins) if edge.pin == 17]) > 12, "six beeps")
    if what == "signal":
        unit.signal(signal.SIGTERM)
    else:
        (unit.folder / what).touch()
    assert ended(unit) == (code, True)
    assert unit.on() == set()
    os.close(reading)
    os.close(writing)


def test_a_reader_that_went_away_does_not_disturb_the_pins(unit: Unit) -> None:
    unit.change('pattern = "steady"', "pattern = { on = 0.1, every = 0.4 }")
    command = [sys.executable, QUICK, "run", "--show-pins", "--config", str(unit.config)]
    unit.process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=unit._environment, text=True, start_new_session=True
    )
    assert unit.process.stdout is not None
    unit.process.stdout.readline()
    unit.process.stdout.close()
    unit.wait(lambda: len([edge for edge in file_pins.edges(unit.pins) if edge.pin == 17]) > 20, "ten beeps")
    edges = [edge for edge in file_pins.edges(unit.pins) if edge.pin == 17][1:]  # the first is the pin's claim
    beeps = [off.time - on.time for on, off in pairwise(edges) if on.level and not off.level]
    assert median(beeps) < 0.3  # seconds
    assert unit.on() >= ALARM - {"buzzer"}
    unit.signal(signal.SIGTERM)
    assert ended(unit) == (0, True)


def test_a_camera_that_is_gone_is_the_last_line_and_its_code(unit: Unit) -> None:
    unit.start(QUICK, QUICK=str(unit.folder))
    unit.alarm()
    (unit.folder / "gone").touch()
    assert ended(unit) == (3, True)
    unit.end()
    assert unit.log()[-1] == "door: gone"
    assert unit.on() == set()


def test_the_whole_end_is_shorter_than_systemd_waits() -> None:
    from maskwatch import outputs
    from maskwatch.system import nonblocking_stream, process_end

    longest = outputs.CLOSE_WITHIN + outputs.FORCE_WITHIN + loop.BUTTONS_WITHIN + loop.SOURCE_WITHIN
    longest += (
        2 * nonblocking_stream.FLUSH_WITHIN + process_end.LEAVE_WITHIN + loop.WAIT
    )  # the last words are flushed, too
    assert longest < STOP_WITHIN - 2.0
    assert outputs.CLOSE_WITHIN + outputs.FORCE_WITHIN < 1.0
