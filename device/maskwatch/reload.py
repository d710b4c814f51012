"""SIGHUP: the settings are read anew. What can change while the watch goes on does; the rest waits for a start."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from maskwatch import config
from maskwatch.config import Settings, is_section
from maskwatch.errors import ConfigError
from maskwatch.settings_file import Place

logger = logging.getLogger(__name__)
# Sections and keys that can change while cameras, models and pins stay open. Everything else names one of those.
LIVE: frozenset[Place] = frozenset(
    {
        ("zone",),
        ("face", "min_size"),
        ("opinion",),
        ("alert",),
        ("outputs", "give_up"),
        ("buttons", "mute", "lasts"),
        ("power",),
        ("log", "level"),
    }
)


def reload_on_signal() -> threading.Event:
    """An event that SIGHUP (systemctl reload) sets; whoever reads the settings anew clears it. Main thread only."""
    wanted = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: wanted.set())
    return wanted


def reloaded(old: Settings, path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force after reading the file again; says in the log which keys changed and which must wait.

    A file that is refused changes nothing: the log gets its one line, and `old` itself comes back.

    Args:
        old: what is in force.
        path: as given to config.load, like the environment.
    """
    try:
        new = config.load(path, environment)
    except ConfigError as error:
        logger.error("%s; the settings stay as they were", error)
        return old
    changed = list(changes(old, new))
    for place in changed:
        when = "in force now" if is_live(place) else "takes effect at the next start"
        logger.info("%s changed: %s", ".".join(place), when)
    if not changed:
        logger.info("config read again: nothing changed")
    return in_force(old, new)


def changes(old: BaseModel, new: BaseModel, above: Place = ()) -> Iterator[Place]:
    """The keys whose values differ; a section that came or went is one place."""
    for name, before in old:
        after, place = getattr(new, name), (*above, name)
        if is_section(before) and is_section(after):
            yield from changes(before, after, place)
        elif before != after:
            yield place


def is_live(place: Place) -> bool:
    """Whether a key, or a section that came or went, can change while the watch goes on."""
    return any(place[:depth] in LIVE for depth in range(1, len(place) + 1))


def in_force(old: Settings, new: Settings) -> Settings:
    """`old` with the live keys of `new`."""
    mixed: Settings = _mixed(old, new, ())
    return mixed


def _mixed(old: Any, new: Any, place: Place) -> Any:
    if is_live(place):
        return new
    if not (is_section(old) and is_section(new)):
        return old
    return old.model_copy(update={name: _mixed(value, getattr(new, name), (*place, name)) for name, value in old})
