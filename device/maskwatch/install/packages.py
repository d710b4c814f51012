"""Packages that only the Pi's archive has: python3-picamera2 (with libcamera) and python3-lgpio. Debian's do not work.

First boot installs them over the network, or the base image contains them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from maskwatch.install.machine import Machine
from maskwatch.install.places import VENV

PACKAGES = {"picamera2": "python3-picamera2", "lgpio": "python3-lgpio"}
TRIES, PAUSE = 40, 30.0  # tries in one boot, seconds between two
UPDATE_LIMIT, INSTALL_LIMIT = 300.0, 1800.0  # seconds
IMAGE_HINT = (
    'use an image that contains them, or set packages = "online" in the unit file and connect the unit to a network'
)


class PackagesError(Exception):
    """Which packages are missing, and why they cannot be installed."""


def missing(machine: Machine, modules: list[str]) -> list[str]:
    """The modules that the tree's Python cannot find."""
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    return [name for name in modules if machine.run(f"{VENV}/bin/python3", "-c", look, name).code]


def provide(
    machine: Machine,
    modules: list[str],
    is_online: bool,
    waiting: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Install the modules that are missing; return a line for the report.

    Args:
        machine: to set up.
        modules: picamera2, lgpio, both or none.
        is_online: whether they may be installed over the network.
        waiting: called after each failed try with the reason.
        sleep: waits for the given seconds.

    Raises:
        PackagesError: modules are missing and cannot be installed.
    """
    lacking = missing(machine, modules)
    if not lacking:
        return f"{', '.join(modules)} already installed" if modules else "none needed"
    names = [PACKAGES[name] for name in lacking]
    if not is_online:
        raise PackagesError(f"{', '.join(names)} missing in the image; {IMAGE_HINT}")
    why = ""
    for number in range(1, TRIES + 1):
        why = _install(machine, names)
        lacking = missing(machine, modules)
        if not lacking:
            return f"{', '.join(names)} installed"
        if number < TRIES:
            waiting(f"{', '.join(names)}: try {number} of {TRIES}: {why}")
            sleep(PAUSE)
    raise PackagesError(f"{', '.join(PACKAGES[name] for name in lacking)} cannot be installed: {why}; {IMAGE_HINT}")


def _install(machine: Machine, names: list[str]) -> str:
    """One try; return why it failed, or "". The date of the archive is not checked, because a Pi's clock may be
    wrong."""
    machine.run("dpkg", "--configure", "-a")  # repair an installation that a power cut interrupted
    options = ("-o", "Acquire::Check-Date=false", "-o", "DPkg::Lock::Timeout=120", "-q")
    updated = machine.run("apt-get", *options, "update", limit=UPDATE_LIMIT)
    done = machine.run(
        *("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, "install", "-y", "--no-install-recommends"),
        *names,
        limit=INSTALL_LIMIT,
    )
    return "" if done.code == 0 else (updated.last_line if updated.code else done.last_line)
