"""A press queues and returns: mute toggles and ends by itself, test plays the alert, on gpiozero's mock pins."""

import logging
from collections.abc import Callable, Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from maskwatch.config import ButtonSettings, ButtonsSettings, MuteSettings
from maskwatch.daemon.buttons import MANY, QUIET, TEST_LASTS, Buttons, Contact, press
from maskwatch.daemon.buttons import WITHIN as MANY_IN
from maskwatch.errors import OutputError
from maskwatch.outputs import Output, Outputs

BOTH = ButtonsSettings(mute=MuteSettings(pin=23, lasts=300.0), test=ButtonSettings(pin=24))


class Ear(Output):
    """Remembers what it was told."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    def mute(self, until: float) -> None:
        self.heard.append(("mute", until))

    def test(self, until: float) -> None:
        self.heard.append(("test", until))


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


def push(pins: MockFactory, number: int, pull_up: bool = True) -> None:
    """Press and let go."""
    pin = pins.pin(number)
    for move in (pin.drive_low, pin.drive_high) if pull_up else (pin.drive_high, pin.drive_low):
        move()


@pytest.mark.parametrize("pull_up", [True, False])
def test_mute_toggles_and_after_its_end_a_press_mutes_again(pins: MockFactory, pull_up: bool) -> None:
    now, ear = [100.0], Ear()
    outputs = Outputs([ear], clock=lambda: now[0])
    settings = ButtonsSettings(mute=MuteSettings(pin=23, pull_up=pull_up, lasts=300.0))
    buttons = Buttons(settings, outputs)
    assert pins.pin(23).pull == ("up" if pull_up else "down")
    for moment in (100.0, 150.0, 200.0, 500.0):  # mute, sound, mute until 500, mute again
        now[0] = moment
        push(pins, 23, pull_up)
    buttons.close()
    outputs.close()
    assert ear.heard == [("mute", 400.0), ("mute", float("-inf")), ("mute", 500.0), ("mute", 800.0)]


def test_the_test_button_plays_the_alert_for_a_while_once_a_press(pins: MockFactory) -> None:
    ear = Ear()
    outputs = Outputs([ear], clock=lambda: 10.0)
    buttons = Buttons(BOTH, outputs)
    push(pins, 24)
    push(pins, 24)
    buttons.close()
    outputs.close()
    assert ear.heard == [("test", 10.0 + TEST_LASTS)] * 2


def test_closed_buttons_do_nothing_and_free_their_pins(pins: MockFactory) -> None:
    ear = Ear()
    outputs = Outputs([ear])
    buttons = Buttons(BOTH, outputs)
    buttons.close()
    buttons.close()
    push(pins, 23)
    outputs.close()
    assert ear.heard == []
    Buttons(BOTH, outputs).close()


def test_a_loose_mute_wire_is_ignored_and_the_sound_comes_back(
    pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    now, ear = [100.0], Ear()
    outputs = Outputs([ear], clock=lambda: now[0])
    buttons = Buttons(BOTH, outputs, clock=lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for moment in range(200):  # a press a second, for minutes
            now[0] = 100.0 + moment
            push(pins, 23)
    assert not outputs.muted
    (line,) = caplog.messages
    assert line.startswith("mute button: 10 presses within 9 s: is a wire loose?")
    now[0] += QUIET - 0.1
    push(pins, 23)
    assert not outputs.muted
    now[0] += QUIET
    push(pins, 23)
    assert outputs.muted  # it is mended
    buttons.close()
    outputs.close()


def test_a_loose_test_wire_does_not_play_the_alert_all_night(pins: MockFactory) -> None:
    now, ear = [0.0], Ear()
    outputs = Outputs([ear], clock=lambda: now[0])
    buttons = Buttons(BOTH, outputs, clock=lambda: now[0])
    for moment in range(8 * 3600):
        now[0] = float(moment)
        push(pins, 24)
    buttons.close()
    outputs.close()
    assert max(until for _, until in ear.heard) < 30


@pytest.mark.parametrize("pause", [MANY_IN / (MANY - 1) + 0.1, 60.0, 3600.0])
def test_a_hand_that_presses_now_and_then_is_always_heeded(pause: float) -> None:
    contact = Contact("mute")
    assert all(contact.pressed(number * pause) for number in range(100))


def test_a_button_that_is_held_mutes_once_and_no_longer_than_it_lasts(pins: MockFactory) -> None:
    now, ear = [0.0], Ear()
    outputs = Outputs([ear], clock=lambda: now[0])
    buttons = Buttons(BOTH, outputs, clock=lambda: now[0])
    pins.pin(23).drive_low()  # and never let go
    muted = []
    for hour in (0.0, 0.08, 0.09, 5.0, 100.0):
        now[0] = hour * 3600
        muted.append(outputs.muted)
    buttons.close()
    outputs.close()
    assert muted == [True, True, False, False, False]
    assert ear.heard == [("mute", 300.0)]


@pytest.mark.parametrize("stuck", [False, True])
def test_a_button_that_is_stuck_at_the_start_is_told_and_mutes_nothing(
    pins: MockFactory, caplog: pytest.LogCaptureFixture, stuck: bool
) -> None:
    pin = pins.pin(23)

    def pulled(pull: str, set_pull: Callable[[str], None] = pin._set_pull) -> None:
        set_pull(pull)
        if stuck:
            pin.drive_low()  # a wire is stronger than the resistor

    pin._set_pull = pulled
    ear = Ear()
    outputs = Outputs([ear])
    buttons = Buttons(BOTH, outputs)
    buttons.close()
    outputs.close()
    assert ear.heard == []
    told = ["mute button: GPIO23 is pressed at the start; is it stuck, or wired wrong?"] if stuck else []
    assert caplog.messages == told


def test_a_press_that_fails_does_not_end_the_thread_that_serves_all_buttons(
    pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    presses = []

    def do() -> None:
        presses.append(len(presses))
        if len(presses) == 1:
            raise RuntimeError("of all things")

    button = press("test", ButtonSettings(pin=24), do)
    push(pins, 24)  # raises here if it did in lgpio's thread
    push(pins, 24)
    button.close()
    assert presses == [0, 1]
    assert "test button: a press failed" in caplog.text


def test_a_press_after_the_end_does_nothing(pins: MockFactory) -> None:
    ear = Ear()
    outputs = Outputs([ear])
    buttons = Buttons(BOTH, outputs)
    outputs.close()
    push(pins, 23)
    push(pins, 24)
    buttons.close()
    assert ear.heard == []


@pytest.mark.usefixtures("pins")
def test_a_pin_that_tells_of_no_edges_is_refused_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    with monkeypatch.context() as broken:
        broken.setattr("gpiozero.Button.when_pressed", property(lambda _: None, refuse))
        with pytest.raises(OutputError, match=r"test button: GPIO24 cannot be used .* another program holds it"):
            press("test", ButtonSettings(pin=24), lambda: None)
    press("test", ButtonSettings(pin=24), lambda: None).close()


def test_no_section_no_button(pins: MockFactory) -> None:
    Buttons(ButtonsSettings(), Outputs([])).close()
    assert pins.pins == {}


def test_a_button_that_cannot_be_had_gives_the_other_back(pins: MockFactory) -> None:
    held = Buttons(ButtonsSettings(test=BOTH.test), Outputs([]))
    with pytest.raises(OutputError, match=r"test button: GPIO24 is already in use; give \[buttons.test\] another pin"):
        Buttons(BOTH, Outputs([]))
    Buttons(ButtonsSettings(mute=BOTH.mute), Outputs([])).close()
    assert pins.pin(23).function == "input"
    held.close()
