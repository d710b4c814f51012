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
    """Writes `alert_on`, `alert_off`, `fault` and `fault_over` lines, each flushed so that a pipe sees it at once.

    pin() is called on the threads of the pins: on a daemon the stream must be one that never blocks.
    """

    name = "log"
    vital = False  # a reader of these lines that went away, or a full disk, takes nothing from who is at the door

    def __init__(
        self, stream: TextIO | Unblocked, as_json: bool = False, now: Callable[[], datetime] | None = None
    ) -> None:
        """
        Args:
            stream: stays the caller's to close.
            as_json: one JSON object a line instead of text.
            now: the time of day with its zone; by default the machine's own. It may jump: `time` never does.
        """
        self._stream, self._as_json, self._now = stream, as_json, now or _local_time

    def switch(self, alert: Alert) -> None:
        at = _iso(self._now())
        self._write(json_line(alert, at) if self._as_json else text_line(alert, at))

    def fault(self, reason: str | None, time: float) -> None:
        at = _iso(self._now())
        self._write(fault_json(reason, time, at) if self._as_json else fault_text(reason, time, at))

    def pin(self, name: str, pin: int, on: bool) -> None:
        """A pin's own state, for those who want to see it (gpio.Show): `buzzer GPIO17 on`."""
        row = {"event": "pin", "at": _iso(self._now()), "name": name, "pin": pin, "on": on}
        self._write(json.dumps(row) if self._as_json else f"{name} GPIO{pin} {'on' if on else 'off'}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")  # one call: pins write from separate threads
        self._stream.flush()


def dropped(lines: int, as_json: bool) -> str:
    """E.g. `dropped lines=12`: so many found no reader."""
    return json.dumps({"event": "dropped", "lines": lines}) if as_json else f"dropped lines={lines}"


def event(alert: Alert) -> str:
    """The name of a switch."""
    return "alert_on" if alert.on else "alert_off"


def text_line(alert: Alert, at: str) -> str:
    """E.g. `alert_on time=4.53 at=2026-11-28T08:15:04.250+01:00 faces=1 scores=0.97`.

    Time in seconds since the start, `at` by the clock on the wall (ISO 8601), scores 0–1, worst first.
    """
    scores = ",".join(f"{score:.2f}" for score in alert.scores) or "-"
    return f"{event(alert)} time={alert.time:.2f} at={at} faces={alert.faces} scores={scores}"


def json_line(alert: Alert, at: str) -> str:
    """E.g. `{"event": "alert_on", "time": 4.53, "at": "2026-…", "faces": 1, "scores": [0.97]}`; see text_line."""
    scores = [round(score, 4) for score in alert.scores]
    row = {"event": event(alert), "time": round(alert.time, 3), "at": at, "faces": alert.faces, "scores": scores}
    return json.dumps(row)


def fault_text(reason: str | None, time: float, at: str) -> str:
    """E.g. `fault time=8.20 at=… reason=no frame for 5 s`, the reason to the line's end; then `fault_over …`."""
    moment = f"time={time:.2f} at={at}"
    return f"fault_over {moment}" if reason is None else f"fault {moment} reason={_one_line(reason)}"


def fault_json(reason: str | None, time: float, at: str) -> str:
    """E.g. `{"event": "fault", "time": 8.2, "at": "…", "reason": "no frame"}`; then `{"event": "fault_over", …}`."""
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
