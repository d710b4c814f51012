"""Installs, enables and removes the systemd unit files."""

from __future__ import annotations

from pathlib import Path

from maskwatch.install import shipped
from maskwatch.install.machine import Machine
from maskwatch.install.places import COMMAND, PROGRAM, SERVICE, SETTLE, UNITS
from maskwatch.system import whole_file

GROUPS = ("gpio", "video", "render", "audio")  # of the service, which does not start if one is missing
WANTS = f"{UNITS}/multi-user.target.wants"


def install(machine: Machine, package: Path = shipped.PACKAGE) -> str:
    """Install the service (enabled, not started), its groups, and the command in /usr/local/bin.

    Args:
        machine: to set up.
        package: the folder of the package with the unit files.

    Returns:
        A line for the report.
    """
    for group in GROUPS:
        if not _has_group(machine, group):
            machine.run("groupadd", "--system", group)
    machine.write(f"{UNITS}/{SERVICE}", shipped.path("systemd", SERVICE, package).read_text())
    enable(machine, SERVICE)
    machine.write(f"{UNITS}/{SETTLE}", (shipped.BOOT / SETTLE).read_text())
    enable(machine, SETTLE)
    command = machine.at(COMMAND)
    command.parent.mkdir(parents=True, exist_ok=True)
    if not command.is_symlink() and command.exists():
        return f"enabled; {COMMAND} was not made by maskwatch and is kept"
    whole_file.link(command, PROGRAM)
    return "enabled"


def _has_group(machine: Machine, name: str) -> bool:
    path = machine.at("/etc/group")
    return path.exists() and any(line.startswith(f"{name}:") for line in path.read_text().splitlines())


def enable(machine: Machine, name: str, target: str = WANTS) -> None:
    """Create the link that `systemctl enable` creates. This also works in an image that is not running."""
    folder = machine.at(target)
    folder.mkdir(parents=True, exist_ok=True)
    whole_file.link(folder / name, f"../{name}")
    machine.run("systemctl", "daemon-reload")


def remove(machine: Machine, name: str) -> None:
    """Remove a unit file and the links that enable it."""
    for path in machine.at(UNITS).glob(f"*.wants/{name}"):
        path.unlink()
    machine.at(f"{UNITS}/{name}").unlink(missing_ok=True)
