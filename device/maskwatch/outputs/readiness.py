"""`maskwatch show`: shows by lamp and buzzer whether the unit is ready, after first boot or an update."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from maskwatch.config import OutputsSettings
from maskwatch.outputs.gpio import Pin
from maskwatch.pins.pattern import level, next_edge
from maskwatch.pins.plan import FAULT, plans

BEEPS = (0.15, 0.15, 0.15)  # seconds on, off, on
LIGHTS, SOUNDS = ("led", "lamp.green"), ("buzzer",)
FAULT_LIGHTS = ("led", "lamp.red")


def ready(settings: OutputsSettings, wait: Callable[[float], object]) -> str:
    """Two beeps with two flashes. A relay is not switched, because it may open a door or sound a siren.

    Args:
        settings: [outputs].
        wait: sleeps for the given seconds.

    Returns:
        What was played, for the command's output.

    Raises:
        OutputError: a pin cannot be used.
    """
    with _claimed(settings, (*LIGHTS, *SOUNDS)) as pins:
        for turn, lasts in enumerate(BEEPS):
            for pin in pins.values():
                pin.set(turn % 2 == 0)
            wait(lasts)
        return _told(pins, "two beeps")


def trouble(settings: OutputsSettings, lasts: float, wait: Callable[[float], object]) -> str:
    """The slow blink of a fault on the lights; on the buzzer if there is no light.

    Args:
        settings: [outputs].
        lasts: seconds.
        wait: sleeps for the given seconds.

    Returns:
        What was played, for the command's output.

    Raises:
        OutputError: a pin cannot be used.
    """
    names = [plan.name for plan in plans(settings)]
    lights = [name for name in FAULT_LIGHTS if name in names]
    with _claimed(settings, tuple(lights) or SOUNDS) as pins:
        elapsed = 0.0
        while elapsed < lasts:
            for pin in pins.values():
                pin.set(level(FAULT, elapsed))
            step = min(next_edge(FAULT, elapsed), lasts - elapsed)
            wait(step)
            elapsed += step
        return _told(pins, "slow blink")


@contextlib.contextmanager
def _claimed(settings: OutputsSettings, names: tuple[str, ...]) -> Iterator[dict[str, Pin]]:
    """Claim the pins with these names; at the end all are switched off and released."""
    with contextlib.ExitStack() as opened:
        found = {}
        for plan in plans(settings):
            if plan.name in names:
                found[plan.name] = Pin(plan)
                opened.callback(found[plan.name].close)
        yield found


def _told(pins: dict[str, Pin], what: str) -> str:
    return f"{what}: {', '.join(pins)}" if pins else "no lamp and no buzzer in the config"
