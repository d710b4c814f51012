"""Outputs that report their health, and a clock that a test advances."""

import threading
from collections.abc import Callable

from colour_door import Reel
from defaults import unit

from maskwatch.daemon import loop
from maskwatch.daemon.systemd import Notifier
from maskwatch.flow import Signal
from maskwatch.outputs import Output


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Part(Output):
    """An output whose every call does what `act` says; it remembers what it should show."""

    shows_alerts = True

    def __init__(self, name: str = "buzzer", act: Callable[[], object] = lambda: None) -> None:
        self.name, self.act = name, act
        self.shown: list[Signal] = []
        self.faults: list[str | None] = []
        self.beats = self.closed = self.calls = 0

    def show(self, signal: Signal) -> None:
        self.calls += 1
        self.act()
        self.shown.append(signal)

    def fault(self, reason: str | None, time: float) -> None:  # noqa: ARG002
        self.faults.append(reason)

    def beat(self, now: float) -> float:
        self.beats += 1
        self.calls += 1
        self.act()
        return super().beat(now)

    def close(self) -> None:
        self.closed += 1


class Told(Notifier):
    def __init__(self) -> None:
        super().__init__("nowhere")
        self.told: list[str] = []

    def _send(self, text: str) -> bool:
        self.told.append(text)
        return True


def watched(reel: Reel, *outputs: Output) -> list[str]:
    """What systemd was told by a daemon with these outputs."""
    told = Told()
    loop.run(unit(reel, outputs), threading.Event(), notifier=told)
    return told.told
