"""Where things are on a unit; all below a machine's root."""

from __future__ import annotations

from maskwatch.install.machine import Machine

HOME = "/opt/maskwatch"
TREES = f"{HOME}/trees"
VENV = f"{HOME}/venv"  # a link to the tree in use; what the service names
FORMER = f"{HOME}/former"  # a link to the one before
TRYING = f"{HOME}/trying"  # there while an update has not proved itself: holds the former tree's name
PROGRAM = f"{VENV}/bin/maskwatch"
COMMAND = "/usr/local/bin/maskwatch"  # so that `sudo maskwatch check` is enough
CONFIG = "/etc/maskwatch/config.toml"
UNITS = "/etc/systemd/system"
SERVICE = "maskwatch.service"
FIRST_BOOT = "maskwatch-first-boot.service"
SETTLE = "maskwatch-settle.service"
VOLATILE = "maskwatch-volatile.service"
STATE = "/var/lib/maskwatch-first-boot"


def boot_folder(machine: Machine) -> str:
    """Where the boot partition is mounted."""
    return "/boot/firmware" if machine.at("/boot/firmware/cmdline.txt").exists() else "/boot"
