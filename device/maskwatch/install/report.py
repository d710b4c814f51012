"""Reports the progress and result of first boot: on the console, in the state folder, and on the boot partition, which
a laptop can read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from maskwatch.install.machine import Machine, put
from maskwatch.install.places import STATE, boot_folder

NAME = "maskwatch-report.txt"
AGAIN = 'The unit tries again at the next start. See docs/install.md, "When it is not ready".'


@dataclass
class Report:
    """First boot calls it at each step. It never raises, because a full or read-only card must not end the set-up."""

    machine: Machine
    host: str
    lines: list[str] = field(default_factory=list)

    def working(self, step: str) -> None:
        """A step starts."""
        self._say(step, "working", "", f"working: {step}")

    def passed(self, step: str, detail: str) -> None:
        """A step is done."""
        self.lines.append(f"{step}: {detail}")

    def waiting(self, step: str, why: str) -> None:
        """A step failed and will be tried again in this boot."""
        self._say(step, "waiting", why, f"waiting: {step}: {why}")

    def not_ready(self, step: str, why: str) -> None:
        """A step failed and will be tried again at the next start."""
        self._say(step, "failed", why, f"not ready: {step}: {why}", AGAIN)

    def ready(self) -> None:
        """The unit watches."""
        self._say("done", "done", "", "ready")

    def _say(self, step: str, state: str, detail: str, first: str, *more: str) -> None:
        print(f"maskwatch first boot: {first}", flush=True)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC, by the unit's clock")
        text = "\n".join((first, f"unit {self.host}, {now}", *self.lines, *more)) + "\n"
        entry = json.dumps({"stage": step, "state": state, "detail": detail})
        self._put(self.machine.at(f"{STATE}/state.json"), f"{entry}\n")
        self._put(self.machine.at(f"{boot_folder(self.machine)}/{NAME}"), text)

    def _put(self, path: Path, text: str) -> None:
        try:
            put(path, text)
        except OSError as error:
            print(f"maskwatch first boot: {path} cannot be written ({error.strerror})", flush=True)
