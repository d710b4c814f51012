"""Wheels of maskwatch for `maskwatch update`: a later one, and one that is broken on purpose."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
FILES = ("pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("device", "constraints")  # what pyproject.toml puts into a wheel
LATER, BROKEN = "99.0.0", "99.0.1"  # versions


def build(folder: Path) -> tuple[Path, Path]:
    """A wheel that is this tree with another version, and one whose daemon cannot start."""
    later = _build(folder / "later", LATER)
    broken = folder / "broken"
    _copy(broken)
    unit = broken / "device" / "maskwatch" / "daemon" / "unit.py"
    unit.write_text(unit.read_text() + '\n\nraise RuntimeError("broken on purpose")\n')
    return later, _build(broken, BROKEN)


def _build(tree: Path, version: str) -> Path:
    if not tree.exists():
        _copy(tree)
    project = tree / "pyproject.toml"
    lines = project.read_text().splitlines()
    project.write_text("\n".join(f'version = "{version}"' if line.startswith("version =") else line for line in lines))
    package = tree / "device" / "maskwatch" / "__init__.py"
    package.write_text(re.sub(r"(?m)^__version__ = .*$", f'__version__ = "{version}"', package.read_text()))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tree.parent)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (wheel,) = tree.parent.glob(f"maskwatch-{version}-*.whl")
    return wheel


def _copy(tree: Path) -> None:
    tree.mkdir(parents=True)
    for name in FILES:
        shutil.copy(REPOSITORY / name, tree)
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
