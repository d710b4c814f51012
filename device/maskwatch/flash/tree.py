"""The tree that a unit runs from: a venv with the packages, maskwatch, and .pyc files for its Python."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from maskwatch import __version__
from maskwatch.errors import FlashError
from maskwatch.flash import wheels
from maskwatch.flash.system import System, is_this_python
from maskwatch.install import shipped
from maskwatch.install.places import VENV

LINKS = {"bin/python3": "/usr/bin/python3", "bin/python": "python3"}
# Never loaded on a unit (a third of LiteRT, an eighth of numpy), and pip's scripts, which name this machine's Python.
LEFT_OUT = ("*/tests/*", "ai_edge_litert/libLiteRtWebGpuAccelerator.so", "bin/*", "setuptools/*", "_distutils_hack/*")
LEFT_OUT_TOO = ("setuptools-*.dist-info/*", "distutils-precedence.pth")
OURS_LEFT_OUT = ("flash", "__pycache__")  # of our package
SCRIPT = f"#!{VENV}/bin/python3\nfrom maskwatch.cli import main\n\nmain()\n"


def build(system: System, into: Path, folder: Path, python: str | None, say: Callable[[str], None]) -> bool:
    """Make the tree.

    Args:
        system: of the unit.
        into: a new folder; it must not exist.
        folder: of wheels, see wheels.unpack.
        python: an interpreter of the unit's version, for the .pyc files; None: search one.
        say: called with a line about each step.

    Returns:
        Whether it contains .pyc files; if not, first boot makes them.
    """
    found = interpreter(system, python)
    site = into / "lib" / system.python_name / "site-packages"
    site.parent.mkdir(parents=True)
    wheels.unpack(system, folder, site, say)
    _slim(site)
    _add_ourselves(site)
    (into / "bin").mkdir()
    (into / "bin" / "maskwatch").write_text(SCRIPT)
    (into / "bin" / "maskwatch").chmod(0o755)
    (into / "pyvenv.cfg").write_text(_configuration(system))
    return _compile(system, into, found, say)


def interpreter(system: System, requested: str | None) -> str | None:
    """A Python on this machine whose .pyc files the unit's Python can read; None: there is none.

    Raises:
        FlashError: `requested` is not such a Python.
    """
    if requested is None and is_this_python(system):
        return sys.executable
    found = requested or shutil.which(system.python_name)
    if found is None:
        return None
    look = "import importlib.util, sys; sys.stdout.write(importlib.util.MAGIC_NUMBER.hex())"
    try:
        done = subprocess.run([found, "-I", "-c", look], capture_output=True, text=True, timeout=60, check=False)
        fits = done.stdout == system.magic.hex()
    except (OSError, subprocess.TimeoutExpired):
        fits = False
    if requested is not None and not fits:
        raise FlashError(
            f"--python {requested}: is not {system.python_name}, which makes the .pyc files for {system.name}"
        )
    return found if fits else None


def _configuration(system: System) -> str:
    version = f"{system.python[0]}.{system.python[1]}"
    return f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {version}\n"


def _slim(site: Path) -> None:
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        if path.is_file() and any(fnmatch.fnmatch(name, pattern) for pattern in (*LEFT_OUT, *LEFT_OUT_TOO)):
            path.unlink()


def _add_ourselves(site: Path) -> None:
    """Copy this package with the additional files of its wheel, and metadata for importlib.metadata."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {
            name for name in names if name in OURS_LEFT_OUT and (name != "flash" or Path(folder) == shipped.PACKAGE)
        }

    ours = site / "maskwatch"
    shutil.copytree(shipped.PACKAGE, ours, ignore=left_out)
    for folder, name in (
        ("systemd", "maskwatch.service"),
        ("constraints", "pi-trixie.txt"),
        ("constraints", "pi-bookworm.txt"),
    ):
        (ours / folder).mkdir(exist_ok=True)
        shutil.copyfile(shipped.path(folder, name), ours / folder / name)
    facts = site / f"maskwatch-{__version__}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: maskwatch\nVersion: {__version__}\n")
    (facts / "INSTALLER").write_text("maskwatch flash\n")


def _compile(system: System, tree: Path, found: str | None, say: Callable[[str], None]) -> bool:
    """Make .pyc files that are not checked against time stamps, which FAT and tar round. First boot compares all hashes
    instead."""
    if found is None:
        say(f"no {system.python_name} here, so the unit makes its .pyc files at first boot, which takes longer")
        return False
    say(f"making .pyc files with {found}")
    command = [found, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", VENV, str(tree)]
    # Some packages contain files that cannot be compiled (templates); the others are compiled anyway.
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return any(tree.rglob("*.pyc"))
