"""The packages of a unit: pip downloads and unpacks wheels for its processor and Python on this workstation.

constraints/pi-*.txt has the exact versions of all packages, so pip does not resolve dependencies. It would evaluate
environment markers for this machine instead of the unit.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from maskwatch.errors import FlashError
from maskwatch.flash import workstation
from maskwatch.flash.system import System
from maskwatch.install import shipped

MACHINE = "aarch64"
OLDEST_GLIBC = 17  # manylinux_2_17, also called manylinux2014
LIMIT = 3600.0  # seconds


def default_folder(system: System) -> Path:
    """The folder in which wheels are kept for the next flash."""
    return workstation.cache() / "wheels" / system.name


def unpack(system: System, folder: Path, into: Path, say: Callable[[str], None]) -> None:
    """Unpack the unit's packages; those that are missing in the folder are downloaded first.

    Args:
        system: of the unit.
        folder: of wheels; created if missing. If it contains all wheels, no network is needed.
        into: a new folder, the unit's site-packages.
        say: called with a line about each step.

    Raises:
        FlashError: a package cannot be downloaded, pip is missing, or there is no room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlashError(f"{folder}: expected a folder for the unit's packages ({error.strerror})") from None
    install = ("install", "--no-index", "--find-links", str(folder), "--no-compile", "--target", str(into))
    if _pip(system, *install) is not None:
        say(f"downloading the unit's packages for {system.python_name} on {MACHINE} into {folder}")
        if (why := _pip(system, "download", "--dest", str(folder))) is not None:
            raise FlashError(f"cannot download the unit's packages ({why}) into {folder}; is this computer online?")
        if (why := _pip(system, *install)) is not None:
            raise FlashError(f"cannot unpack the packages in {folder} ({why}); remove the folder and try again")


def _pip(system: System, *words: str) -> str | None:
    """Run pip for the unit's processor and Python; return why it failed in one line, or None."""
    constraints = shipped.path("constraints", system.constraints)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *words, *_target(system)]
    command += ["--no-deps", "--only-binary=:all:", "-q", "--requirement", str(constraints)]
    environment = {**os.environ, "PIP_CONSTRAINT": "", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return f"took longer than {LIMIT:.0f} s"
    if done.returncode == 0:
        return None
    if os.strerror(errno.ENOSPC) in done.stderr:
        raise FlashError(
            f"no room for the unit's packages, in {tempfile.gettempdir()} or in the folder that keeps them; "
            "make room, or name another folder: TMPDIR=FOLDER, --wheels FOLDER"
        )
    if "No module named pip" in done.stderr:
        raise FlashError(
            f"{sys.executable} has no pip, which downloads the unit's packages; run: {sys.executable} -m ensurepip"
        )
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with {done.returncode}"


def _target(system: System) -> list[str]:
    major, minor = system.python
    words = ["--implementation", "cp", "--python-version", f"{major}.{minor}"]
    for abi in (f"cp{major}{minor}", "abi3", "none"):
        words += ["--abi", abi]
    for glibc in range(system.glibc[1], OLDEST_GLIBC - 1, -1):
        words += ["--platform", f"manylinux_2_{glibc}_{MACHINE}"]
    return [*words, "--platform", f"manylinux2014_{MACHINE}"]
