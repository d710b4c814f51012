"""What is slow to build is built once, into a folder outside the tree that MASKWATCH_PI_CACHE names."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

ENVIRONMENT = "MASKWATCH_PI_CACHE"
DEFAULT = Path.home() / ".cache" / "maskwatch-pi"


def folder() -> Path:
    """The folder, made if it is not there."""
    path = Path(os.environ.get(ENVIRONMENT) or DEFAULT)
    path.mkdir(parents=True, exist_ok=True)
    return path


def built(name: str, recipe: Iterable[bytes], build: Callable[[Path], None]) -> Path:
    """A folder in the cache, built anew when its recipe changes. One that was cut short is never taken for a whole one.

    Args:
        name: of the folder, for a reader.
        recipe: everything that the result depends on.
        build: fills an empty folder.
    """
    digest = hashlib.sha256()
    for part in recipe:
        digest.update(len(part).to_bytes(8, "big") + part)
    path = folder() / f"{name}-{digest.hexdigest()[:12]}"
    if not path.is_dir():
        unfinished = path.with_name(path.name + ".unfinished")
        for left in folder().glob(f"{name}-*.unfinished"):
            shutil.rmtree(left)
        unfinished.mkdir()
        build(unfinished)
        unfinished.rename(path)
    return path
