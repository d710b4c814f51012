"""The trees in /opt/maskwatch/trees, and the link to the one in use, which is changed by a single rename."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from maskwatch.install.machine import Machine
from maskwatch.install.places import HOME, PREVIOUS, TREES, VENV
from maskwatch.system import whole_file


def use(machine: Machine, tree: Path) -> None:
    """Use a tree from now on; the one used before is kept.

    If there is a folder instead of the link (a venv made by hand), it becomes a tree itself.
    """
    link = machine.at(VENV)
    if link.is_dir() and not link.is_symlink():
        kept = machine.at(f"{TREES}/by-hand")
        kept.parent.mkdir(parents=True, exist_ok=True)
        link.rename(kept)
        _point(machine.at(PREVIOUS), kept)
    elif (before := in_use(machine)) is not None and before.name != tree.name:
        _point(machine.at(PREVIOUS), before)
    _point(link, tree)


def in_use(machine: Machine) -> Path | None:
    """The tree in use; None: there is none."""
    return _tree(machine, VENV)


def previous(machine: Machine) -> Path | None:
    """The tree that was in use before; None: there is none."""
    return _tree(machine, PREVIOUS)


def go_back(machine: Machine) -> Path:
    """Use the previous tree again, and remove the one that was tried.

    The link is changed first, by one rename, so a power cut leaves either the old state or the new one.
    """
    bad, good = in_use(machine), previous(machine)
    assert good is not None
    _point(machine.at(VENV), good)
    if bad is not None and bad != good:
        shutil.rmtree(bad, ignore_errors=True)
    return good


def remove_others(machine: Machine) -> None:
    """Remove all trees except the one in use and the previous one."""
    keep = {tree.name for tree in (in_use(machine), previous(machine)) if tree is not None}
    for tree in machine.at(TREES).iterdir():
        if tree.name not in keep:
            shutil.rmtree(tree, ignore_errors=True)


def _tree(machine: Machine, link: str) -> Path | None:
    path = machine.at(link)
    if not path.is_symlink():
        return None
    tree = machine.at(HOME) / os.readlink(path)  # noqa: PTH115 - the text of the link, not resolved
    return tree if tree.is_dir() else None


def _point(link: Path, tree: Path) -> None:
    """Set a link atomically. It is relative, because the machine's root may be a folder."""
    link.parent.mkdir(parents=True, exist_ok=True)
    whole_file.link(link, Path("trees") / tree.name)
