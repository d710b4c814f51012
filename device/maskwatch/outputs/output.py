"""The base of every output: the messages that it gets, and its properties."""

from __future__ import annotations

import math

from maskwatch.flow import Alert, Signal


class Output:
    """An output of the unit. Each message does nothing unless a subclass overrides it.

    All methods are called on a thread of this output. Times are seconds of the clock given to Outputs. Each call must
    return within `worker.HUNG` seconds: longer work (a sound, a network) needs a thread or process that the output
    itself starts. If a call raises or does not return in time, the output counts as failed. It is then tried again each
    second: it gets show, mute and test again, then beat. A switch or fault whose call raised is lost.
    """

    name: str
    """For messages, e.g. `buzzer`."""
    shows_alerts: bool = False
    """Whether people at the door notice an alert by it. The daemon ends if no such output works."""
    vital: bool = True
    """Whether its failure counts as a fault of the unit."""

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""

    def show(self, signal: Signal) -> None:
        """Show this signal from now on."""

    def fault(self, reason: str | None, time: float) -> None:
        """The unit has a fault because of `reason`; None: it is over. `time`: seconds, as in Alert."""

    def mute(self, until: float) -> None:
        """Be silent until this time, in seconds; a past time: sound again."""

    def test(self, until: float) -> None:
        """Play the alert until this time, in seconds, whatever the signal is."""

    def beat(self, now: float) -> float:  # noqa: ARG002
        """Do what is due at `now` (seconds), e.g. the next edge of a pattern. Called after each message, and after the
        time that the last call returned.

        It is also called every few seconds in any case, so that a failing driver is noticed before an alert needs it.

        Returns:
            Seconds after which it must be called again; infinity: not before the next message.
        """
        return math.inf

    def close(self) -> None:
        """Switch off and release everything; a second call does nothing. May be called on another thread."""
