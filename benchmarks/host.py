"""Describes the machine that figures were measured on, and its state then: without this, a record is worthless."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("maskwatch", "ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
ROOT = Path("/")
CPU = "sys/devices/system/cpu/cpu0/cpufreq"
# The kernel's names of instructions that multiply and add four int8 values at once. Without one, int8 gains little.
INT8_DOT_PRODUCTS = ("asimddp", "i8mm", "avx_vnni", "avx512_vnni", "amx_int8")
TRADE_MARK = re.compile(r"\((R|TM)\)")
VCGENCMD = ("vcgencmd", "get_throttled")


def facts(root: Path = ROOT) -> dict[str, Any]:
    """Board, system and versions, ready for JSON: everything that does not change during a measurement.

    Args:
        root: of the file system that is read; tests give another one.
    """
    return {
        "board": board(root),
        "machine": platform.machine(),
        "bits": 64 if sys.maxsize > 2**32 else 32,  # of this Python; a 64-bit kernel can run a 32-bit system
        "os": _os(root),
        "kernel": platform.release(),
        "virtual": "hypervisor" in _features(root),
        "cores": os.cpu_count(),
        "memory_mb": _memory_mb(root),
        "int8_dot_products": [name for name in INT8_DOT_PRODUCTS if name in _features(root)],
        "governor": _text(root / CPU / "scaling_governor"),
        "clock_max_mhz": _scaled(root / CPU / "cpuinfo_max_freq", 1e3),
        "load": round(os.getloadavg()[0], 2),  # mean of the last minute; above 0.5 something else was running
        "python": platform.python_version(),
        "packages": _versions(),
        "commit": _commit(),
    }


def moment(root: Path = ROOT) -> dict[str, Any]:
    """What changes during a measurement, ready for JSON. Call it before and after."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "clock_mhz": _scaled(root / CPU / "scaling_cur_freq", 1e3),
        "temperature_c": _scaled(root / "sys/class/thermal/thermal_zone0/temp", 1e3),
        "throttled": throttled(),
        "cpu_s": _cpu_seconds(root),
        "own_s": round(sum(os.times()[:4]), 2),  # the busy seconds above that we and our child processes used
    }


def board(root: Path = ROOT) -> str:
    """The Pi's own name; on other machines the processor's, without trade marks."""
    if name := _text(root / "proc/device-tree/model"):
        return name
    names = re.findall(r"^model name\s*: (.+)$", _text(root / "proc/cpuinfo") or "", re.MULTILINE)
    return TRADE_MARK.sub("", names[0]) if names else platform.machine()


def slug(name: str) -> str:
    """A board's name as a folder name: `Raspberry Pi 5` -> `raspberry-pi-5`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def throttled() -> int | None:
    """The firmware's flags on a Pi, see doubts.THROTTLED; None elsewhere."""
    try:
        printed = subprocess.run(VCGENCMD, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"throttled=(0x[0-9a-fA-F]+)", printed)
    return int(found[1], 16) if found else None


def _cpu_seconds(root: Path) -> dict[str, float]:
    """Seconds of all cores since the start: busy, idle, and stolen by other guests of the hypervisor."""
    line = (_text(root / "proc/stat") or "").partition("\n")[0].split()[1:9]
    user, nice, system, idle, wait, hard, soft, steal = [int(each) / os.sysconf("SC_CLK_TCK") for each in line] or [
        0.0
    ] * 8
    return {
        "busy": round(user + nice + system + hard + soft, 2),
        "idle": round(idle + wait, 2),
        "stolen": round(steal, 2),
    }


def _features(root: Path) -> set[str]:
    """The features of the first core."""
    found = re.search(r"^(?:flags|Features)\s*: (.+)$", _text(root / "proc/cpuinfo") or "", re.MULTILINE)
    return set(found[1].split()) if found else set()


def _memory_mb(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) // 1024 if found else None


def _os(root: Path) -> str | None:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', _text(root / "etc/os-release") or "", re.MULTILINE)
    return found[1] if found else None


def _scaled(path: Path, by: float) -> float | None:
    """A number from a file of the kernel, in a larger unit."""
    text = _text(path)
    return round(int(text) / by, 1) if text else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip("\0\n ")
    except OSError:
        return None


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
