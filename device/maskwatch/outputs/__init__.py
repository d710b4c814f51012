"""The unit's outputs, one file for each kind. None can block the loop, and a failing one does not stop the others."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

from maskwatch.errors import OutputError
from maskwatch.flow import Alert, Signal
from maskwatch.outputs.output import Output
from maskwatch.outputs.worker import Message, OutputThread

__all__ = ["Output", "Outputs"]

logger = logging.getLogger(__name__)
CLOSE_WITHIN = 0.5  # seconds that all outputs together may take to finish; then they are closed by force
FORCE_WITHIN = 0.4  # seconds for closing by force, so that all pins are off within a second


class Outputs:
    """Passes each message to every output, in order and on a thread for each output, and knows which of them work.

    All methods except close() return at once.
    """

    def __init__(
        self, outputs: Sequence[Output], clock: Callable[[], float] = time.monotonic, give_up: float = 0.0
    ) -> None:
        """
        Args:
            outputs: closed by this object.
            clock: seconds, for patterns, mute, test and health.
            give_up: seconds without a working output that shows alerts, see check; 0: no limit.
        """
        self._clock = clock
        self.give_up = give_up
        self._muted_until = -math.inf
        self._threads = [OutputThread(output, clock) for output in outputs]
        self._troubles: dict[OutputThread, tuple[float, str]] = {}  # since when in seconds, and the reason
        self._deaf_since: float | None = None  # seconds, since when no output that shows alerts works

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""
        self._tell(lambda output: output.switch(alert))

    def show(self, signal: Signal) -> None:
        """Show this signal from now on."""
        self._tell(lambda output: output.show(signal), "show")

    def fault(self, reason: str | None, time: float) -> None:
        """The unit has a fault since `time` (seconds) because of `reason`; None: the fault is over."""
        self._tell(lambda output: output.fault(reason, time))

    @property
    def muted(self) -> bool:
        """Whether the outputs are muted now."""
        return self._clock() < self._muted_until

    def mute(self, on: bool, lasts: float = math.inf) -> None:
        """Mute for `lasts` seconds, or unmute. Lights are not affected."""
        until = self._muted_until = self._clock() + lasts if on else -math.inf
        self._tell(lambda output: output.mute(until), "mute")

    def test(self, lasts: float) -> None:
        """Play the alert for `lasts` seconds, also while muted. A real alert goes on after that."""
        until = self._clock() + lasts
        self._tell(lambda output: output.test(until), "test")

    def check(self) -> str | None:
        """Why outputs make the unit faulty; None: all vital ones work. The loop asks at every turn.

        An output that fails, hangs, or whose thread died is logged once, and once more when it works again.

        Raises:
            OutputError: no output that shows alerts worked for `give_up` seconds.
        """
        now = self._clock()
        for thread in self._threads:
            trouble = thread.trouble(now)
            if trouble is not None or self._troubles:
                self._note(thread, trouble, now)
        if not self._troubles:
            self._deaf_since = None
            return None
        self._give_up(now)
        vital = [(thread.output.name, why) for thread, (_, why) in self._troubles.items() if thread.output.vital]
        return "; ".join(f"output {name} failed: {why}" for name, why in vital) or None

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Let every output process its queue, then close it. A second call does nothing.

        Args:
            within: seconds after which outputs that hang are closed by force, which takes FORCE_WITHIN at most.
        """
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.end()
        deadline = time.monotonic() + within
        stuck = [thread for thread in threads if not thread.join(max(0.0, deadline - time.monotonic()))]
        closers = [(thread, thread.force()) for thread in stuck]
        deadline = time.monotonic() + FORCE_WITHIN
        for thread, closer in closers:
            if closer.ident is not None:  # it was started
                closer.join(max(0.0, deadline - time.monotonic()))
            if closer.is_alive() or closer.ident is None:
                logger.error("output %s hangs and cannot be closed", thread.output.name)
        for thread in threads:
            self._note(thread, thread.trouble(self._clock()), self._clock())

    def _note(self, thread: OutputThread, trouble: str | None, now: float) -> None:
        """Log when an output starts to fail, and when it works again."""
        name, known = thread.output.name, self._troubles.get(thread)
        if trouble is not None and known is None:
            logger.error("output %s failed: %s; the others go on", name, trouble)
            self._troubles[thread] = now, trouble
        elif trouble is None and known is not None:
            lost, thread.lost = f"; {thread.lost} messages were lost" if thread.lost else "", 0
            logger.warning("output %s works again, after %.0f s%s", name, now - known[0], lost)
            del self._troubles[thread]

    def _give_up(self, now: float) -> None:
        alerting = [thread for thread in self._threads if thread.output.shows_alerts]
        reasons = [(thread.output.name, why) for thread in alerting if (why := thread.failing(now)) is not None]
        if not alerting or len(reasons) < len(alerting):
            self._deaf_since = None
            return
        if self._deaf_since is None:
            self._deaf_since = now
        if 0 < self.give_up <= now - self._deaf_since:
            listed = ", ".join(f"{name}: {why}" for name, why in reasons)
            raise OutputError(f"no output could tell of an alert for {self.give_up:g} s ({listed}); look at its wiring")

    def _tell(self, message: Message, state: str = "") -> None:
        for thread in self._threads:
            thread.tell(message, state)
