"""Outputs get every message in order, fail alone, and never hold up the loop. See test_pins for what a pin does."""

import io
import json
import logging
import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from recorder import Recorder

from maskwatch.flow import Alert, Signal
from maskwatch.outputs import Output, Outputs
from maskwatch.outputs.gpio import PinOutput
from maskwatch.outputs.log import LogOutput
from maskwatch.pins.plan import PinPlan

MORNING = datetime(2026, 11, 28, 8, 15, 4, 250_000, timezone(timedelta(hours=1)))
AT = "2026-11-28T08:15:04.250+01:00"
ON, OFF = Alert(True, 4.532, 2, (0.97, 0.1)), Alert(False, 9.0, 0, ())


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


def test_every_output_sees_every_switch_in_order() -> None:
    recorders = [Recorder(), Recorder()]
    outputs = Outputs(recorders)
    for alert in (ON, OFF, ON, OFF):
        outputs.switch(alert)
    outputs.close()
    assert [recorder.seen for recorder in recorders] == [[True, False, True, False]] * 2


def test_a_failing_output_stops_no_other_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    good = Recorder()
    outputs = Outputs([Recorder(fails=True), good])
    with caplog.at_level(logging.ERROR):
        outputs.switch(ON)
        outputs.switch(OFF)
        outputs.close()
    assert good.seen == [True, False]
    assert good.closed == 1
    assert [record.getMessage() for record in caplog.records] == [
        "output recorder failed: OSError: wire cut; the others go on"
    ]


def test_a_hanging_output_does_not_hold_up_the_loop() -> None:
    release = threading.Event()
    slow, good = Recorder(hangs=release), Recorder()
    outputs = Outputs([slow, good])
    outputs.switch(ON)  # would wait 20 s if it waited for the slow one
    assert slow.seen == []
    release.set()
    outputs.close()
    assert slow.seen == good.seen == [True]


def test_closing_twice_closes_once() -> None:
    recorder = Recorder()
    outputs = Outputs([recorder])
    outputs.close()
    outputs.close()
    assert recorder.closed == 1


class Beating(Output):
    """An output that wants to be called again after each of `waits`, and remembers when it was."""

    name = "beating"

    def __init__(self, waits: list[float]) -> None:
        self.beats: list[float] = []
        self.done = threading.Event()
        self._waits = iter(waits)

    def beat(self, now: float) -> float:
        self.beats.append(now)
        wait = next(self._waits, None)
        if wait is None:
            self.done.set()
            return math.inf
        return wait


def test_an_output_is_called_again_when_it_asked_to_be() -> None:
    output = Beating([0.0, 0.001, 0.001])
    outputs = Outputs([output], clock=iter(range(1000)).__next__)
    outputs.show(Signal.ALERT)
    assert output.done.wait(20)
    outputs.close()
    assert output.beats[:4] == sorted(set(output.beats[:4]))
    assert len(output.beats) >= 4


def test_an_output_that_failed_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loose(Beating):
        def beat(self, now: float) -> float:
            if not self.beats:
                self.beats.append(now)
                raise OSError("loose contact")
            return super().beat(now)

    monkeypatch.setattr("maskwatch.outputs.worker.RETRY", 0.001)  # seconds
    output = Loose([])
    outputs = Outputs([output])
    outputs.show(Signal.WATCHING)
    assert output.done.wait(20)
    outputs.close()


def test_a_pin_is_off_although_another_output_hangs_at_the_end(pins: MockFactory) -> None:
    release = threading.Event()
    pin = PinOutput(PinPlan("buzzer", 17, True, {Signal.ALERT: "steady"}))
    outputs = Outputs([Recorder(hangs=release), pin])
    outputs.switch(ON)
    outputs.show(Signal.ALERT)
    outputs.close(within=0.05)
    assert pins.pin(17).function == "input"
    release.set()


def test_a_pin_whose_own_thread_hangs_is_closed_all_the_same(pins: MockFactory) -> None:
    class Stuck(PinOutput):
        def fault(self, reason: str | None, time: float) -> None:  # noqa: ARG002
            release.wait(20)

    release = threading.Event()
    stuck = Stuck(PinPlan("buzzer", 17, True, {Signal.ALERT: "steady"}))
    stuck.show(Signal.ALERT)
    stuck.beat(0.0)
    assert pins.pin(17).state
    outputs = Outputs([stuck])
    outputs.fault("camera lost", 1.0)
    outputs.close(within=0.0)
    assert (pins.pin(17).function, bool(pins.pin(17).state)) == ("input", False)
    release.set()


def test_mute_and_test_are_told_when_they_end() -> None:
    class Ear(Recorder):
        def mute(self, until: float) -> None:
            self.untils.append(("mute", until))

        def test(self, until: float) -> None:
            self.untils.append(("test", until))

    now = [100.0]
    ear = Ear()
    ear.untils = []
    outputs = Outputs([ear], clock=lambda: now[0])
    outputs.mute(True, 300.0)
    outputs.test(3.0)
    muted = [outputs.muted]
    now[0] = 400.0  # it ends by itself
    muted.append(outputs.muted)
    outputs.mute(True, 300.0)
    outputs.mute(False)
    muted.append(outputs.muted)
    outputs.close()
    assert muted == [True, False, False]
    assert ear.untils == [("mute", 400.0), ("test", 103.0), ("mute", 700.0), ("mute", -math.inf)]


def test_text_lines_are_one_a_switch() -> None:
    stream = io.StringIO()
    output = LogOutput(stream, now=lambda: MORNING)
    output.switch(ON)
    output.switch(OFF)
    output.pin("buzzer", 17, True)
    output.fault("camera:\nno frame for 5 s", 9.5)
    output.fault(None, 12.25)
    assert stream.getvalue().splitlines() == [
        f"alert_on time=4.53 at={AT} faces=2 scores=0.97,0.10",
        f"alert_off time=9.00 at={AT} faces=0 scores=-",
        "buzzer GPIO17 on",
        f"fault time=9.50 at={AT} reason=camera: no frame for 5 s",
        f"fault_over time=12.25 at={AT}",
    ]


def test_json_lines_hold_exactly_the_promised_keys() -> None:
    stream = io.StringIO()
    output = LogOutput(stream, as_json=True, now=lambda: MORNING)
    output.switch(ON)
    output.switch(OFF)
    output.fault("camera:\nno frame for 5 s", 9.50049)
    output.fault(None, 12.25)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"event": "alert_on", "time": 4.532, "at": AT, "faces": 2, "scores": [0.97, 0.1]},
        {"event": "alert_off", "time": 9.0, "at": AT, "faces": 0, "scores": []},
        {"event": "fault", "time": 9.5, "at": AT, "reason": "camera: no frame for 5 s"},
        {"event": "fault_over", "time": 12.25, "at": AT},
    ]


def test_the_machines_own_time_has_its_zone() -> None:
    stream = io.StringIO()
    LogOutput(stream, as_json=True).switch(ON)
    at = datetime.fromisoformat(json.loads(stream.getvalue())["at"])
    assert at.tzinfo is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_a_clock_that_jumps_moves_no_seconds_since_the_start() -> None:
    stream = io.StringIO()
    clock = iter([MORNING, MORNING - timedelta(days=9000)])  # no battery: NTP sets it later, or it was wrong
    output = LogOutput(stream, as_json=True, now=lambda: next(clock))
    output.switch(ON)
    output.switch(OFF)
    assert [json.loads(line)["time"] for line in stream.getvalue().splitlines()] == [4.532, 9.0]
