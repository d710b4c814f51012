"""Each switch of the alert as one line of text or JSON."""

from __future__ import annotations

import json
from typing import TextIO

from maskwatch.flow import Alert


class LogOutput:
    """Writes `alert_on` and `alert_off` lines to a stream, each flushed so that a pipe sees it at once."""

    name = "log"

    def __init__(self, stream: TextIO, as_json: bool = False) -> None:
        self._stream, self._as_json = stream, as_json

    def switch(self, alert: Alert) -> None:
        self._write(json_line(alert) if self._as_json else text_line(alert))

    def pin(self, name: str, pin: int, on: bool) -> None:
        """A pin's own state, for those who want to see it (gpio.Show): `buzzer GPIO17 on`."""
        row = {"event": "pin", "name": name, "pin": pin, "on": on}
        self._write(json.dumps(row) if self._as_json else f"{name} GPIO{pin} {'on' if on else 'off'}")

    def close(self) -> None:
        """The stream belongs to the caller."""

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def event(alert: Alert) -> str:
    """The name of a switch."""
    return "alert_on" if alert.on else "alert_off"


def text_line(alert: Alert) -> str:
    """E.g. `alert_on time=4.53 faces=1 scores=0.97`; time in seconds, scores 0–1, worst first."""
    scores = ",".join(f"{score:.2f}" for score in alert.scores) or "-"
    return f"{event(alert)} time={alert.time:.2f} faces={alert.faces} scores={scores}"


def json_line(alert: Alert) -> str:
    """E.g. `{"event": "alert_on", "time": 4.53, "faces": 1, "scores": [0.97]}`."""
    scores = [round(score, 4) for score in alert.scores]
    row = {"event": event(alert), "time": round(alert.time, 3), "faces": alert.faces, "scores": scores}
    return json.dumps(row)
