"""Paths on a unit, relative to the machine's root."""

from __future__ import annotations

from maskwatch.install.machine import Machine

HOME = "/opt/maskwatch"
TREES = f"{HOME}/trees"
VENV = f"{HOME}/venv"  # a link to the tree in use; the service uses it
PREVIOUS = f"{HOME}/former"  # a link to the previous tree
TRYING = f"{HOME}/trying"  # exists during an update; contains the name of the tree that is tried
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
    """The mount point of the boot partition."""
    return "/boot/firmware" if machine.at("/boot/firmware/cmdline.txt").exists() else "/boot"
