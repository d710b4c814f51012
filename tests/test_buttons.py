"""A press queues and returns: mute toggles and ends by itself, test plays the alert, on gpiozero's mock pins."""

from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from maskwatch.buttons import TEST_LASTS, Buttons
from maskwatch.config import ButtonSettings, ButtonsSettings, MuteSettings
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


def test_no_section_no_button(pins: MockFactory) -> None:
    Buttons(ButtonsSettings(), Outputs([])).close()
    assert pins.pins == {}


def test_a_button_that_cannot_be_had_gives_the_other_back(pins: MockFactory) -> None:
    held = Buttons(ButtonsSettings(test=BOTH.test), Outputs([]))
    with pytest.raises(OutputError, match=r"test button: GPIO24 is already in use; give \[buttons.test\] its own"):
        Buttons(BOTH, Outputs([]))
    Buttons(ButtonsSettings(mute=BOTH.mute), Outputs([])).close()
    assert pins.pin(23).function == "input"
    held.close()
