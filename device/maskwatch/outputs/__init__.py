"""What the unit says and shows, one file a kind. None can hold up the loop, and one that fails stops no other."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence

from maskwatch.flow import Alert, Signal

logger = logging.getLogger(__name__)
CLOSE_WITHIN = 2.0  # seconds stuck outputs are waited for at the end, all of them together
RETRY = 1.0  # seconds after which an output that failed is asked again: a buzzer must not stay on for one bad write


class Output:
    """One thing that follows the unit. Each message does nothing unless a subclass cares about it.

    Everything but `name` is called on the output's own thread. Times are seconds of the clock given to Outputs.
    """

    name: str

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""

    def show(self, signal: Signal) -> None:
        """Show this from now on."""

    def fault(self, reason: str | None, time: float) -> None:
        """The unit cannot watch because of `reason`; None: it can again. `time`: seconds, as in Alert."""

    def mute(self, until: float) -> None:
        """Be silent until then; a time that has passed: sound again."""

    def test(self, until: float) -> None:
        """Play the alert until then, whatever else is shown."""

    def beat(self, now: float) -> float:  # noqa: ARG002
        """Do what is due now, e.g. the next edge of a pattern; called after each message and when it asked to be.

        Returns:
            Seconds after which it wants to be called again; infinity: not before the next message.
        """
        return math.inf

    def close(self) -> None:
        """Switch off and give back what is held; a second call does nothing."""


Message = Callable[[Output], None]


class Outputs:
    """Hands each message to every output, each on its own thread, in order. Every method but close only queues."""

    def __init__(self, outputs: Sequence[Output], clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            outputs: theirs to close from now on.
            clock: seconds, for patterns, mute and test.
        """
        self._clock = clock
        self._muted_until = -math.inf
        self._lines = [_Line(output, clock) for output in outputs]

    def switch(self, alert: Alert) -> None:
        """The alert was switched."""
        self._tell(lambda output: output.switch(alert))

    def show(self, signal: Signal) -> None:
        """What the unit shows of itself from now on."""
        self._tell(lambda output: output.show(signal))

    def fault(self, reason: str | None, time: float) -> None:
        """The unit cannot watch because of `reason`, at `time` in seconds; None: it can again."""
        self._tell(lambda output: output.fault(reason, time))

    @property
    def muted(self) -> bool:
        """Whether it is silent now."""
        return self._clock() < self._muted_until

    def mute(self, on: bool, lasts: float = math.inf) -> None:
        """Silence for `lasts` seconds, or sound again. Lights stay as they are."""
        until = self._muted_until = self._clock() + lasts if on else -math.inf
        self._tell(lambda output: output.mute(until))

    def test(self, lasts: float) -> None:
        """Play the alert for so many seconds, muted or not: somebody asked to hear it. An alert outlasts it."""
        until = self._clock() + lasts
        self._tell(lambda output: output.test(until))

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Let every output finish what is queued, then close it. A second call does nothing.

        Args:
            within: seconds after which what is stuck is closed all the same.
        """
        lines, self._lines = self._lines, []
        for line in lines:
            line.queue.put(None)
        deadline = time.monotonic() + within
        for line in lines:
            line.join(max(0.0, deadline - time.monotonic()))

    def _tell(self, message: Message) -> None:
        for line in self._lines:
            line.queue.put(message)


class _Line:
    """One output, its queue and its thread. The thread closes the output too, so none waits for another's end."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self.queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._output, self._clock = output, clock
        self._complained = False
        self._thread = threading.Thread(target=self._work, name=f"output {output.name}", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        wait = math.inf
        while (message := self._next(wait)) is not None:
            wait = self._follow(message)
        self._close()

    def _next(self, wait: float) -> Message | None:
        try:
            return self.queue.get(timeout=None if wait == math.inf else wait)
        except queue.Empty:
            return _beat_only

    def _follow(self, message: Message) -> float:
        try:
            message(self._output)
            return self._output.beat(self._clock())
        except Exception as error:  # whatever a driver raises, the others go on
            self._complain(error)
            return RETRY

    def join(self, within: float) -> None:
        """Wait for the end; what is stuck is closed from here, lest its pin stay on."""
        self._thread.join(within)
        if self._thread.is_alive():
            self._close()

    def _close(self) -> None:
        try:
            self._output.close()
        except Exception as error:  # the remaining outputs must still be closed
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Once is news; the same fault at every switch is noise."""
        if not self._complained:
            logger.error("output %s failed: %s: %s; the others go on", self._output.name, type(error).__name__, error)
        self._complained = True


def _beat_only(output: Output) -> None:
    """The message for want of one."""
