"""Buzzer and LED: one GPIO pin each, through gpiozero.

GPIOZERO_PIN_FACTORY=mock puts gpiozero's own fake pins in their place; nothing here knows the difference.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from maskwatch.errors import OutputError
from maskwatch.flow import Alert

Show = Callable[[str, int, bool], None]  # name, BCM number, is it on


class PinOutput:
    """A pin that is on while the alert is on.

    Raises:
        OutputError: this machine has no pins, or the pin is in use.
    """

    def __init__(self, name: str, pin: int, active_high: bool = True, show: Show | None = None) -> None:
        """
        Args:
            name: for messages, e.g. buzzer.
            pin: BCM number.
            active_high: True when 3.3 V means on.
            show: told of each change, as read back from the pin.
        """
        self.name = name
        self._pin = pin
        self._show = show
        self._device: Any = _claim(name, pin, active_high)

    @property
    def is_on(self) -> bool:
        """What the pin itself says."""
        return bool(self._device.value)

    def switch(self, alert: Alert) -> None:
        self._set(alert.on)

    def close(self) -> None:
        """Off first, so that no floating pin sounds the buzzer; then an input, free for others."""
        if self._device.closed:
            return
        self._set(False)
        self._device.close()

    def _set(self, on: bool) -> None:
        before = self.is_on
        (self._device.on if on else self._device.off)()
        if self._show and self.is_on != before:
            self._show(self.name, self._pin, self.is_on)


def _claim(name: str, pin: int, active_high: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gpiozero warns of each back end it cannot use; we report
        from gpiozero import DigitalOutputDevice
        from gpiozero.exc import BadPinFactory, GPIOPinInUse

        try:
            return DigitalOutputDevice(pin, active_high=active_high, initial_value=False)
        except GPIOPinInUse as error:
            raise OutputError(f"{name}: GPIO{pin} is already in use; give [outputs.{name}] its own") from error
        except BadPinFactory as error:
            raise OutputError(f"{name}: GPIO{pin}: {_no_pins()}") from error
        except Exception as error:  # lgpio and the kernel raise kinds of their own; any of them means: no pin
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise OutputError(f"{name}: GPIO{pin} cannot be used ({reason}); {_no_pins()}") from error


def _no_pins() -> str:
    factory = os.environ.get("GPIOZERO_PIN_FACTORY", "any")
    return (
        f"no pins found on this machine (pin factory: {factory}); on a Pi install python3-lgpio and join the "
        "gpio group, elsewhere set GPIOZERO_PIN_FACTORY=mock or remove the [outputs] sections"
    )
