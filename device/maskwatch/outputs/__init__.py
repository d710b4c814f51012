"""What an alert drives, one file a kind. None can hold up the loop, and one that fails stops no other."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from maskwatch.flow import Alert

logger = logging.getLogger(__name__)
CLOSE_WITHIN = 2.0  # seconds a stuck output is waited for at the end


class Output(Protocol):
    """One thing that follows the alert."""

    name: str

    def switch(self, alert: Alert) -> None:
        """Follow the alert. Runs on the output's own thread."""

    def close(self) -> None:
        """Switch off and give back what is held; a second call does nothing."""


class Outputs:
    """Hands each alert to every output, each on its own thread, in order."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._lines = [_Line(output) for output in outputs]

    def switch(self, alert: Alert) -> None:
        """Queue the alert for every output and return at once."""
        for line in self._lines:
            line.queue.put(alert)

    def close(self) -> None:
        """Let every output finish what is queued, then close it. A second call does nothing."""
        for line in self._lines:
            line.queue.put(None)
        for line in self._lines:
            line.close()
        self._lines = []


class _Line:
    """One output, its queue and its thread."""

    def __init__(self, output: Output) -> None:
        self.queue: queue.SimpleQueue[Alert | None] = queue.SimpleQueue()
        self._output = output
        self._complained = False
        self._thread = threading.Thread(target=self._work, name=f"output {output.name}", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (alert := self.queue.get()) is not None:
            try:
                self._output.switch(alert)
            except Exception as error:  # whatever a driver raises, the others go on
                self._complain(error)

    def close(self) -> None:
        self._thread.join(CLOSE_WITHIN)
        try:
            self._output.close()
        except Exception as error:  # the remaining outputs must still be closed
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Once is news; the same fault at every switch is noise."""
        if not self._complained:
            logger.error("output %s failed: %s: %s; the others go on", self._output.name, type(error).__name__, error)
        self._complained = True
