"""What a Raspberry Pi itself does with some pins of its header; the same on every board with 40 pins."""

from __future__ import annotations

import errno
from pathlib import Path

PULLED_UP = "a resistor on the board pulls it up: what is on at 3.3 V is on whenever maskwatch does not run"
CONSOLE = "the serial console may use it: disable that (raspi-config, Interface Options) or take another pin"
EEPROM = "the Pi reads a HAT's memory through it while it boots: take another pin"
DRIVEN = {0: EEPROM, 1: EEPROM, 2: PULLED_UP, 3: PULLED_UP, 14: CONSOLE, 15: CONSOLE}
READ = {0: EEPROM, 1: EEPROM, 14: CONSOLE, 15: CONSOLE}
KERNEL = {  # kernel drivers that may use a pin
    **dict.fromkeys((2, 3), "I2C (dtparam=i2c_arm=on)"),
    **dict.fromkeys((7, 8, 9, 10, 11), "SPI (dtparam=spi=on)"),
    **dict.fromkeys((14, 15), "the serial port (enable_uart=1)"),
    **dict.fromkeys((18, 19, 20, 21), "I2S sound (a DAC's overlay)"),
    4: "1-Wire (dtoverlay=w1-gpio)",
}


def is_a_pi(model: Path = Path("/proc/device-tree/model")) -> bool:
    """Whether this machine is a Raspberry Pi, by its device tree."""
    try:
        return model.read_bytes().startswith(b"Raspberry Pi")
    except OSError:
        return False


def note(pin: int, drives: bool) -> str:
    """A warning about a working pin, as the end of a line; "" for most pins.

    Args:
        pin: BCM number.
        drives: whether it is an output.
    """
    known = (DRIVEN if drives else READ).get(pin)
    return f"; but {known}" if known else ""


def is_busy(error: BaseException) -> bool:
    """Whether an error of lgpio or the kernel says that something else uses the pin."""
    return "busy" in str(error).lower() or getattr(error, "errno", None) == errno.EBUSY


def if_busy(pin: int, error: BaseException) -> str:
    """The kernel driver that may use a busy pin, as the end of a line; "" for most pins."""
    driver = KERNEL.get(pin) if is_busy(error) else None
    return f"; or the kernel holds it for {driver} in /boot/firmware/config.txt" if driver else ""
