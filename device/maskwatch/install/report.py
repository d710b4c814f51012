"""What first boot does and came to: on the console, in the state folder, and on the boot partition for a laptop."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from maskwatch.install.machine import Machine, put
from maskwatch.install.places import STATE, boot_folder

NAME = "maskwatch-report.txt"
AGAIN = 'It is tried again at the next start. How to read this: docs/install.md, "When it is not ready".'


@dataclass
class Report:
    """Told by first boot at each stage; never raises, because a full or read-only card must not end the set-up."""

    machine: Machine
    host: str
    lines: list[str] = field(default_factory=list)

    def working(self, stage: str) -> None:
        """A stage begins."""
        self._say(stage, "working", "", f"working: {stage}")

    def passed(self, stage: str, detail: str) -> None:
        """A stage is over."""
        self.lines.append(f"{stage}: {detail}")

    def waiting(self, stage: str, why: str) -> None:
        """It cannot go on yet, and is tried again."""
        self._say(stage, "waiting", why, f"waiting: {stage}: {why}")

    def not_ready(self, stage: str, why: str) -> None:
        """It cannot go on in this boot."""
        self._say(stage, "failed", why, f"not ready: {stage}: {why}", AGAIN)

    def ready(self) -> None:
        """The unit watches."""
        self._say("done", "done", "", "ready")

    def _say(self, stage: str, state: str, detail: str, first: str, *more: str) -> None:
        print(f"maskwatch first boot: {first}", flush=True)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC, by the unit's clock")
        text = "\n".join((first, f"unit {self.host}, {now}", *self.lines, *more)) + "\n"
        entry = json.dumps({"stage": stage, "state": state, "detail": detail})
        self._put(self.machine.at(f"{STATE}/state.json"), f"{entry}\n")
        self._put(self.machine.at(f"{boot_folder(self.machine)}/{NAME}"), text)

    def _put(self, path: Path, text: str) -> None:
        try:
            put(path, text)
        except OSError as error:
            print(f"maskwatch first boot: {path} cannot be written ({error.strerror})", flush=True)
