"""Remembers in systemd's state directory which foreign models passed their trial, so that no start tries one again.

If the file is lost or cannot be read, the model is tried again, which takes some seconds.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from maskwatch.system import regular_file, whole_file

logger = logging.getLogger(__name__)
NAME = "models.json"
MOST = 16  # newest models that are remembered
LIMIT = 16 << 10  # bytes of the file


def knows(key: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the model with this key passed a trial."""
    path = _path(environment)
    return path is not None and key in _read(path)


def add(key: str, environment: Mapping[str, str] = os.environ) -> None:
    """Remember that a model passed. Without a state directory it does nothing; a failure is logged."""
    path = _path(environment)
    if path is None:
        return
    others = [other for other in _read(path) if other != key]
    keys = [*others[1 - MOST :], key]
    try:
        whole_file.write(path, json.dumps({"tried": keys}))
    except OSError as error:
        logger.warning("%s: cannot be written (%s); the model will be tried at each start", path, error.strerror)


def _read(path: Path) -> list[str]:
    try:
        keys = json.loads(regular_file.read(path, LIMIT))["tried"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _path(environment: Mapping[str, str]) -> Path | None:
    folder = environment.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd separates several folders by colons
    return Path(folder) / NAME if folder else None
