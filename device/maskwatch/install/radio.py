"""The unit's Wi-Fi, as a connection of NetworkManager, which Bookworm and Trixie both use."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from maskwatch.install.machine import Machine

FOLDER = "/etc/NetworkManager/system-connections"
PATH = f"{FOLDER}/maskwatch.nmconnection"


def set_wifi(machine: Machine, facts: dict[str, Any]) -> str:
    """Write the connection and switch the radio on; return a line for the report.

    If cloud-init's netplan has the same network, nothing is written.

    Args:
        machine: to set up.
        facts: ssid, psk, country and hidden from unit.json.
    """
    ssid = facts.get("ssid")
    if ssid is None:
        return "no Wi-Fi in the unit file"
    if not machine.at("/etc/NetworkManager").is_dir():
        return "no NetworkManager on this system; cloud-init sets up Wi-Fi"
    if not _is_in_netplan(machine, ssid):
        machine.write(PATH, connection(ssid, facts["psk"], facts["hidden"]), 0o600)
    machine.run("raspi-config", "nonint", "do_wifi_country", facts["country"])
    machine.run("rfkill", "unblock", "wifi")
    machine.run("nmcli", "connection", "reload")
    return "set"


def connection(ssid: str, psk: str, hidden: bool) -> str:
    """A keyfile of NetworkManager. The network's name is written as bytes, so that any name works."""
    octets = "".join(f"{octet};" for octet in ssid.encode())
    mark = uuid.UUID(bytes=hashlib.sha256(ssid.encode()).digest()[:16], version=4)  # the same each time
    return (
        f"[connection]\nid=maskwatch\nuuid={mark}\ntype=wifi\n\n"
        f"[wifi]\nmode=infrastructure\nssid={octets}\nhidden={str(hidden).lower()}\n\n"
        f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={psk}\n\n"
        "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n"
    )


def _is_in_netplan(machine: Machine, ssid: str) -> bool:
    folder = machine.at("/etc/netplan")
    files = folder.glob("*.yaml") if folder.is_dir() else ()
    return any(ssid in path.read_text(errors="replace") for path in files)
