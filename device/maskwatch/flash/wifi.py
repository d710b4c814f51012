"""The WPA2 key of a Wi-Fi network: PBKDF2 of its password, with its name as the salt (IEEE 802.11, J.4)."""

from __future__ import annotations

import hashlib
import re

HEX = re.compile(r"[0-9a-fA-F]{64}")


def psk(ssid: str, password: str) -> str:
    """The 256-bit key as 64 hexadecimal digits. It cannot be used for networks with WPA3 only (SAE), which need the
    password.

    Args:
        ssid: of 1 to 32 bytes.
        password: of 8 to 63 characters.
    """
    return hashlib.pbkdf2_hmac("sha1", password.encode(), ssid.encode(), 4096, 32).hex()
