"""What the unit says and shows, one file a kind. None can hold up the loop, and one that fails stops no other."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

from maskwatch.errors import OutputError
from maskwatch.flow import Alert, Signal
from maskwatch.outputs.line import Line, Message
from maskwatch.outputs.output import Output

__all__ = ["Output", "Outputs"]

logger = logging.getLogger(__name__)
CLOSE_WITHIN = 0.5  # seconds outputs are waited for at the end, all of them together; then they are closed all the same
FORCE_WITHIN = 0.4  # seconds that may take: pins are off within a second


class Outputs:
    """Hands each message to every output, each on its own thread, in order, and knows which of them work.

    Every method but close only queues, or looks.
    """

    def __init__(
        self, outputs: Sequence[Output], clock: Callable[[], float] = time.monotonic, give_up: float = 0.0
    ) -> None:
        """
        Args:
            outputs: theirs to close from now on.
            clock: seconds, for patterns, mute, test and health.
            give_up: seconds without any output that can tell of an alert, see check; 0: for ever.
        """
        self._clock = clock
        self.give_up = give_up
        self._muted_until = -math.inf
        self._lines = [Line(output, clock) for output in outputs]
        self._troubles: dict[Line, tuple[float, str]] = {}  # since when, seconds, and why
        self._deaf_since: float | None = None  # seconds, since when nothing that tells works

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""
        self._tell(lambda output: output.switch(alert))

    def show(self, signal: Signal) -> None:
        """What the unit shows of itself from now on."""
        self._tell(lambda output: output.show(signal), "show")

    def fault(self, reason: str | None, time: float) -> None:
        """The unit is at fault because of `reason`, at `time` in seconds; None: no longer."""
        self._tell(lambda output: output.fault(reason, time))

    @property
    def muted(self) -> bool:
        """Whether it is silent now."""
        return self._clock() < self._muted_until

    def mute(self, on: bool, lasts: float = math.inf) -> None:
        """Silence for `lasts` seconds, or sound again. Lights stay as they are."""
        until = self._muted_until = self._clock() + lasts if on else -math.inf
        self._tell(lambda output: output.mute(until), "mute")

    def test(self, lasts: float) -> None:
        """Play the alert for so many seconds, muted or not: somebody asked to hear it. An alert outlasts it."""
        until = self._clock() + lasts
        self._tell(lambda output: output.test(until), "test")

    def check(self) -> str | None:
        """Why the unit is at fault as far as outputs go, None when all of them work. The loop asks at every turn.

        An output that fails, hangs, or whose thread died is a line in the log, once, and another when it is over.

        Raises:
            OutputError: no output that tells of an alert worked for `give_up` seconds.
        """
        now = self._clock()
        for line in self._lines:
            trouble = line.trouble(now)
            if trouble is not None or self._troubles:
                self._note(line, trouble, now)
        if not self._troubles:
            self._deaf_since = None
            return None
        self._give_up(now)
        vital = [(line.output.name, why) for line, (_, why) in self._troubles.items() if line.output.vital]
        return "; ".join(f"output {name} failed: {why}" for name, why in vital) or None

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Let every output finish what is queued, then close it. A second call does nothing.

        Args:
            within: seconds after which what is stuck is closed all the same, which takes FORCE_WITHIN at most.
        """
        lines, self._lines = self._lines, []
        for line in lines:
            line.end()
        deadline = time.monotonic() + within
        stuck = [line for line in lines if not line.join(max(0.0, deadline - time.monotonic()))]
        closers = [(line, line.force()) for line in stuck]
        deadline = time.monotonic() + FORCE_WITHIN
        for line, closer in closers:
            if closer.ident is not None:  # it was started
                closer.join(max(0.0, deadline - time.monotonic()))
            if closer.is_alive() or closer.ident is None:
                logger.error("output %s hangs and cannot be closed", line.output.name)
        for line in lines:
            self._note(line, line.trouble(self._clock()), self._clock())

    def _note(self, line: Line, trouble: str | None, now: float) -> None:
        """A line in the log when an output begins to fail, and when it works again."""
        name, known = line.output.name, self._troubles.get(line)
        if trouble is not None and known is None:
            logger.error("output %s failed: %s; the others go on", name, trouble)
            self._troubles[line] = now, trouble
        elif trouble is None and known is not None:
            lost, line.lost = f"; {line.lost} messages were lost" if line.lost else "", 0
            logger.warning("output %s works again, after %.0f s%s", name, now - known[0], lost)
            del self._troubles[line]

    def _give_up(self, now: float) -> None:
        tellers = [line for line in self._lines if line.output.tells]
        reasons = [(line.output.name, why) for line in tellers if (why := line.failing(now)) is not None]
        if not tellers or len(reasons) < len(tellers):
            self._deaf_since = None
            return
        if self._deaf_since is None:
            self._deaf_since = now
        if 0 < self.give_up <= now - self._deaf_since:
            listed = ", ".join(f"{name}: {why}" for name, why in reasons)
            raise OutputError(f"no output could tell of an alert for {self.give_up:g} s ({listed}); look at its wiring")

    def _tell(self, message: Message, state: str = "") -> None:
        for line in self._lines:
            line.tell(message, state)
