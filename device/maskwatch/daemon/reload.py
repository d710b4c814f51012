"""SIGHUP: read the settings again. Some are applied at once; the others take effect at the next start."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from maskwatch import config
from maskwatch.config import Settings, is_section
from maskwatch.config.settings_file import Place
from maskwatch.errors import ConfigError

logger = logging.getLogger(__name__)
READ_WITHIN = 10.0  # seconds that reading may take
# Sections and keys that can change while cameras, models and pins stay open. All others need one of them reopened.
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


def read(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings | str:
    """The settings in the file now, or the reason why it is refused. It raises nothing.

    Args:
        path: as given to config.load, like the environment.
    """
    try:
        return config.load(path, environment)
    except ConfigError as error:
        return str(error)
    except BaseException as error:  # e.g. a defect of a parser, or a lack of memory: the daemon must go on
        return f"config {path or config.default_path()}: cannot be read: {type(error).__name__}: {error}"


def reloaded(old: Settings, found: Settings | str, no_outputs: bool = False) -> Settings:
    """The effective settings after a reload; logs which keys changed and which take effect at the next start.

    A refused file changes nothing: the reason is logged, and `old` is returned.

    Args:
        old: the effective settings.
        found: see read.
        no_outputs: whether the unit may run without outputs.
    """
    if isinstance(found, Settings) and not (no_outputs or config.has_output(found)):
        found = config.NO_OUTPUT
    if isinstance(found, str):
        logger.error("%s; the settings stay as they were", found)
        return old
    mixed = in_force(old, found)
    if contradiction := next(config.contradictions(mixed), None):  # between settings applied now and those that wait
        logger.error("%s, until the next start; the settings stay as they were", contradiction)
        return old
    changed = list(changes(old, found))
    for place in changed:
        when = "in effect now" if is_live(place) else "takes effect at the next start"
        logger.info("%s changed: %s", ".".join(place), when)
    if not changed:
        logger.info("config read again: nothing changed")
    return mixed


class Reading:
    """Reads the settings on a separate thread, so that a slow disk cannot block the loop."""

    def __init__(self, read: Callable[[], Settings | str], clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            read: may take long; does not raise.
            clock: seconds, monotonic.
        """
        self._read, self._clock = read, clock
        self._thread: threading.Thread | None = None  # the one that reads
        self._found: Settings | str = ""
        self._began = 0.0  # seconds
        self._awaited = False  # whether its result will be used
        self._again = False  # whether the file may have changed since reading began

    def ask(self) -> None:
        """Read the file. If it is being read already, read it once more after that."""
        if self._thread is None:
            self._begin()
            return
        self._again = True
        if not self._awaited:  # that reading timed out and may never end; the new request waits for it as long
            self._awaited, self._began = True, self._clock()

    def result(self) -> Settings | str | None:
        """The result, once; None: nothing was requested, or reading goes on."""
        if self._thread is None:
            return None
        if self._thread.is_alive():
            return self._late()
        self._thread, awaited = None, self._awaited
        if self._again:
            self._begin()
            return None
        return self._found if awaited else None

    def _begin(self) -> None:
        self._again, self._awaited, self._began = False, True, self._clock()
        thread = threading.Thread(target=self._work, name="reading the config", daemon=True)
        thread.start()
        self._thread = thread

    def _late(self) -> str | None:
        """The message if reading takes too long; a later result is not used."""
        if not self._awaited or self._clock() - self._began < READ_WITHIN:
            return None
        self._awaited = False
        return f"config: could not be read within {READ_WITHIN:g} s"

    def _work(self) -> None:
        self._found = self._read()


def changes(old: BaseModel, new: BaseModel, above: Place = ()) -> Iterator[Place]:
    """The paths of the keys whose values differ; an added or removed section is one path."""
    for name, before in old:
        after, place = getattr(new, name), (*above, name)
        if is_section(before) and is_section(after):
            yield from changes(before, after, place)
        elif before != after:
            yield place


def is_live(place: Place) -> bool:
    """Whether a key, or an added or removed section, can change while the daemon runs."""
    return any(place[:depth] in LIVE for depth in range(1, len(place) + 1))


def in_force(old: Settings, new: Settings) -> Settings:
    """`old` with the keys of `new` that are live."""
    mixed: Settings = _mixed(old, new, ())
    return mixed


def _mixed(old: Any, new: Any, place: Place) -> Any:
    if is_live(place):
        return new
    if not (is_section(old) and is_section(new)):
        return old
    return old.model_copy(update={name: _mixed(value, getattr(new, name), (*place, name)) for name, value in old})
