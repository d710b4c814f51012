"""Each switch of the alert and each fault as one line of text or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from maskwatch.flow import Alert
from maskwatch.outputs import Output
from maskwatch.system.nonblocking_stream import Unblocked
from maskwatch.text.redaction import redacted


class LogOutput(Output):
    """Writes `alert_on`, `alert_off`, `fault` and `fault_over` lines, and flushes each at once.

    pin() is called on the threads of the pins, so in the daemon the stream must never block.
    """

    name = "log"
    vital = False  # people at the door miss nothing if these lines have no reader, or the disk is full

    def __init__(
        self, stream: TextIO | Unblocked, as_json: bool = False, now: Callable[[], datetime] | None = None
    ) -> None:
        """
        Args:
            stream: not closed here.
            as_json: write a JSON object in each line instead of text.
            now: the time of day with a time zone; default: the machine's clock, which may jump. `time` never jumps.
        """
        self._stream, self._as_json, self._now = stream, as_json, now or _local_time

    def switch(self, alert: Alert) -> None:
        at = _iso(self._now())
        self._write(json_line(alert, at) if self._as_json else text_line(alert, at))

    def fault(self, reason: str | None, time: float) -> None:
        at = _iso(self._now())
        self._write(fault_json(reason, time, at) if self._as_json else fault_text(reason, time, at))

    def pin(self, name: str, pin: int, on: bool) -> None:
        """Write a pin's state (a gpio.Show), e.g. `buzzer GPIO17 on`."""
        row = {"event": "pin", "at": _iso(self._now()), "name": name, "pin": pin, "on": on}
        self._write(json.dumps(row) if self._as_json else f"{name} GPIO{pin} {'on' if on else 'off'}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")  # one call, because pins write from several threads
        self._stream.flush()


def dropped(lines: int, as_json: bool) -> str:
    """E.g. `dropped lines=12`: the number of lines that could not be written."""
    return json.dumps({"event": "dropped", "lines": lines}) if as_json else f"dropped lines={lines}"


def event(alert: Alert) -> str:
    """The event's name: alert_on or alert_off."""
    return "alert_on" if alert.on else "alert_off"


def text_line(alert: Alert, at: str) -> str:
    """E.g. `alert_on time=4.53 at=2026-11-28T08:15:04.250+01:00 faces=1 scores=0.97`.

    `time` is in seconds since the start, `at` is the time of day (ISO 8601), scores are 0–1, highest first.
    """
    scores = ",".join(f"{score:.2f}" for score in alert.scores) or "-"
    return f"{event(alert)} time={alert.time:.2f} at={at} faces={alert.faces} scores={scores}"


def json_line(alert: Alert, at: str) -> str:
    """E.g. `{"event": "alert_on", "time": 4.53, "at": "2026-…", "faces": 1, "scores": [0.97]}`; see text_line."""
    scores = [round(score, 4) for score in alert.scores]
    row = {"event": event(alert), "time": round(alert.time, 3), "at": at, "faces": alert.faces, "scores": scores}
    return json.dumps(row)


def fault_text(reason: str | None, time: float, at: str) -> str:
    """E.g. `fault time=8.20 at=… reason=no frame for 5 s` (the reason fills the line), or `fault_over time=… at=…`."""
    moment = f"time={time:.2f} at={at}"
    return f"fault_over {moment}" if reason is None else f"fault {moment} reason={_one_line(reason)}"


def fault_json(reason: str | None, time: float, at: str) -> str:
    """E.g. `{"event": "fault", "time": 8.2, "at": "…", "reason": "no frame"}`, or `{"event": "fault_over", …}`."""
    moment = {"time": round(time, 3), "at": at}
    if reason is None:
        return json.dumps({"event": "fault_over", **moment})
    return json.dumps({"event": "fault", **moment, "reason": _one_line(reason)})


def _local_time() -> datetime:
    return datetime.now().astimezone()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _one_line(text: str) -> str:
    return redacted(" ".join(text.split()))
