"""What a figure was measured on: a record without this is worth nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("maskwatch", "ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
DEVICE_TREE = Path("/proc/device-tree/model")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def facts() -> dict[str, Any]:
    """Board, system and versions, ready for JSON."""
    return {
        "board": board(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "governor": GOVERNOR.read_text().strip() if GOVERNOR.exists() else None,
        "load": round(os.getloadavg()[0], 2),  # over the last minute: above 0.5 something else was running
        "python": platform.python_version(),
        "packages": _versions(),
        "commit": _commit(),
    }


def board() -> str:
    """The Pi's own name of itself, elsewhere the processor's."""
    if DEVICE_TREE.exists():
        return DEVICE_TREE.read_text().strip("\0\n ")
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def slug(name: str) -> str:
    """A board's name as a folder's: `Raspberry Pi 5` -> `raspberry-pi-5`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
