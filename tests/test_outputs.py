"""Outputs follow the alert, fail alone, and leave every pin off. Pins are gpiozero's own mock pins."""

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from maskwatch.errors import OutputError
from maskwatch.flow import Alert
from maskwatch.outputs import Outputs
from maskwatch.outputs.gpio import PinOutput
from maskwatch.outputs.log import LogOutput

ON, OFF = Alert(True, 4.532, 2, (0.97, 0.1)), Alert(False, 9.0, 0, ())


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


class Recorder:
    """An output that remembers, and can be told to fail or to hang."""

    name = "recorder"

    def __init__(self, fails: bool = False, hangs: threading.Event | None = None) -> None:
        self.seen: list[bool] = []
        self.closed = 0
        self._fails, self._hangs = fails, hangs

    def switch(self, alert: Alert) -> None:
        if self._hangs:
            self._hangs.wait(20)
        if self._fails:
            raise OSError("wire cut")
        self.seen.append(alert.on)

    def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise OSError("wire cut")


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


@pytest.mark.parametrize("active_high", [True, False])
def test_the_pin_follows_the_alert(pins: MockFactory, active_high: bool) -> None:
    output = PinOutput("buzzer", 17, active_high)
    levels = [pins.pin(17).state]
    for alert in (ON, OFF):
        output.switch(alert)
        levels.append(pins.pin(17).state)
    assert [bool(level) == active_high for level in levels] == [False, True, False]
    output.close()


def test_closing_in_an_alert_switches_the_pin_off_and_frees_it(pins: MockFactory) -> None:
    shown: list[tuple[str, int, bool]] = []
    output = PinOutput("buzzer", 17, show=lambda *change: shown.append(change))
    output.switch(ON)
    output.close()
    output.close()
    assert shown == [("buzzer", 17, True), ("buzzer", 17, False)]
    assert pins.pin(17).function == "input"
    PinOutput("again", 17).close()


def test_what_is_shown_is_the_pin_not_the_command(pins: MockFactory) -> None:
    shown: list[bool] = []
    output = PinOutput("led", 27, show=lambda *change: shown.append(change[2]))
    pins.pin(27).state = True  # somebody else drives it already: switching on changes nothing
    output.switch(ON)
    assert shown == []
    output.close()
    assert shown == [False]


def test_a_claimed_pin_is_refused_by_name(pins: MockFactory) -> None:  # noqa: ARG001
    first = PinOutput("buzzer", 17)
    with pytest.raises(OutputError, match=r"led: GPIO17 is already in use.*\[outputs.led\]"):
        PinOutput("led", 17)
    first.close()


def test_text_lines_are_one_a_switch() -> None:
    stream = io.StringIO()
    output = LogOutput(stream)
    output.switch(ON)
    output.switch(OFF)
    output.pin("buzzer", 17, True)
    assert stream.getvalue().splitlines() == [
        "alert_on time=4.53 faces=2 scores=0.97,0.10",
        "alert_off time=9.00 faces=0 scores=-",
        "buzzer GPIO17 on",
    ]


def test_json_lines_hold_exactly_the_promised_keys() -> None:
    stream = io.StringIO()
    output = LogOutput(stream, as_json=True)
    output.switch(ON)
    output.switch(OFF)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"event": "alert_on", "time": 4.532, "faces": 2, "scores": [0.97, 0.1]},
        {"event": "alert_off", "time": 9.0, "faces": 0, "scores": []},
    ]
