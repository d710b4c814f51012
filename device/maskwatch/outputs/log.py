"""Each switch of the alert and each fault as one line of text or JSON."""

from __future__ import annotations

import json
from typing import TextIO

from maskwatch.flow import Alert
from maskwatch.outputs import Output
from maskwatch.unblocked import Unblocked


class LogOutput(Output):
    """Writes `alert_on`, `alert_off`, `fault` and `fault_over` lines, each flushed so that a pipe sees it at once.

    pin() is called on the threads of the pins: on a daemon the stream must be one that never blocks.
    """

    name = "log"
    vital = False  # a reader of these lines that went away, or a full disk, takes nothing from who is at the door

    def __init__(self, stream: TextIO | Unblocked, as_json: bool = False) -> None:
        """The stream stays the caller's to close."""
        self._stream, self._as_json = stream, as_json

    def switch(self, alert: Alert) -> None:
        self._write(json_line(alert) if self._as_json else text_line(alert))

    def fault(self, reason: str | None, time: float) -> None:
        self._write(fault_json(reason, time) if self._as_json else fault_text(reason, time))

    def pin(self, name: str, pin: int, on: bool) -> None:
        """A pin's own state, for those who want to see it (gpio.Show): `buzzer GPIO17 on`."""
        row = {"event": "pin", "name": name, "pin": pin, "on": on}
        self._write(json.dumps(row) if self._as_json else f"{name} GPIO{pin} {'on' if on else 'off'}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")  # one call: pins write from threads of their own
        self._stream.flush()


def dropped(lines: int, as_json: bool) -> str:
    """E.g. `dropped lines=12`: so many found no reader."""
    return json.dumps({"event": "dropped", "lines": lines}) if as_json else f"dropped lines={lines}"


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


def fault_text(reason: str | None, time: float) -> str:
    """E.g. `fault time=8.20 reason=no frame for 5 s`, the reason up to the line's end; then `fault_over time=9.00`."""
    return f"fault_over time={time:.2f}" if reason is None else f"fault time={time:.2f} reason={_one_line(reason)}"


def fault_json(reason: str | None, time: float) -> str:
    """E.g. `{"event": "fault", "time": 8.2, "reason": "no frame for 5 s"}`; then `{"event": "fault_over", …}`."""
    seconds = round(time, 3)
    if reason is None:
        return json.dumps({"event": "fault_over", "time": seconds})
    return json.dumps({"event": "fault", "time": seconds, "reason": _one_line(reason)})


def _one_line(text: str) -> str:
    return " ".join(text.split())
