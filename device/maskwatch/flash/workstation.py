"""The folders of the user who runs `maskwatch flash`, also with sudo, which otherwise means root's."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from pathlib import Path


def home() -> Path:
    """The home of the user; with sudo, of the user who called sudo."""
    caller = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    if caller:
        with contextlib.suppress(KeyError):  # this computer has no such account any more: root's home is used
            return Path(pwd.getpwnam(caller).pw_dir)
    return Path.home()


def expanded(name: str) -> Path:
    """A path from a file of the user's, with ~ as their home."""
    if name == "~" or name.startswith("~/"):
        return home() / name[2:]
    return Path(name).expanduser()


def cache() -> Path:
    """The folder in which downloads are kept.

    With sudo it is the caller's if they have one already: root would otherwise make one there that its owner cannot
    write to.
    """
    of_caller = _cache_in(home())
    return of_caller if of_caller.is_dir() else _cache_in(Path.home())


def _cache_in(folder: Path) -> Path:
    if sys.platform == "darwin":
        return folder / "Library" / "Caches" / "maskwatch"
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else folder / ".cache") / "maskwatch"
