"""What the unit reports about itself: its fault, the signal it shows, and its line in `systemctl status`."""

from __future__ import annotations

import time
from collections.abc import Callable

from maskwatch.daemon.systemd import Notifier
from maskwatch.flow import Signal
from maskwatch.outputs import Outputs

STATUS_EVERY = 10.0  # seconds between two status lines while nothing is wrong


class UnitState:
    """Tells the outputs and systemd what changed.

    A unit that cannot see always shows its fault, because it must not seem to watch. If an output fails, the unit shows
    a fault too, except in an alert, which the working outputs must show.
    """

    def __init__(self, outputs: Outputs, notifier: Notifier, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            outputs: get each fault and signal.
            notifier: reports to systemd.
            clock: seconds, monotonic, for the rate of frames.
        """
        self._outputs, self._notifier, self._clock = outputs, notifier, clock
        self._blind: str | None = None
        self._fault: str | None = None  # why it is blind, and which outputs fail
        self._signal: Signal | None = None
        self._shown: Signal | None = None
        self._looked = 0  # frames processed since the last status line
        self._told = clock()  # seconds, when that line was sent

    def begin(self) -> None:
        """The watch begins."""
        self._notifier.ready()
        self._notifier.status("watching")

    def faults(self, blind: str | None, broken: str | None, time: float) -> None:
        """Report what is wrong now.

        Args:
            blind: why the unit cannot see; None: it sees.
            broken: which outputs fail, and why; None: all work.
            time: seconds, of the newest frame.
        """
        self._blind = blind
        fault = "; ".join(filter(None, (blind, broken))) or None
        if fault != self._fault:
            self._fault = fault
            self._outputs.fault(fault, time)
            self._notifier.status(fault or "watching")
            self._show()
        self._say_rate()

    def signal(self, signal: Signal) -> None:
        """Set what to show while there is no fault; called after each processed frame."""
        self._signal = signal
        self._looked += 1
        self._show()

    def _show(self) -> None:
        alone = self._blind is None and self._signal is Signal.ALERT
        signal = Signal.FAULT if self._fault and not alone else self._signal
        if signal is not None and signal is not self._shown:
            self._outputs.show(signal)
            self._shown = signal

    def _say_rate(self) -> None:
        now = self._clock()
        if now - self._told < STATUS_EVERY:
            return
        if self._fault is None:
            self._notifier.status(f"watching, {self._looked / (now - self._told):.1f} fps")
        self._looked, self._told = 0, now
