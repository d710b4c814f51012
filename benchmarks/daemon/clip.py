"""Plays a clip to the daemon as a camera would: on a separate thread, and only the newest frame is kept.

Its frames are in a raw file and are read one by one, so that the clip takes none of the measured memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from maskwatch.camera import Source, demo, live
from maskwatch.camera.failure import FailureLimits
from maskwatch.camera.intake import Prepare
from maskwatch.config import CameraSettings
from maskwatch.flow import Frame, Image

SHAPE = (demo.HEIGHT, demo.WIDTH, 3)
POLL = 0.05  # seconds; a stop may go unnoticed this long while no frame is wanted


@dataclass(frozen=True, slots=True)
class Clip:
    """A raw file of (480, 640, 3) uint8 RGB frames, and the order in which they are shown, again and again."""

    path: Path
    order: tuple[int, ...]


def write(path: Path, images: Iterable[Image], order: Sequence[int]) -> Clip:
    """Write the frames into `path`; `order` holds their indices, from 0."""
    with path.open("wb") as file:
        for image in images:
            file.write(image.tobytes())
    return Clip(path, tuple(order))


class Elapsed:
    """Seconds since it was first read, so that a camera which reads it first has frames with exact times."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start: float | None = None

    def __call__(self) -> float:
        now = self._clock()
        self._start = now if self._start is None else self._start
        return now - self._start


class Pace(Protocol):
    """Says when a camera has frames; has its clock."""

    def clock(self) -> float:
        """Seconds; the frames' times."""

    def next(self) -> int | None:
        """Wait for the next frame; returns its number from the start, or None when there will be no more."""


class Steady:
    """A fixed number of frames a second. On a slow machine frames are skipped, because a camera does not wait."""

    def __init__(self, fps: float, stop: threading.Event, clock: Callable[[], float]) -> None:
        self._fps, self._stop, self.clock = fps, stop, clock
        self.begun: float | None = None  # seconds, when the first frame was due
        self._number = -1

    def next(self) -> int | None:
        now = self.clock()
        self.begun = now if self.begun is None else self.begun
        self._number = max(self._number + 1, int((now - self.begun) * self._fps))
        ended = self._stop.wait(max(0.0, self.begun + self._number / self._fps - now))
        return None if ended else self._number


class OnDemand:
    """The next frame as soon as the last one was taken, so that the loop never waits.

    Time advances by 1 / fps a frame, so that people are judged as often as with a camera of that rate. If the machine
    needs longer for a frame, time advances by what it needs.
    """

    def __init__(self, fps: float, stop: threading.Event, now: Callable[[], float] = time.monotonic) -> None:
        self._fps, self._stop, self._now = fps, stop, now
        self._wanted = threading.Semaphore(1)
        self._start, self._left_out = now(), 0.0
        self._time, self._number = 0.0, -1

    def clock(self) -> float:
        return self._time

    def taken(self) -> None:
        """The loop has a frame: the next one is wanted."""
        self._wanted.release()

    def leave_out(self, seconds: float) -> None:
        """Do not count these seconds, because the daemon did not use them."""
        self._left_out += seconds

    def next(self) -> int | None:
        while not self._wanted.acquire(timeout=POLL):
            if self._stop.is_set():
                return None
        self._number += 1
        self._time = max(self._time + 1 / self._fps, self._now() - self._start - self._left_out)
        return self._number


class Player:
    """A clip as a grabber.Grabber: each frame is read into new memory, as when a driver's buffer is copied."""

    def __init__(self, clip: Clip, pace: Pace) -> None:
        self._clip, self._pace = clip, pace
        self._file = clip.path.open("rb", buffering=0)
        self.captured = 0  # frames

    def grab(self) -> Image | None:
        number = self._pace.next()
        if number is None:
            return None
        image = np.empty(SHAPE, np.uint8)
        self._file.seek(self._clip.order[number % len(self._clip.order)] * image.nbytes)
        self._file.readinto(image.data)
        self.captured += 1
        return image

    def close(self) -> None:
        self._file.close()

    def describe(self) -> str:
        return "a clip"


def camera(player: Player, pace: Pace, settings: CameraSettings, prepare: Prepare) -> live.Live:
    """The clip as the daemon sees a camera, watched for stalls, frozen and dark pictures.

    `prepare`: the work that the daemon does on the capturing thread, see live.Live.
    """
    limits = FailureLimits(settings.stall, settings.frozen, settings.dark, settings.give_up)
    return live.Live(lambda: player, "clip", limits, player, prepare=prepare, clock=pace.clock)


class ObservedSource:
    """A source that calls `on_frame` with each frame that the loop takes."""

    def __init__(self, source: Source, on_frame: Callable[[Frame], None]) -> None:
        self._source, self._on_frame = source, on_frame

    @property
    def ended(self) -> bool:
        return self._source.ended

    @property
    def trouble(self) -> str | None:
        return self._source.trouble

    def read(self, wait: float) -> Frame | None:
        frame = self._source.read(wait)
        if frame is not None:
            self._on_frame(frame)
        return frame

    def describe(self) -> str:
        return self._source.describe()

    def close(self) -> None:
        self._source.close()
