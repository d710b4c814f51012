"""The three files that cloud-init's NoCloud source reads from the boot partition of Raspberry Pi OS Trixie.

They define the unit. `bootcmd`, which runs at every boot, starts the service of first boot. cloud-init marks a step as
done before it has run (semaphores), so after a power cut a step could be skipped. Therefore first boot does all these
steps too.
"""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from maskwatch.flash.unit_file import Unit

# The list of Raspberry Pi OS.
GROUPS = "users,adm,dialout,audio,netdev,video,plugdev,games,input,gpio,spi,i2c,render,sudo"
MOUNT = "/boot/firmware"


def user_data(unit: Unit) -> str:
    """cloud-config with name, time zone, user and SSH, and the command that starts first boot."""
    user: dict[str, Any] = {
        "name": unit.user,
        "groups": GROUPS,
        "shell": "/bin/bash",
        "lock_passwd": unit.password_hash is None,
        "sudo": "ALL=(ALL) NOPASSWD:ALL" if unit.password_hash is None else "ALL=(ALL) ALL",
    }
    if unit.password_hash is not None:
        user["passwd"] = unit.password_hash
    if unit.ssh_keys:
        user["ssh_authorized_keys"] = list(unit.ssh_keys)
    table = {
        "hostname": unit.host,
        "manage_etc_hosts": True,
        "timezone": unit.timezone,
        "users": [user],
        "enable_ssh": True,  # a key of Raspberry Pi OS; other systems ignore it
        "ssh_pwauth": not unit.ssh_keys,
        "bootcmd": [["sh", f"{MOUNT}/maskwatch/first-boot.sh", "arm", "start"]],
    }
    return "#cloud-config\n" + _yaml(table)


def meta_data(unit: Unit) -> str:
    """The instance id. It depends on the unit's data, so that a card that is flashed again is set up again."""
    mark = hashlib.sha256(user_data(unit).encode()).hexdigest()[:12]
    return _yaml({"dsmode": "local", "instance-id": f"maskwatch-{unit.host}-{mark}", "local-hostname": unit.host})


def network_config(unit: Unit) -> str:
    """netplan, version 2: Ethernet with DHCP, and Wi-Fi."""
    network: dict[str, Any] = {"version": 2, "ethernets": {"eth0": {"dhcp4": True, "optional": True}}}
    if unit.ssid is not None:
        point: dict[str, Any] = {"password": unit.psk}  # 64 hexadecimal digits are a key, not a password
        if unit.hidden:
            point["hidden"] = True
        network["wifis"] = {
            "wlan0": {
                "dhcp4": True,
                "optional": True,
                "regulatory-domain": unit.country,
                "access-points": {unit.ssid: point},
            }
        }
    return _yaml({"network": network})


def _yaml(table: dict[str, Any]) -> str:
    return str(yaml.safe_dump(table, sort_keys=False, allow_unicode=True, width=1000))
