"""systemd's files on the unit: put there, enabled, taken away."""

from __future__ import annotations

import os
from pathlib import Path

from maskwatch.install import shipped
from maskwatch.install.machine import Machine
from maskwatch.install.places import COMMAND, PROGRAM, SERVICE, UNITS

WANTS = f"{UNITS}/multi-user.target.wants"


def install(machine: Machine) -> str:
    """The service, enabled but not started, and the command under /usr/local/bin."""
    machine.write(f"{UNITS}/{SERVICE}", shipped.path("systemd", SERVICE).read_text())
    enable(machine, SERVICE)
    command = machine.at(COMMAND)
    command.parent.mkdir(parents=True, exist_ok=True)
    if not command.is_symlink() and command.exists():
        return f"enabled; {COMMAND} is somebody else's and stays"
    _link(command, PROGRAM)
    return "enabled"


def enable(machine: Machine, name: str, target: str = WANTS) -> None:
    """By the link that `systemctl enable` makes, so that it works in an image that does not run too."""
    folder = machine.at(target)
    folder.mkdir(parents=True, exist_ok=True)
    _link(folder / name, f"../{name}")
    machine.run("systemctl", "daemon-reload")


def remove(machine: Machine, name: str) -> None:
    """Take a unit away, and what enabled it."""
    for path in machine.at(UNITS).glob(f"*.wants/{name}"):
        path.unlink()
    machine.at(f"{UNITS}/{name}").unlink(missing_ok=True)


def _link(path: Path, target: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, path)  # noqa: PTH105
