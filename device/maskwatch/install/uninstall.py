"""`maskwatch uninstall`: removes everything of maskwatch. The Pi's name, user, time zone and Wi-Fi stay."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

from maskwatch.install import service_files, volatile
from maskwatch.install.install import require_root
from maskwatch.install.machine import Machine
from maskwatch.install.places import COMMAND, FIRST_BOOT, HOME, PROGRAM, SERVICE, SETTLE, STATE, VOLATILE, boot_folder

FOLDERS = (HOME, "/etc/maskwatch", STATE, "/var/lib/private/maskwatch", "/run/maskwatch")
STAYS = (
    "the Pi's name, user, time zone, Wi-Fi, and packages from the Pi's archive (python3-picamera2, python3-lgpio) stay"
)


def uninstall(machine: Machine, keep_config: bool, say: Callable[[str], None]) -> None:
    """Stop the service, switch its pins off, and remove it.

    Args:
        machine: to change.
        keep_config: keep /etc/maskwatch.
        say: called with a line about each removed path.

    Raises:
        FlashError: we are not root.
    """
    require_root(machine)
    machine.run("systemctl", "disable", "--now", SERVICE, FIRST_BOOT, SETTLE)
    volatile.switch_off(machine)
    for name in (SERVICE, FIRST_BOOT, SETTLE, VOLATILE):
        service_files.remove(machine, name)
    for path in _removed(machine, keep_config):
        say(f"removed {path}")
    machine.run("systemctl", "daemon-reload")
    say(STAYS)


def _removed(machine: Machine, keep_config: bool) -> Iterator[str]:
    command = machine.at(COMMAND)
    if command.is_symlink() and str(command.readlink()) == PROGRAM:
        command.unlink()
        yield COMMAND
    boot = boot_folder(machine)
    for name in (*FOLDERS, f"{boot}/maskwatch"):
        if keep_config and name == "/etc/maskwatch":
            continue
        if machine.at(name).is_dir():
            shutil.rmtree(machine.at(name))
            yield name
    for name in (f"{boot}/maskwatch-report.txt", f"{boot}/firstrun.sh"):
        if machine.at(name).exists():
            machine.at(name).unlink()
            yield name
    state = machine.at("/var/lib/maskwatch")
    if state.is_symlink() or state.is_dir():  # systemd's link to the private folder
        state.unlink() if state.is_symlink() else shutil.rmtree(state)
        yield "/var/lib/maskwatch"
    _remove_start(machine, f"{boot}/user-data")


def _remove_start(machine: Machine, name: str) -> None:
    """Remove the lines in cloud-init's file that start first boot at each boot."""
    path = machine.at(name)
    if not path.exists() or "maskwatch/first-boot.sh" not in path.read_text():
        return
    kept, inside = [], False
    for line in path.read_text().splitlines():
        inside = line.startswith("bootcmd:") or (inside and line[:1] in (" ", "-"))
        if not inside:
            kept.append(line)
    machine.write(name, "\n".join(kept) + "\n")
