"""A Wi-Fi network's key from its password, as WPA2 has it: PBKDF2 with its name as salt (IEEE 802.11, J.4)."""

from __future__ import annotations

import hashlib
import re

HEX = re.compile(r"[0-9a-fA-F]{64}")


def psk(ssid: str, password: str) -> str:
    """The 256-bit key as 64 hexadecimal digits. WPA3 alone (SAE) does not take it: it wants the password.

    Args:
        ssid: of 1 to 32 bytes.
        password: of 8 to 63 characters.
    """
    return hashlib.pbkdf2_hmac("sha1", password.encode(), ssid.encode(), 4096, 32).hex()
