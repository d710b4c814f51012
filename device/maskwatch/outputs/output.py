"""What every output is: the messages it gets, and what it says of itself."""

from __future__ import annotations

import math

from maskwatch.flow import Alert, Signal


class Output:
    """One thing that follows the unit. Each message does nothing unless a subclass cares about it.

    Everything but the attributes is called on the output's own thread. Times are seconds of the clock given to Outputs.
    Each call must return within `worker.HUNG` seconds: what takes longer (a sound, a network) belongs on a thread or in
    a process of the output's own. A call that raises, or does not return in time, makes the output a failed one. It is
    asked again each second: it gets show, mute and test anew, then beat. A switch or fault that raised is lost.
    """

    name: str
    """For messages, e.g. `buzzer`."""
    tells: bool = False
    """Whether somebody at the door learns of an alert by it. The daemon ends when nothing that tells works."""
    vital: bool = True
    """Whether its failure is a fault of the unit."""

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""

    def show(self, signal: Signal) -> None:
        """Show this from now on."""

    def fault(self, reason: str | None, time: float) -> None:
        """The unit is at fault because of `reason`; None: no longer. `time`: seconds, as in Alert."""

    def mute(self, until: float) -> None:
        """Be silent until then; a time that has passed: sound again."""

    def test(self, until: float) -> None:
        """Play the alert until then, whatever else is shown."""

    def beat(self, now: float) -> float:  # noqa: ARG002
        """Do what is due now, e.g. the next edge of a pattern; called after each message and when it asked to be.

        It is also called every few seconds without being asked for, so that a driver that fails is noticed before an
        alert needs it.

        Returns:
            Seconds after which it wants to be called again; infinity: not before the next message.
        """
        return math.inf

    def close(self) -> None:
        """Switch off and give back what is held; a second call does nothing. May be called on another thread."""
