"""What happened, with times: printed while the tests run, and kept as a record."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ENVIRONMENT = "MASKWATCH_PI_RESULTS"
DEFAULT = Path("runs") / "pi"


class Transcript:
    """Lines and figures of one run. Each is written at once: a run that is cut short has what it had."""

    def __init__(self, folder: Path, qemu: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._began = time.monotonic()
        self._lines: list[str] = []
        self._figures: dict[str, Any] = {"machine": _machine(), "qemu": _version(qemu)}
        (folder / "transcript.txt").write_text("")

    def say(self, line: str) -> None:
        """One line, after the time since the run began."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        text = f"{minutes:3d}:{seconds:02d}  {line}"
        print(text, flush=True)
        with (self.folder / "transcript.txt").open("a") as file:
            file.write(text + "\n")

    @contextlib.contextmanager
    def timed(self, what: str, name: str) -> Iterator[None]:
        """A line and a figure of how long a step took, if it succeeds."""
        began = time.monotonic()
        yield
        self.note(name, time.monotonic() - began)
        self.say(f"{what}: {time.monotonic() - began:.1f} s")

    def note(self, name: str, figure: object) -> None:
        """A figure for the record; its name ends with its unit."""
        self._figures[name] = round(figure, 2) if isinstance(figure, float) else figure
        (self.folder / "figures.json").write_text(json.dumps(self._figures, indent=1, sort_keys=True) + "\n")


def results() -> Path:
    """Where this run's record goes."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT)


def _machine() -> dict[str, object]:
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = named[0].split(":", 1)[1].strip() if named else platform.machine()
    return {"processor": model, "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def _version(qemu: str) -> str:
    told = subprocess.run([qemu, "--version"], check=True, capture_output=True, text=True)
    return told.stdout.splitlines()[0]
