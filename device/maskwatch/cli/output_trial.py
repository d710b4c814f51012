"""`maskwatch test-alert` and `pins-off`: plays each output in turn, or switches all pins off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from maskwatch.config import OutputsSettings
from maskwatch.errors import OutputError
from maskwatch.flow import Signal
from maskwatch.outputs.gpio import Pin
from maskwatch.pins.pattern import Play, level, next_edge, row
from maskwatch.pins.plan import Muted, PinPlan, plans
from maskwatch.system.libraries import reason_of

LASTS = 2.0  # seconds for each output
LONGEST = 10.0  # seconds at most, if one row of a slow pattern takes longer
PAUSE = 0.5  # seconds between two outputs, so that they can be distinguished
NUMBERS = ("no", "one", "two", "three", "four", "five")
PULSES = {"buzzer": ("beep", "beeps"), "relay": ("click of the relay", "clicks of the relay")}  # lights flash
SHORT, LONG = 0.2, 1.0  # seconds; a pulse up to SHORT is called short, from LONG on long


def play_each(
    settings: OutputsSettings, say: Callable[[str], None], wait: Callable[[float], object], door: bool = False
) -> int:
    """Play every pin in turn, then the sound, with all others off. At the end all is off, also if `wait` raises.

    Args:
        settings: [outputs].
        say: called before each output, with what should be heard or seen.
        wait: sleeps for the given seconds.
        door: whether a relay for masked people is played too; otherwise it is only named.

    Returns:
        The number of outputs.

    Raises:
        OutputError: a pin cannot be used, before anything is played; or a pin fails while it plays.
    """
    with contextlib.ExitStack() as opened:
        pins = []
        for plan in plans(settings):
            pins.append((plan, Pin(plan)))
            opened.callback(_let_go, *pins[-1])
        for plan, pin in pins:
            if not (plan.tested or door):
                say(f"{plan.name} GPIO{plan.pin}: not played: it opens a door for masked people; --door plays it")
                continue
            for when, play in plays(plan):
                say(f"{plan.name} GPIO{plan.pin}: {words(plan, play)} ({when})")
                try:
                    _play(pin, play, wait)
                except Exception as error:  # from a driver
                    raise OutputError(
                        f"{plan.name}: GPIO{plan.pin} failed while it played ({reason_of(error)})"
                    ) from error
                wait(PAUSE)
    if settings.sound:
        from maskwatch.outputs import sound  # imports numpy and more, which pins-off does not need

        sound.play_once(settings.sound, say, wait)
    return len(pins) + (settings.sound is not None)


def switch_off(pins: Iterable[PinPlan]) -> Iterator[str]:
    """Drive every pin to its inactive level and release it; yields a line for each pin that cannot be claimed."""
    for plan in pins:
        try:
            _let_go(plan, Pin(plan))
        except OutputError as error:  # the next pin must still be switched off
            yield str(error)


def _let_go(plan: PinPlan, pin: Pin) -> None:
    try:
        pin.close()
    except Exception as error:  # of a driver
        raise OutputError(f"{plan.name}: GPIO{plan.pin} cannot be switched off ({reason_of(error)})") from error


def plays(plan: PinPlan) -> list[tuple[str, Play]]:
    """Everything that the pin plays, with the state of the unit in which it plays it."""
    muted: list[tuple[str, Play]] = [("muted", "steady")] if plan.muted is Muted.LIT else []
    occasions: dict[Play, str] = {}  # the same pattern in two states is played once
    for signal in Signal:
        if signal in plan.plays:
            occasions.setdefault(plan.plays[signal], signal.value)
    return [(when, play) for play, when in occasions.items()] + muted


def words(plan: PinPlan, play: Play) -> str:
    """What should be heard or seen, e.g. `two short beeps each second`."""
    kind, _, colour = plan.name.partition(".")
    if play == "steady":
        return _steady(kind, f"{colour} light".strip(), plan.tone)
    one, more = PULSES.get(kind, ("flash", "flashes"))
    number = NUMBERS[play.times] if play.times < len(NUMBERS) else str(play.times)
    length = "short" if play.on <= SHORT else "long" if play.on >= LONG else ""
    each = "second" if play.every == 1 else f"{play.every:g} s"
    return " ".join(filter(None, (number, length, colour, one if play.times == 1 else more, "each", each)))


def _steady(kind: str, light: str, tone: float | None) -> str:
    if kind == "buzzer":
        return f"a steady tone of {tone:g} Hz" if tone else "a steady sound"
    return "a click, and the relay stays on" if kind == "relay" else f"a steady {light}"


def _play(pin: Pin, play: Play, wait: Callable[[float], object]) -> None:
    lasts = LASTS if play == "steady" else min(max(LASTS, row(play)), LONGEST)
    elapsed = 0.0
    while elapsed < lasts:
        pin.set(level(play, elapsed))
        step = min(next_edge(play, elapsed), lasts - elapsed)
        wait(step)
        elapsed += step
    pin.set(False)
