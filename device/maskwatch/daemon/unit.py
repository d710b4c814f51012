"""`maskwatch run` as a whole: settings, parts, signals, and streams that cannot block."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maskwatch import config
from maskwatch.camera.credentials import warn_of_option
from maskwatch.config import Settings
from maskwatch.daemon import loop, parts, reload
from maskwatch.daemon.signals import Requests
from maskwatch.daemon.systemd import Notifier, log_format
from maskwatch.daemon.timing import StageTimes
from maskwatch.errors import ConfigError
from maskwatch.outputs import log
from maskwatch.system.nonblocking_stream import Unblocked, close_all, writing_to

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """The options of the command line; see cli.commands.run."""

    config_path: Path | None = None
    source: str | None = None
    as_json: bool = False
    show_pins: bool = False
    duration: float = float("inf")  # seconds
    profile: bool = False
    no_outputs: bool = False


def run(call: Call, requests: Requests) -> bool:
    """Watch until the source ends, `requests` says stop, or the duration is over.

    Returns:
        Whether the watch began; a stop may be requested before that.

    Raises:
        MaskwatchError: the settings are refused, or a part fails permanently.
    """
    out = Unblocked(writing_to(sys.stdout), lambda lines: f"{log.dropped(lines, call.as_json)}\n")
    err = Unblocked(writing_to(sys.stderr), _dropped)
    root = logging.getLogger()
    root.handlers, before = [_handler(err)], root.handlers
    logging.captureWarnings(True)
    try:
        with contextlib.redirect_stderr(err):  # also for what Python prints when a thread or a finaliser raises
            return _watch(call, requests, out, err)
    finally:
        root.handlers = before
        logging.captureWarnings(False)
        close_all([out, err])


def settings_of(path: Path | None, environment: Mapping[str, str], no_outputs: bool) -> Settings:
    """The settings to start with.

    Raises:
        ConfigError: the file is refused, or names no output although `no_outputs` is False.
    """
    settings = config.load(path, environment)
    if not (no_outputs or config.has_output(settings)):
        raise ConfigError(f"config {path or config.default_path()}: {config.NO_OUTPUT}")
    return settings


def _watch(call: Call, requests: Requests, out: Unblocked, err: Unblocked) -> bool:
    environment = config.with_source(os.environ, call.source)
    settings = settings_of(call.config_path, environment, call.no_outputs)
    warn_of_option(call.source)
    _set_level(settings)
    if requests.stop.is_set():
        return False
    stages, notifier = StageTimes(), Notifier.from_environment()
    opened = parts.build(settings, log=log.LogOutput(out, call.as_json), show_pins=call.show_pins)
    turn = _Turn(call, requests, notifier, opened, settings, environment)
    loop.run(opened, requests.stop, call.duration, stages, notifier, turn)
    if call.profile:
        err.write(f"{stages.table()}\n")
    return turn.came


class _Turn:
    """Called before each frame: reads the settings again when a signal requested it."""

    def __init__(
        self,
        call: Call,
        requests: Requests,
        notifier: Notifier,
        opened: parts.Parts,
        settings: Settings,
        environment: Mapping[str, str],
    ) -> None:
        self.came = False
        self._call, self._requests, self._notifier, self._opened = call, requests, notifier, opened
        self._settings = settings
        self._reading = reload.Reading(partial(reload.read, call.config_path, environment))

    def __call__(self) -> None:
        self.came = True
        try:
            self._heed()
        except Exception as error:  # e.g. no thread can be started: a reload must never end the daemon
            logger.error("%s: %s; the settings stay as they were", type(error).__name__, error)
            self._notifier.ready()

    def _heed(self) -> None:
        if self._requests.reload.is_set():
            self._requests.reload.clear()
            self._notifier.reloading()
            self._reading.ask()
        if (found := self._reading.result()) is not None:
            self._follow(reload.reloaded(self._settings, found, self._call.no_outputs))
            self._notifier.ready()

    def _follow(self, settings: Settings) -> None:
        try:
            parts.adjust(self._opened, settings)
        except Exception as error:  # e.g. the time zone's file cannot be read now
            logger.error("%s: %s; the settings stay as they were", type(error).__name__, error)
            parts.adjust(self._opened, self._settings)
            return
        self._settings = settings
        _set_level(settings)


def _set_level(settings: Settings) -> None:
    logging.getLogger().setLevel(settings.log.level.upper())


def _handler(stream: Unblocked) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log_format())
    return handler


def _dropped(lines: int) -> str:
    text = f"{lines} log lines were dropped: nobody reads them"
    record = logging.makeLogRecord({"levelno": logging.WARNING, "msg": text})
    return f"{log_format().format(record)}\n"
