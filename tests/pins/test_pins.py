"""What every output pin promises, on gpiozero's mock pins and, where there are some to spare, on real ones.

MASKWATCH_REAL_PINS=5,6 names BCM numbers with nothing connected, or nothing that minds being switched.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from maskwatch.config import (
    BEEPS,
    BuzzerSettings,
    LampSettings,
    LedSettings,
    OutputsSettings,
    Pattern,
    RelaySettings,
    Settings,
    has_output,
)
from maskwatch.errors import OutputError
from maskwatch.flow import Signal
from maskwatch.outputs.gpio import PinOutput, open_pins
from maskwatch.pins import board
from maskwatch.pins.plan import FAULT, Muted, PinPlan, plans

REAL = os.environ.get("MASKWATCH_REAL_PINS", "")


class Bench(NamedTuple):
    """Two free pins and what makes them."""

    factory: Any
    pin: int
    other: int

    def level(self, number: int) -> bool:
        """The wire's, not what somebody wanted."""
        return bool(self.factory.pin(number).state)

    def function(self, number: int) -> str:
        return str(self.factory.pin(number).function)


def _real() -> Any:
    if not list(Path("/dev").glob("gpiochip*")):
        pytest.skip("no /dev/gpiochip* on this machine")
    if not REAL:
        pytest.skip("MASKWATCH_REAL_PINS names no two free pins, e.g. 5,6")
    return pytest.importorskip("gpiozero.pins.lgpio", reason="lgpio is not installed").LGPIOFactory()


@pytest.fixture(params=["mock", "real"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    real = request.param == "real"
    before, Device.pin_factory = Device.pin_factory, _real() if real else MockFactory(pin_class=MockPWMPin)
    pin, other = map(int, REAL.split(",")) if real else (17, 27)
    yield Bench(Device.pin_factory, pin, other)
    Device.pin_factory.close()
    Device.pin_factory = before


@pytest.fixture
def mock() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory(pin_class=MockPWMPin)
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


def led(pin: int, active_high: bool = True) -> PinPlan:
    return PinPlan("led", pin, active_high, {Signal.ALERT: "steady", Signal.FAULT: FAULT})


def buzzer(pin: int, active_high: bool = True) -> PinPlan:
    return PinPlan("buzzer", pin, active_high, {Signal.ALERT: BEEPS}, Muted.SILENT)


def after(output: PinOutput, now: float, *messages: Callable[[], None]) -> float:
    """Send the messages and give the output its turn."""
    for message in messages:
        message()
    return output.beat(now)


@pytest.mark.parametrize("active_high", [True, False])
def test_a_pin_is_off_from_the_start_and_follows_the_signal(bench: Bench, active_high: bool) -> None:
    output = PinOutput(led(bench.pin, active_high))
    levels = [bench.level(bench.pin)]
    for signal in (Signal.WATCHING, Signal.ALERT, Signal.WATCHING):
        after(output, 0.0, lambda signal=signal: output.show(signal))
        levels.append(bench.level(bench.pin))
    assert [level == active_high for level in levels] == [False, False, True, False]
    output.close()


@pytest.mark.parametrize("active_high", [True, False])
def test_closing_in_an_alert_switches_off_before_letting_go(bench: Bench, active_high: bool) -> None:
    changes: list[tuple[str, int, bool]] = []
    output = PinOutput(led(bench.pin, active_high), lambda *change: changes.append(change))
    after(output, 0.0, lambda: output.show(Signal.ALERT))
    output.close()
    output.close()
    assert changes == [("led", bench.pin, True), ("led", bench.pin, False)]
    assert bench.function(bench.pin) == "input"
    PinOutput(led(bench.pin)).close()  # free for others


@pytest.mark.parametrize("active_high", [True, False])
def test_a_tone_is_half_on_half_off_and_then_nothing(bench: Bench, active_high: bool) -> None:
    output = PinOutput(replace(buzzer(bench.pin, active_high), tone=2700.0))
    states = [bench.factory.pin(bench.pin).state]
    for signal in (Signal.ALERT, Signal.FAULT):
        after(output, 0.0, lambda signal=signal: output.show(signal))
        states.append(bench.factory.pin(bench.pin).state)
    assert states == [1 - active_high, 0.5, 1 - active_high]  # the share of time at 3.3 V
    assert bench.factory.pin(bench.pin).frequency == 2700
    output.close()
    assert (bench.function(bench.pin), bench.factory.pin(bench.pin).frequency) == ("input", None)


def test_a_claimed_pin_is_refused_by_name(bench: Bench) -> None:
    first = PinOutput(buzzer(bench.pin))
    with pytest.raises(OutputError, match=rf"led: GPIO{bench.pin} is already in use.*\[outputs.led\] another pin"):
        PinOutput(led(bench.pin))
    first.close()


def test_when_one_pin_cannot_be_had_the_others_are_given_back(bench: Bench) -> None:
    taken = PinOutput(led(bench.other))
    settings = OutputsSettings(buzzer=BuzzerSettings(pin=bench.pin), relay=RelaySettings(pin=bench.other))
    with pytest.raises(OutputError, match=r"relay: .*\[outputs.relay\]") as held:  # its frames keep what is not closed
        open_pins(settings)
    assert bench.function(bench.pin) == "input"
    PinOutput(led(bench.pin)).close()
    taken.close()
    del held


# -- patterns in time, which no wire can change ----------------------------------------------------------------------


def played(output: PinOutput, start: float, end: float) -> list[tuple[float, bool]]:
    """(seconds since `start`, is it on) at `start` and whenever that changes until `end`, by the output's own turns."""
    rows: list[tuple[float, bool]] = []
    now = start
    while now < end - 1e-6:
        wait = output.beat(now)
        if not rows or output._pin.is_on != rows[-1][1]:
            rows.append((round(now - start, 2), output._pin.is_on))
        now += wait
    return rows


@pytest.mark.usefixtures("mock")
def test_an_alert_begins_with_a_pulse_at_once_and_keeps_its_rhythm() -> None:
    output = PinOutput(buzzer(17))
    output.show(Signal.ALERT)
    assert played(output, 1000.03, 1002.03) == [
        *((0.0, True), (0.1, False), (0.2, True), (0.3, False)),
        *((1.0, True), (1.1, False), (1.2, True), (1.3, False)),
    ]


@pytest.mark.usefixtures("mock")
def test_the_same_signal_again_does_not_begin_the_pattern_anew() -> None:
    output = PinOutput(buzzer(17))
    output.show(Signal.ALERT)
    output.beat(0.0)
    output.show(Signal.ALERT)
    assert output.beat(0.15) == pytest.approx(0.05)
    assert not output._pin.is_on


@pytest.mark.usefixtures("mock")
def test_mute_silences_at_once_and_ends_by_itself_in_the_same_alert() -> None:
    output = PinOutput(buzzer(17))
    output.show(Signal.ALERT)
    output.beat(0.0)
    output.mute(until=10.0)
    assert output.beat(0.05) == pytest.approx(9.95)
    assert not output._pin.is_on
    output.beat(10.0)
    assert output._pin.is_on


@pytest.mark.usefixtures("mock")
def test_a_mute_taken_back_sounds_at_once() -> None:
    output = PinOutput(buzzer(17))
    output.show(Signal.ALERT)
    output.mute(until=10.0)
    output.beat(0.0)
    output.mute(until=float("-inf"))
    output.beat(1.0)
    assert output._pin.is_on


@pytest.mark.usefixtures("mock")
@pytest.mark.parametrize("signal", [None, Signal.WATCHING, Signal.FAULT])
@pytest.mark.parametrize("muted_until", [0.0, 100.0])
def test_a_test_plays_the_alert_muted_or_not_and_ends(signal: Signal | None, muted_until: float) -> None:
    output = PinOutput(buzzer(17))
    if signal:
        output.show(signal)
    output.mute(muted_until)
    output.beat(5.0)
    output.test(until=8.0)
    assert [on for _, on in played(output, 5.0, 8.0)] == [True, False, True, False] * 3
    output.beat(8.0)
    assert not output._pin.is_on


@pytest.mark.usefixtures("mock")
def test_a_test_in_an_alert_changes_nothing() -> None:
    rows = []
    for tested in (False, True):
        output = PinOutput(buzzer(17))
        output.show(Signal.ALERT)
        output.beat(0.0)
        if tested:
            output.test(until=1.5)
        rows.append(played(output, 0.05, 3.0))
        output.close()
    assert rows[0] == rows[1]


def test_what_is_shown_is_the_pin_not_the_command(mock: MockFactory) -> None:
    changes: list[bool] = []
    output = PinOutput(led(27), lambda *change: changes.append(change[2]))
    mock.pin(27).state = True  # somebody else drives it already: switching on changes nothing
    after(output, 0.0, lambda: output.show(Signal.ALERT))
    assert changes == []
    output.close()
    assert changes == [False]


def test_who_looks_on_and_is_gone_is_no_failure_of_the_pin(mock: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    """Or each of the buzzer's edges would come a second late."""

    def gone(*_: object) -> None:
        raise BrokenPipeError

    output = PinOutput(led(27), gone)
    after(output, 0.0, lambda: output.show(Signal.ALERT))
    assert mock.pin(27).state
    after(output, 1.0, lambda: output.show(Signal.WATCHING))
    assert not mock.pin(27).state
    assert len(caplog.messages) == 1
    assert "its changes are not shown any more: BrokenPipeError" in caplog.text
    output.close()


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("shorted_to", [0, 1])
def test_a_pin_whose_level_does_not_follow_has_failed(mock: MockFactory, active_high: bool, shorted_to: int) -> None:
    class Shorted(MockPWMPin):
        shorted = False

        def _get_state(self) -> float:
            return shorted_to if self.shorted else super()._get_state()

    wire = mock.pin(27, pin_class=Shorted)
    output = PinOutput(led(27, active_high))
    output.beat(0.0)
    wire.shorted = True
    stuck_on = bool(shorted_to) == active_high
    if not stuck_on:
        output.show(Signal.ALERT)
    written, read = ("off", "on") if stuck_on else ("on", "off")
    for now in (1.0, 2.0):
        with pytest.raises(OutputError, match=f"^GPIO27 was switched {written} and reads {read}; is it shorted"):
            output.beat(now)
    wire.shorted = False
    output.beat(3.0)
    assert output._pin.is_on is not stuck_on
    output.close()


@pytest.mark.usefixtures("mock")
@pytest.mark.parametrize(
    ("model", "told"), [("Raspberry Pi 5 Model B Rev 1.0\0", 1), ("Radxa ROCK 5B\0", 0), (None, 0)]
)
def test_mock_pins_on_a_pi_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: str | None, told: int
) -> None:
    path = tmp_path / "model"
    if model is not None:
        path.write_text(model)
    is_a_pi = board.is_a_pi
    monkeypatch.setattr(board, "is_a_pi", lambda: is_a_pi(path))
    for output in open_pins(OutputsSettings(led=LedSettings(pin=27))):
        output.close()
    assert open_pins(OutputsSettings()) == []
    assert len(caplog.messages) == told
    assert all("nothing real is switched" in line for line in caplog.messages)


def test_a_tone_that_goes_on_is_not_begun_anew(mock: MockFactory) -> None:
    class Wire(MockPWMPin):
        def _set_state(self, value: float) -> None:
            written.append(value)
            super()._set_state(value)

    written: list[float] = []
    mock.pin_class = Wire
    output = PinOutput(PinPlan("buzzer", 17, True, {Signal.ALERT: "steady"}, tone=2700.0))
    output.show(Signal.ALERT)
    output.beat(0.0)
    output.test(5.0)
    output.beat(1.0)
    assert written == [0, 0.5]


# -- what the settings make of it -----------------------------------------------------------------------------------

EVERYTHING = OutputsSettings(
    buzzer=BuzzerSettings(pin=17),
    led=LedSettings(pin=27),
    lamp=LampSettings(red=5, green=6, blue=13, pattern=Pattern(on=0.2, every=0.5)),
    relay=RelaySettings(pin=22, mutes=True),
)
W, M, A, F = Signal.WATCHING, Signal.MASKED, Signal.ALERT, Signal.FAULT


@pytest.mark.parametrize(
    ("signal", "muted", "expected"),
    [
        (None, False, {}),
        (W, False, {"lamp.green": "steady"}),
        (W, True, {"lamp.green": "steady", "lamp.blue": "steady"}),
        (M, False, {"lamp.green": "steady"}),
        (M, True, {"lamp.green": "steady", "lamp.blue": "steady"}),
        (A, False, {"buzzer": BEEPS, "led": "steady", "lamp.red": Pattern(on=0.2, every=0.5), "relay": "steady"}),
        (A, True, {"led": "steady", "lamp.red": Pattern(on=0.2, every=0.5), "lamp.blue": "steady"}),
        (F, False, {"led": FAULT, "lamp.red": FAULT}),
        (F, True, {"led": FAULT, "lamp.red": FAULT, "lamp.blue": "steady"}),
    ],
)
def test_what_plays_for_each_state(signal: Signal | None, muted: bool, expected: dict[str, object]) -> None:
    found = {plan.name: plan.play(signal, muted) for plan in plans(EVERYTHING)}
    assert {name: play for name, play in found.items() if play is not None} == expected


def test_a_relay_sounds_through_a_mute_unless_it_is_told_to_obey() -> None:
    (relay,) = plans(OutputsSettings(relay=RelaySettings(pin=22)))
    assert relay.play(A, muted=True) == "steady"


def door(pin: int, **settings: Any) -> PinPlan:
    (plan,) = plans(OutputsSettings(relay=RelaySettings(pin=pin, when="masked", **settings)))
    return plan


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("others", [[], [W], [A], [F], [A, F, W]])
def test_a_door_is_open_for_the_masked_alone(bench: Bench, active_high: bool, others: list[Signal]) -> None:
    output = PinOutput(door(bench.pin, active_high=active_high))
    levels = [bench.level(bench.pin) == active_high]
    for signal in (M, *others):
        after(output, 0.0, lambda signal=signal: output.show(signal))
        levels.append(bench.level(bench.pin) == active_high)
    assert levels == [False, True, *[False] * len(others)]
    after(output, 1.0, lambda: output.show(M))
    output.close()
    assert bench.function(bench.pin) == "input"


@pytest.mark.usefixtures("mock")
@pytest.mark.parametrize(("signal", "is_open"), [(None, False), (W, False), (M, True), (A, False), (F, False)])
def test_neither_mute_nor_the_test_button_moves_a_door(signal: Signal | None, is_open: bool) -> None:
    output = PinOutput(door(22))
    if signal:
        output.show(signal)
    moves: list[tuple[float, Callable[[], None]]] = [
        (0.0, lambda: None),
        (1.0, lambda: output.mute(until=20.0)),
        (2.0, lambda: output.test(until=5.0)),
        (6.0, lambda: output.mute(until=float("-inf"))),
        (7.0, lambda: output.test(until=9.0)),
        (10.0, lambda: None),
    ]
    for now, move in moves:
        after(output, now, move)
        assert output._pin.is_on is is_open


@pytest.mark.usefixtures("mock")
def test_a_door_pulses_once_for_who_comes_and_is_cut_short_by_somebody_bare() -> None:
    output = PinOutput(door(22, pattern=Pattern(on=3.0, every=3600.0)))
    output.show(M)
    assert played(output, 0.0, 60.0) == [(0.0, True), (3.0, False)]
    output.show(W)
    output.beat(60.0)
    output.show(M)
    assert played(output, 61.0, 62.0) == [(0.0, True)]
    output.show(A)
    output.beat(62.0)
    assert not output._pin.is_on


@pytest.mark.usefixtures("mock")
def test_a_door_does_not_count_as_an_alarm() -> None:
    door_alone = OutputsSettings(relay=RelaySettings(pin=22, when="masked"))
    assert not door_alone.tell_of_alarm
    assert not has_output(Settings(outputs=door_alone))
    assert not PinOutput(door(22)).shows_alerts
    assert not OutputsSettings().tell_of_alarm
    for alarm in ({"relay": RelaySettings(pin=22)}, {"led": LedSettings(pin=27)}, {"buzzer": BuzzerSettings(pin=17)}):
        assert OutputsSettings(**alarm).tell_of_alarm  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "tone"), [("active", None), ("passive", 2000.0)])
def test_only_a_passive_buzzer_has_a_tone(kind: Any, tone: float | None) -> None:
    (plan,) = plans(OutputsSettings(buzzer=BuzzerSettings(pin=17, kind=kind, tone=2000.0)))
    assert plan.tone == tone


def test_a_common_anode_turns_every_colour_round() -> None:
    lamp = plans(OutputsSettings(lamp=LampSettings(red=5, green=6, blue=13, active_high=False)))
    assert [(plan.setting, plan.active_high) for plan in lamp] == [
        (f"[outputs.lamp] {colour}", False) for colour in ("red", "green", "blue")
    ]


def test_pins_that_can_play_no_tone_say_how_to_mend_it() -> None:
    before, Device.pin_factory = Device.pin_factory, MockFactory()  # MockPin: no PWM
    with pytest.raises(OutputError, match=r"GPIO17 cannot play a tone; with mock pins set GPIOZERO_MOCK_PIN_CLASS"):
        PinOutput(replace(buzzer(17), tone=2700.0))
    Device.pin_factory.close()
    Device.pin_factory = before


def test_a_pin_that_another_program_holds_says_so(monkeypatch: pytest.MonkeyPatch, mock: MockFactory) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OSError("'GPIO busy'")

    monkeypatch.setattr(mock, "pin", busy)
    with pytest.raises(OutputError, match="another program holds it; is the daemon running"):
        PinOutput(led(27))
