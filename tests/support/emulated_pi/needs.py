"""What `make test-pi` needs from Debian (12 or 13): installed by name, and said."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGES = {  # a command of each, and the Debian package that has it
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-aarch64-static": "qemu-user-static",
    "mmdebstrap": "mmdebstrap",
    "fakeroot": "fakeroot",
    "genimage": "genimage",
    "mcopy": "mtools",
    "mkdosfs": "dosfstools",
    "mke2fs": "e2fsprogs",
    "swig": "swig",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "cpio": "cpio",
    "fdtput": "device-tree-compiler",
    "modprobe": "kmod",
}
LIBRARY = Path("/usr/aarch64-linux-gnu/include/stdio.h")


class MissingError(Exception):
    """What is missing, and what to type, in a line."""


def install() -> list[str]:
    """Install what is missing.

    Returns:
        the packages that were installed.

    Raises:
        MissingError: something is missing and cannot be installed from here.
    """
    missing = sorted({package for command, package in PACKAGES.items() if shutil.which(command) is None})
    if not LIBRARY.exists():
        missing.append("libc6-dev-arm64-cross")
    if missing:
        _as_root(["apt-get", "update", "-qq"], missing)
        options = ["-y", "-qq", "--no-install-recommends"]
        _as_root(["apt-get", "install", *options, *missing], missing)
    return missing


def _as_root(command: list[str], packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingError(f"make test-pi needs packages of Debian 12 or 13: sudo apt-get install {' '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
