"""GPIO pins in files, seen from any process: a level outlives the process that drove it, as a real pin's may.

gpiozero finds them by the entry point in the .dist-info beside this file, once the folder is on PYTHONPATH:
GPIOZERO_PIN_FACTORY=file, and in FILE_PINS an empty folder. In it,

journal: a line for each level driven, `time pin level`, seconds of time.monotonic(), which all processes share. A pin's
    level is its last line: letting go of a pin leaves it there, as charge would on a wire that nobody pulls down.
GPIO17.lock: held by the process that claimed the pin until it ends, as lgpio does.
GPIO17.broken: while it exists, driving that pin fails.
GPIO17.hangs: while it exists, driving that pin does not come back.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from gpiozero.pins.mock import MockFactory, MockPin


class error(Exception):  # noqa: N801, N818 - lgpio's own name for it, which our messages show
    """As lgpio's: its text in quotes."""

    def __str__(self) -> str:
        return repr(self.args[0])


class FilePin(MockPin):  # type: ignore[misc]
    """A pin that drives its level into the journal."""

    def __init__(self, factory: FileFactory, info: Any) -> None:
        self._folder = factory.folder
        self._lock = claim(factory.folder, int(info.name.removeprefix("GPIO")))
        super().__init__(factory, info)

    def _set_state(self, value: float) -> None:
        if (self._folder / f"GPIO{self._number}.broken").exists():
            raise OSError(5, "Input/output error")
        while (self._folder / f"GPIO{self._number}.hangs").exists():
            time.sleep(0.01)
        super()._set_state(value)
        with (self._folder / "journal").open("ab", buffering=0) as journal:  # one write: no half line, no lost one
            journal.write(f"{time.monotonic():.6f} {self._number} {int(value)}\n".encode())


class FileFactory(MockFactory):  # type: ignore[misc]
    """The pins of the folder in FILE_PINS."""

    def __init__(self) -> None:
        self.folder = Path(os.environ["FILE_PINS"])
        super().__init__(pin_class=FilePin)


def claim(folder: Path, pin: int) -> int:
    """A file descriptor that holds the pin until it is closed, or its process ends.

    Raises:
        error: another one holds it.
    """
    lock = os.open(folder / f"GPIO{pin}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        os.close(lock)
        raise error("GPIO busy") from held
    return lock


class Edge(NamedTuple):
    """A change of a pin's level."""

    time: float  # seconds, time.monotonic()
    pin: int  # BCM number
    level: int  # 0, 1


def edges(folder: Path) -> list[Edge]:
    """Every change so far, from any process; the first level a pin is driven to is one."""
    found: list[Edge] = []
    levels: dict[int, int] = {}
    path = folder / "journal"
    for line in path.read_text().splitlines() if path.exists() else []:
        moment, pin, level = line.split()
        edge = Edge(float(moment), int(pin), int(level))
        if levels.get(edge.pin) != edge.level:
            found.append(edge)
        levels[edge.pin] = edge.level
    return found
