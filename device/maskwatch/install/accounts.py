"""The unit's name, time zone and user. Each step checks first what exists, so it can be repeated."""

from __future__ import annotations

import os

from maskwatch.install.machine import Machine, put
from maskwatch.system import whole_file

# Raspberry Pi OS' groups of the first user; those that a system does not have are left out.
GROUPS = (
    *("users", "adm", "dialout", "audio", "netdev", "video", "plugdev", "games", "input"),
    *("gpio", "spi", "i2c", "render", "sudo"),
)
USERCONF = "/usr/lib/userconf-pi/userconf"  # renames the first user; no questions at the start


class AccountError(Exception):
    """A step failed; the message is one line."""


def set_host(machine: Machine, host: str, timezone: str) -> str:
    """Set the unit's name and time zone; return a line for the report."""
    machine.write("/etc/hostname", f"{host}\n")
    hosts = machine.at("/etc/hosts")
    lines = hosts.read_text().splitlines() if hosts.exists() else ["127.0.0.1\tlocalhost"]
    kept = [line for line in lines if not line.startswith("127.0.1.1")]
    machine.write("/etc/hosts", "\n".join([*kept, f"127.0.1.1\t{host}"]) + "\n")
    machine.run("hostname", host)
    if machine.at(f"/usr/share/zoneinfo/{timezone}").exists():
        whole_file.link(machine.at("/etc/localtime"), f"/usr/share/zoneinfo/{timezone}")
        machine.write("/etc/timezone", f"{timezone}\n")
    return f"{host}, {timezone}"


def set_user(machine: Machine, name: str, keys: list[str], password_hash: str | None) -> str:
    """Create the user, who may log in by key or password; return a line for the report.

    Raises:
        AccountError: the system's programs did not create the user.
    """
    if _entry(machine, "passwd", name) is None:
        if machine.at(USERCONF).exists() and password_hash:
            machine.run(USERCONF, name, password_hash)
        if _entry(machine, "passwd", name) is None:
            made = machine.run("useradd", "--create-home", "--shell", "/bin/bash", name)
            if made.code:
                raise AccountError(f"cannot create user {name} ({made.last_line})")
    groups = [group for group in GROUPS if _entry(machine, "group", group)]
    if groups:
        machine.run("usermod", "--append", "--groups", ",".join(groups), name)
    if password_hash:
        machine.run("chpasswd", "--encrypted", feed=f"{name}:{password_hash}\n")
    else:
        machine.write(f"/etc/sudoers.d/010_{name}", f"{name} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    _set_keys(machine, name, keys)
    machine.run("systemctl", "enable", "--now", "ssh")
    return f"{name}, SSH keys: {len(keys)}"


def _set_keys(machine: Machine, name: str, keys: list[str]) -> None:
    if not keys:
        return
    entry = _entry(machine, "passwd", name)
    home = entry[5] if entry else f"/home/{name}"
    folder = machine.at(f"{home}/.ssh")
    path = folder / "authorized_keys"
    there = path.read_text().splitlines() if path.exists() else []
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    put(path, "\n".join([*there, *(key for key in keys if key not in there)]) + "\n", 0o600)
    if entry and os.geteuid() == 0:
        for each in (folder, path):
            os.chown(each, int(entry[2]), int(entry[3]))


def _entry(machine: Machine, table: str, name: str) -> list[str] | None:
    """The fields of a line in /etc/passwd or /etc/group; None: it is missing."""
    path = machine.at(f"/etc/{table}")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":") for line in lines if line.startswith(f"{name}:")), None)
