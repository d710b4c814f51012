"""A small image in the form of Raspberry Pi OS' (MBR, FAT32 boot partition, a second one), and a small tree for it."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fatfs import Partition as FatPartition
from fatfs import PartitionExtended, RamDisk

from maskwatch.flash import job, payload, terminal, tree
from maskwatch.flash.system import System
from maskwatch.install import shipped

START, SIZE, ROOT_SIZE = 1 << 20, 40 << 20, 1 << 20  # bytes; FAT32 begins at 33 MB with clusters of 512
COMMAND_LINE = b"console=serial0,115200 console=tty1 root=PARTUUID=a-02 rootfstype=ext4 fsck.repair=yes rootwait\n"
TRIXIE_FILES = {
    "cmdline.txt": COMMAND_LINE,
    "config.txt": b"arm_64bit=1\n",
    "kernel8.img": b"k",
    "user-data": b"#cloud-config\n",
}
BOOKWORM_FILES = {name: content for name, content in TRIXIE_FILES.items() if name != "user-data"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPhJgbLZJ8Jm0w7Q0xq4vYb0vQ1z4n0y0s8d1hY7aQhN you@laptop"
UNIT = f"""
[unit]
host = "door-1"
timezone = "Europe/Berlin"

[user]
name = "keeper"
ssh_keys = ["{KEY}"]
password = "correct horse"

[wifi]
ssid = "Café door"
password = "battery staple"
country = "DE"

[config.camera]
source = "picamera:0"

[config.outputs.led]
pin = 27
"""
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)  # not a venv's
SECRETS = ("correct horse", "battery staple")
_FATS: dict[tuple[tuple[str, bytes], ...], bytes] = {}


def fat(files: dict[str, bytes]) -> bytes:
    """A FAT32 file system with these files in it, made by fatfs; the same one is made once."""
    key = tuple(files.items())
    if key not in _FATS:
        disk = RamDisk(bytearray(SIZE), sector_size=512)
        volume = PartitionExtended(FatPartition(disk))
        volume.mkfs()
        volume.mount()
        for name, content in files.items():
            volume.write_file(f"/{name}", content)
        volume.unmount()
        _FATS[key] = bytes(disk.storage)
    return _FATS[key]


def image(path: Path, files: dict[str, bytes] = TRIXIE_FILES, kind: int = 0x0C) -> Path:
    """The image; its second partition holds something that must not change."""
    with path.open("wb") as file:
        file.write(b"\0" * 446)
        file.write(struct.pack("<B3xB3xII", 0x80, kind, START // 512, SIZE // 512))
        file.write(struct.pack("<B3xB3xII", 0, 0x83, (START + SIZE) // 512, ROOT_SIZE // 512))
        file.seek(510)
        file.write(b"\x55\xaa")
        file.seek(START)
        file.write(fat(files))
        file.write(root())
    return path


def root() -> bytes:
    """The second partition's content."""
    return hashlib.shake_256(b"root").digest(ROOT_SIZE)


def second_partition(path: Path) -> bytes:
    """What an image has there."""
    with path.open("rb") as file:
        file.seek(START + SIZE)
        return file.read()


def small_tree(
    system: System,
    into: Path,
    folder: Path,  # noqa: ARG001
    python: str | None,  # noqa: ARG001
    say: Callable[[str], None],  # noqa: ARG001
) -> bool:
    """In tree.build's place: its form, and of maskwatch first boot alone."""
    site = into / "lib" / system.python_name / "site-packages" / "maskwatch"
    parts = (
        *(shipped.PACKAGE / name for name in ("__init__.py", "errors.py")),
        *(shipped.PACKAGE / "text").glob("*.py"),
        *(shipped.PACKAGE / "system").glob("*.py"),
    )
    for path in (*parts, *(shipped.PACKAGE / "install").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            to = site / path.relative_to(shipped.PACKAGE)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    (site / "systemd").mkdir()
    (site / "systemd" / "maskwatch.service").write_bytes(shipped.path("systemd", "maskwatch.service").read_bytes())
    (into / "bin").mkdir()
    (into / "bin" / "maskwatch").write_text(tree.SCRIPT)
    (into / "bin" / "maskwatch").chmod(0o755)
    (into / "pyvenv.cfg").write_text(f"home = {Path(BASE_PYTHON).parent}\n")
    return False


def job_of(base: Path, **more: str) -> job.Job:
    """A job that makes no noise, with the small tree."""
    return job.Job(job.Base(base, **more), terminal.Terminal(open(os.devnull, "w")), small_tree)  # noqa: PTH123


def for_this_machine(manifest: dict[str, object]) -> dict[str, object]:
    """A manifest as if the bundle were for the machine that the tests run on."""
    return {**manifest, "python": list(sys.version_info[:2]), "machine": os.uname().machine}


def bundle_of(folder: Path, system: System) -> payload.Bundle:
    """A bundle of the small tree, for the machine that the tests run on; its Python is the tests' own."""
    system = replace(system, python=sys.version_info[:2])
    small_tree(system, folder / "tree", folder, None, print)
    found = payload.pack(folder / "tree", system, True, folder / "bundle.tar.gz")
    manifest = for_this_machine(found.manifest) | {"links": {"bin/python3": BASE_PYTHON}}
    return payload.Bundle(found.archive, manifest)
