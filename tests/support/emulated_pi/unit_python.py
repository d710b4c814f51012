"""A Python of the unit's version on this machine, for .pyc files: an emulated processor takes minutes to make them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NAME = "python3.13"  # Debian's, in the image
KEPT = Path.home() / ".pyenv" / "versions"  # pyenv's command of this name fails where no version is chosen


def found() -> str | None:
    """Its program; None: there is none that runs."""
    places = [shutil.which(NAME), *map(str, sorted(KEPT.glob(f"*/bin/{NAME}")))]
    return next((place for place in places if place and _runs(place)), None)


def _runs(program: str) -> bool:
    return subprocess.run([program, "-c", ""], check=False, capture_output=True).returncode == 0
