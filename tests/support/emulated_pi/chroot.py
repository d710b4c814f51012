"""Programs of an unpacked root file system of this processor's kind, run inside it without being installed here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PATH = "/usr/sbin:/usr/bin"
ALLOWED = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]  # only root may change a program's root folder
LINKS = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}  # what the packages' own scripts would have made


def unpack(archive: Path, root: Path) -> None:
    """A .tar of debian.extract -> a folder whose programs run.

    Device nodes are left out, for only root may make them. /dev/null is a plain file, which is enough for a compiler.
    """
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xf", str(archive), "--exclude=./dev/*"], check=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (root / name).is_symlink() and not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for place, target in LINKS.items():
        if not (root / place).is_symlink() and not (root / place).exists():
            (root / place).symlink_to(target)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev" / "null").touch()


def run(root: Path, *command: str) -> None:
    """Run a program of it.

    Raises:
        AssertionError: it failed. The message has what it wrote.
    """
    done = subprocess.run(
        [*ALLOWED, "chroot", str(root), *command],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"PATH": PATH, "LC_ALL": "C", "HOME": "/"},
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
