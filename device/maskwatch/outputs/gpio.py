"""Buzzer, lamps and relay: GPIO pins through gpiozero, each with its pattern.

With GPIOZERO_PIN_FACTORY=mock, gpiozero uses its fake pins; this code is the same for both.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from maskwatch.config import OutputsSettings
from maskwatch.errors import OutputError
from maskwatch.flow import Signal
from maskwatch.outputs import Output
from maskwatch.pins import board
from maskwatch.pins.claim import are_mock, claim
from maskwatch.pins.pattern import Play, level, next_edge
from maskwatch.pins.plan import PinPlan, plans

logger = logging.getLogger(__name__)
Show = Callable[[str, int, bool], None]  # name, BCM number, is it on
SETTLES = 1e-3  # seconds until the level is stable; 100 nF at the pin's 50 Ω are charged in a fortieth of it
HALF = 0.5  # duty cycle of a tone: a square wave is the loudest


class Pin:
    """A claimed output pin; off at first.

    Raises:
        OutputError: this machine has no pins, the pin is in use, or it cannot play a tone.
    """

    def __init__(self, plan: PinPlan, show: Show | None = None) -> None:
        """
        Args:
            plan: name, BCM number and polarity. If it has a tone, on means that tone.
            show: called at each change, with the state read back from the pin.
        """
        self._plan, self._show = plan, show
        self._device: Any = claim(plan.name, plan.pin, plan.setting, self._make)

    def _make(self, gpiozero: Any) -> Any:
        plan = self._plan
        if plan.tone is None:
            return gpiozero.DigitalOutputDevice(plan.pin, active_high=plan.active_high, initial_value=False)
        return gpiozero.PWMOutputDevice(plan.pin, active_high=plan.active_high, frequency=plan.tone)

    @property
    def is_on(self) -> bool:
        """The state read back from the pin."""
        return bool(self._device.value)

    def set(self, on: bool) -> None:
        """Switch on or off. Always write off, even if the pin reads off. Do not rewrite on: it would restart the tone.

        Raises:
            OutputError: the pin reads another level than was written. This is not checked during a tone.
        """
        before = self.is_on
        if on and before:
            return
        self._device.value = (1 if self._plan.tone is None else HALF) if on else 0
        follows = self._reads(on)
        if self.is_on != before:
            self._tell()
        if not follows:
            written, read = ("on", "off") if on else ("off", "on")
            pin = f"GPIO{self._plan.pin} was switched {written} and reads {read}"
            raise OutputError(f"{pin}; is it shorted, or does something else drive it?")

    def _tell(self) -> None:
        """Show the change. If the reader has gone (`run --show-pins | head`), stop showing; the pin itself works."""
        if self._show is None:
            return
        try:
            self._show(self._plan.name, self._plan.pin, self.is_on)
        except Exception as error:
            logger.warning(
                "%s: its changes are not shown any more: %s: %s", self._plan.name, type(error).__name__, error
            )
            self._show = None

    def _reads(self, on: bool) -> bool:
        """Whether the pin reads `on`, after a moment for the level to settle."""
        if self.is_on != on:
            time.sleep(SETTLES)
        return self.is_on == on

    def close(self) -> None:
        """Switch off first, because a floating pin may sound the buzzer; then release the pin as an input."""
        if self._device.closed:
            return
        try:
            self.set(False)
        finally:
            self._device.close()


class PinOutput(Output):
    """A pin that plays what its plan defines for the current signal.

    Raises:
        OutputError: see Pin.
    """

    def __init__(self, plan: PinPlan, show: Show | None = None) -> None:
        self.name = plan.name
        self.shows_alerts = Signal.ALERT in plan.plays
        self._plan = plan
        self._pin = Pin(plan, show)
        self._signal: Signal | None = None
        self._muted_until = self._test_until = -math.inf
        self._playing: Play | None = None
        self._since = 0.0  # seconds, when `_playing` began

    def show(self, signal: Signal) -> None:
        self._signal = signal

    def mute(self, until: float) -> None:
        self._muted_until = until

    def test(self, until: float) -> None:
        self._test_until = until

    def beat(self, now: float) -> float:
        play = self._wanted(now)
        if play != self._playing:  # the same pattern goes on without a restart, e.g. when a test ends in an alert
            self._playing, self._since = play, now
        elapsed = now - self._since
        self._pin.set(play is not None and level(play, elapsed))
        edge = math.inf if play is None else next_edge(play, elapsed)
        ends = [until - now for until in (self._muted_until, self._test_until) if until > now]
        return min([edge, *ends])

    def close(self) -> None:
        self._pin.close()

    def _wanted(self, now: float) -> Play | None:
        if now < self._test_until and self._plan.tested:
            return self._plan.play(Signal.ALERT, muted=False)
        return self._plan.play(self._signal, muted=now < self._muted_until)


def open_pins(settings: OutputsSettings, show: Show | None = None) -> list[PinOutput]:
    """Claim every output pin that the settings name; if one fails, the others are released.

    Args:
        settings: [outputs].
        show: called at each change of a pin.

    Raises:
        OutputError: a pin cannot be used.
    """
    with contextlib.ExitStack() as opened:
        outputs = []
        for plan in plans(settings):
            outputs.append(PinOutput(plan, show))
            opened.callback(outputs[-1].close)
        opened.pop_all()
    if outputs and are_mock() and board.is_a_pi():
        logger.warning("pins: GPIOZERO_PIN_FACTORY=mock: nothing real is switched, and no alert is heard or seen")
    return outputs
