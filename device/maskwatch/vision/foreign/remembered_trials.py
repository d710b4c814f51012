"""Which foreign models have been tried, remembered in systemd's state directory: a start tries none twice.

Losing the file costs the seconds of another trial. One that cannot be read counts as lost.
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
MOST = 16  # models remembered, the newest
LIMIT = 16 << 10  # bytes of the file


def knows(key: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a model, named by what add() was given, has been tried and taken."""
    path = _path(environment)
    return path is not None and key in _read(path)


def add(key: str, environment: Mapping[str, str] = os.environ) -> None:
    """Remember a model. Without a state directory nothing happens; a failure is a log line."""
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
    folder = environment.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd names all, with colons between them
    return Path(folder) / NAME if folder else None
