"""An output that notes the alerts it gets."""

import threading

from maskwatch.flow import Alert
from maskwatch.outputs import Output


class Recorder(Output):
    """An output that remembers, and can be made to fail or to hang."""

    name = "recorder"

    def __init__(self, fails: bool = False, hangs: threading.Event | None = None) -> None:
        self.seen: list[bool] = []
        self.closed = 0
        self._fails, self._hangs = fails, hangs

    def switch(self, alert: Alert) -> None:
        if self._hangs:
            self._hangs.wait(20)
        if self._fails:
            raise OSError("wire cut")
        self.seen.append(alert.on)

    def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise OSError("wire cut")
