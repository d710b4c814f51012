"""A chime or a spoken message in an alert, through a loudspeaker."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from maskwatch.config import OutputsSettings, SoundSettings
from maskwatch.errors import OutputError
from maskwatch.flow import Signal
from maskwatch.outputs import Output
from maskwatch.outputs.aplay import Player
from maskwatch.outputs.wav import Clip, chime, read

POLL = 0.1  # seconds between two checks while a sound plays
PROBE = 600.0  # seconds between two tests of a silent device, which find a lost one before an alert; some devices click
OPENS_WITHIN = 3.0  # seconds to open the device: enough for a Pi that boots, and shorter than worker.HUNG
RETRY = 10.0  # seconds until a failed device is tested again while nothing has to be played


class SoundOutput(Output):
    """Plays a clip in an alert, with pauses in between.

    beat() raises OutputError while the device cannot be used, also if nothing has to be played.

    Raises:
        OutputError: the file cannot be used, or aplay is not installed.
    """

    name, shows_alerts = "sound", True

    def __init__(self, settings: SoundSettings) -> None:
        self._player = Player(clip(settings), settings.device)
        self._pause = settings.pause  # seconds
        self._signal: Signal | None = None
        self._muted_until = self._test_until = -math.inf
        self._plays = False
        self._due = self._probe_due = -math.inf  # seconds, of the next sound and of the next test of the device
        self._failure: OutputError | None = None

    def show(self, signal: Signal) -> None:
        self._signal = signal

    def mute(self, until: float) -> None:
        self._muted_until = until

    def test(self, until: float) -> None:
        self._test_until = until

    def beat(self, now: float) -> float:
        try:
            wait = self._follow(now)
        except OutputError as error:
            self._failure, self._plays = error, False
            self._probe_due = min(self._probe_due, now + RETRY)
            raise
        self._failure = None
        ends = [until - now for until in (self._muted_until, self._test_until) if until > now]
        return min([wait, *ends])

    def close(self) -> None:
        self._player.close()

    def _follow(self, now: float) -> float:
        """Do what is due; return the seconds until something is due again."""
        if self._is_wanted(now):
            return self._sound(now)
        if self._plays:
            self._player.stop()
            self._plays, self._probe_due = False, now + PROBE
        self._due = -math.inf  # so that the next alert sounds at once
        self._look(now)
        return self._probe_due - now

    def _sound(self, now: float) -> float:
        if self._plays and self._player.is_playing(now):
            return POLL
        if self._plays:
            self._plays, self._due, self._probe_due = False, now + self._pause, now + PROBE
        if now < self._due:
            return self._due - now
        if self._failure:  # test the device before its failure counts as over
            self._player.probe(OPENS_WITHIN)
        self._player.start(now)
        self._plays = True
        return POLL

    def _look(self, now: float) -> None:
        if now >= self._probe_due:
            self._probe_due = math.inf  # if it fails, beat() sets the next time
            self._player.probe(OPENS_WITHIN)
            self._probe_due = now + PROBE
        elif self._failure:
            raise OutputError(str(self._failure))  # a new one: the traceback of the same one would grow each time

    def _is_wanted(self, now: float) -> bool:
        return now < self._test_until or (self._signal is Signal.ALERT and now >= self._muted_until)


def open_sound(settings: OutputsSettings) -> list[SoundOutput]:
    """The sound, if the settings name one.

    Raises:
        OutputError: see SoundOutput.
    """
    return [SoundOutput(settings.sound)] if settings.sound else []


def clip(settings: SoundSettings) -> Clip:
    """The clip to play.

    Raises:
        OutputError: the file cannot be used.
    """
    if settings.file is None:
        return chime(settings.volume)
    return read(Path(settings.file), settings.volume)


def play_once(settings: SoundSettings, say: Callable[[str], None], wait: Callable[[float], object]) -> None:
    """Play the clip to its end, for test-alert.

    Args:
        settings: [outputs.sound].
        say: called before it plays, with what should be heard.
        wait: sleeps for the given seconds.

    Raises:
        OutputError: see SoundOutput; or the device cannot be used.
    """
    sound, now = clip(settings), 0.0
    player = Player(sound, settings.device)
    try:
        say(f"sound: {sound.name}, {sound.seconds:.1f} s, to device {settings.device!r} (alert)")
        player.start(now)
        while player.is_playing(now):
            wait(POLL)
            now += POLL
    finally:
        player.close()


def described(settings: SoundSettings) -> str:
    """E.g. `door.wav plays 3.2 s to device 'default'`, after a test that the device can be opened.

    Raises:
        OutputError: see SoundOutput; or the device cannot be used.
    """
    sound = clip(settings)
    player = Player(sound, settings.device)
    try:
        player.probe(OPENS_WITHIN)
    finally:
        player.close()
    return f"{sound.name} plays {sound.seconds:.1f} s to device {settings.device!r}"
