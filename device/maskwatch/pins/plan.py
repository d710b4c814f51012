"""What each pin does, from the settings. The daemon, check, test-alert and the wiring drawings all use this data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from maskwatch.config import LampSettings, OutputsSettings, Pattern, RelaySettings
from maskwatch.flow import Signal
from maskwatch.pins.pattern import Play

FAULT = Pattern(on=0.5, every=2.0)
"""The slow blink: easily distinguished from an alert, and within two seconds from a dead unit."""


class Muted(Enum):
    """What a pin does while the unit is muted."""

    PLAYS_ON = "plays on"
    SILENT = "silent"
    LIT = "lit"


@dataclass(frozen=True, slots=True)
class PinPlan:
    """One output pin, for every state of the unit."""

    name: str  # from the config: buzzer, led, relay, lamp.red …
    pin: int  # BCM number
    active_high: bool  # True when 3.3 V means on
    plays: Mapping[Signal, Play]  # it is off for signals that are missing here
    muted: Muted = Muted.PLAYS_ON
    tone: float | None = None  # hertz, for a passive buzzer; None: a steady level is enough
    tested: bool = True  # whether the test button affects it; a door must not move in a test

    @property
    def setting(self) -> str:
        """The setting that names the pin, e.g. `[outputs.led]` or `[outputs.lamp] red`."""
        section, _, key = self.name.partition(".")
        return f"[outputs.{section}] {key}".rstrip()

    def play(self, signal: Signal | None, muted: bool) -> Play | None:
        """What it plays; None: it is off.

        Args:
            signal: shown by the unit; None: no signal yet.
            muted: whether the unit is muted.
        """
        if muted and self.muted is not Muted.PLAYS_ON:
            return "steady" if self.muted is Muted.LIT else None
        return None if signal is None else self.plays.get(signal)


def plans(settings: OutputsSettings) -> list[PinPlan]:
    """Every output pin the settings name."""
    found = []
    if buzzer := settings.buzzer:
        tone = buzzer.tone if buzzer.kind == "passive" else None
        alert = {Signal.ALERT: buzzer.pattern}
        found.append(PinPlan("buzzer", buzzer.pin, buzzer.active_high, alert, Muted.SILENT, tone))
    if led := settings.led:  # it may be the only light, so it shows faults too
        found.append(PinPlan("led", led.pin, led.active_high, {Signal.ALERT: led.pattern, Signal.FAULT: FAULT}))
    if lamp := settings.lamp:
        found += _lamp(lamp)
    if relay := settings.relay:
        found.append(_relay(relay))
    return found


def _relay(relay: RelaySettings) -> PinPlan:
    """With when = "masked" it is off in all other states: at the start, nobody there, somebody bare, a fault."""
    signal = Signal.MASKED if relay.when == "masked" else Signal.ALERT
    muted = Muted.SILENT if relay.mutes else Muted.PLAYS_ON
    plays = {signal: relay.pattern}
    return PinPlan("relay", relay.pin, relay.active_high, plays, muted, tested=signal is Signal.ALERT)


def _lamp(lamp: LampSettings) -> list[PinPlan]:
    red = {Signal.ALERT: lamp.pattern, Signal.FAULT: FAULT}
    colours = [
        PinPlan("lamp.red", lamp.red, lamp.active_high, red),
        PinPlan("lamp.green", lamp.green, lamp.active_high, dict.fromkeys((Signal.WATCHING, Signal.MASKED), "steady")),
    ]
    if lamp.blue is not None:
        colours.append(PinPlan("lamp.blue", lamp.blue, lamp.active_high, {}, Muted.LIT))
    return colours
