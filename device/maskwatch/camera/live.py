"""Live cameras: one thread opens, captures, and opens again what failed; only the newest frame is kept.

One thread for everything, so a driver that hangs can never be followed by a second one hanging beside it: drivers bound
their own waiting, and one that does not come back holds its device anyway until the process ends, which it does after
`give_up` seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from maskwatch import ending
from maskwatch.camera.watch import Sight, Watch
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

logger = logging.getLogger(__name__)

CLOSE_WITHIN = 2.0  # seconds a driver that hangs is waited for
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a camera is opened again; doubled each time
SETTLED = 60.0  # seconds an opening must have held for the delays to begin anew: one frame proves little


Ahead = Callable[[Image], object]


class Grabber(Protocol):
    """Something that delivers one picture after the other, waiting for each a few seconds at most."""

    def grab(self) -> Image | None:
        """The next picture, nobody else's to write to; None when there will be no more.

        Raises:
            SourceError: the camera failed.
        """

    def close(self) -> None:
        """Give the device back. Called on the thread that grabs. Raises SourceError when it cannot."""

    def describe(self) -> str:
        """The camera in a few words, or ""."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each failing is borne, seconds. See config.CameraSettings."""

    stall: float
    frozen: float = 0.0  # 0: never looked for
    dark: float = 0.0  # 0: never looked for
    give_up: float = 120.0


class Live:
    """The newest frame of a camera that is opened again when it fails. Frame times are seconds since the start."""

    def __init__(
        self,
        open_camera: Callable[[], Grabber],
        name: str,
        patience: Patience,
        first: Grabber | None = None,
        asked: tuple[int, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        """
        Args:
            open_camera: opens it; may take long, raises SourceError. Runs on the capturing thread.
            name: for messages.
            patience: when it counts as failed, and for how long that is borne.
            first: the camera, when it is open already.
            asked: width and height in pixels it was asked for; None: whatever it has.
            clock: seconds, monotonic.
            pause: waits so many seconds between two openings; by default close() cuts it short.
            ahead: shown a frame on the capturing thread before read() can have it, unless one waits there already.
        """
        self._open, self._name, self._patience, self._first, self._asked = open_camera, name, patience, first, asked
        self._ahead, self._clock = ahead, clock
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._watch = Watch(patience.frozen, patience.dark)
        # Written by the capturing thread, read by the loop's, under this lock.
        self._news = threading.Condition()
        self._newest: Frame | None = None
        self._start = self._last = clock()  # _last: when the last frame came, good or bad
        self._fault: str | None = None  # why the last opening failed, until a good frame comes
        self._heard = True  # whether a read() has ended since the last failure: it ends at once, the next ones wait
        self._covered = False
        self._finished = False  # there will be no more frames
        self._error: Exception | None = None
        self._described = ""
        # The loop's own.
        self.trouble: str | None = None
        self._said: set[str] = set()
        self._trouble_since = self._start
        self._blind_since: float | None = None  # since when there are no frames to look at
        self._thread = threading.Thread(target=self._capture, name=f"capture {name}", daemon=True)
        ending.waits_in_a_library(self._thread)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return self._finished and self._newest is None and self._error is None

    def read(self, wait: float) -> Frame | None:
        """The newest frame not yet read, waiting up to `wait` seconds for one; None also while there is trouble.

        Raises:
            SourceError: the camera could not be had for `give_up` seconds.
        """
        with self._news:
            self._news.wait_for(lambda: self._newest is not None or self._finished or not self._heard, wait)
            self._heard = True
            frame, self._newest = self._newest, None
            error = self._error
            if frame is None and error is not None:
                self._error = None
                raise error
            if not self._finished:
                self._judge(self._clock())
        return frame

    def describe(self) -> str:
        """The camera in a few words, once a frame came: what it is, and whether its frames have another size."""
        with self._news:
            return self._described

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_WITHIN)

    # -- on the loop's thread ---------------------------------------------------------------------------------------

    def _judge(self, now: float) -> None:
        """Bring `trouble` up to date, say what changed, and give up in the end."""
        blind = self._blind(now)
        covered = f"covered: black or featureless for {self._patience.dark:g} s" if self._covered else None
        self._say(blind or covered, now)
        if blind is None:
            self._blind_since = None
        elif self._blind_since is None:
            self._blind_since = now
        if self._blind_since is not None and now - self._blind_since >= self._patience.give_up:
            raise SourceError(f"{self._name}: {blind}; given up after {self._patience.give_up:g} s")

    def _blind(self, now: float) -> str | None:
        if self._fault is None and now - self._last > self._patience.stall:
            return f"no frame for {self._patience.stall:g} s"
        return self._fault

    def _say(self, trouble: str | None, now: float) -> None:
        """A line for each reason, once, and one when it is over."""
        if trouble is None and self.trouble is not None:
            logger.info("%s: sees again, after %.0f s", self._name, now - self._trouble_since)
        if trouble is not None and self.trouble is None:
            self._trouble_since, self._said = now, set()
        if trouble is not None and trouble not in self._said:
            self._said.add(trouble)
            logger.warning("%s: %s", self._name, trouble)
        self.trouble = trouble

    # -- on the capturing thread ------------------------------------------------------------------------------------

    def _capture(self) -> None:
        try:
            self._supervise()
        except Exception as error:  # a defect, no failing camera: raised again by read(), with its traceback
            self._error = error
        finally:
            with self._news:
                self._finished = True
                self._news.notify()

    def _supervise(self) -> None:
        camera, self._first = self._first, None
        waits = delays()
        while not self._closing.is_set():
            begun = self._clock()
            try:
                camera = camera or self._open()
                self._follow(camera)
                return
            except SourceError as error:
                with self._news:
                    self._fault, self._heard = str(error).removeprefix(f"{self._name}: "), False
                    self._news.notify()
            finally:
                if camera is not None:
                    self._give_back(camera)
            camera = None
            if self._clock() - begun >= SETTLED:
                waits = delays()
            self._pause(next(waits))

    def _follow(self, camera: Grabber) -> None:
        """Pass its frames on until there are no more, or the source is closed.

        Raises:
            SourceError: it failed, and should be opened again.
        """
        self._watch.reopened()
        opened = self._clock()
        frozen = f"frozen: the same picture for {self._patience.frozen:g} s"
        while not self._closing.is_set() and (image := camera.grab()) is not None:
            now = self._clock()
            if self._watch.size is None:
                self._introduce(camera, (image.shape[1], image.shape[0]))
            sight = self._watch.look(image, now)
            if sight is Sight.RESIZED:
                raise SourceError(f"frames of {_size(image.shape[1::-1])}, {_size(self._watch.size)} until now")
            # Not beside one that waits to be read: a loop that is slow would leave most of them.
            if self._ahead and sight is None and self._newest is None:
                self._ahead(image)
            with self._news:
                self._last = now
                if sight is Sight.FROZEN:
                    self._fault = frozen
                else:
                    self._fault, self._covered = None, sight is Sight.DARK
                    self._newest = Frame(image, now - self._start)
                    self._news.notify()
            # A camera just opened that still shows the frozen picture gets as much time as one that freezes.
            if sight is Sight.FROZEN and now - opened >= self._patience.frozen:
                raise SourceError(frozen)

    def _introduce(self, camera: Grabber, size: tuple[int, int]) -> None:
        """At an opening's first frame: what the camera is, and whether it gives what it was asked for."""
        notes = [camera.describe()]
        if self._asked is not None and size != self._asked:
            notes.append(f"frames of {_size(size)}, {_size(self._asked)} were asked for")
            if notes[-1] not in self._described:  # not again at each opening
                logger.warning("%s: %s", self._name, notes[-1])
        with self._news:
            self._described = ", ".join(filter(None, notes))

    def _give_back(self, camera: Grabber) -> None:
        try:
            camera.close()
        except SourceError as error:  # it had failed before; opening it again will tell whether that matters
            logger.debug("%s", error)


def delays() -> Iterator[float]:
    """Seconds to wait before each opening: 0.5, 1, 2 … 30, 30."""
    delay = FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_DELAY)


def _size(size: tuple[int, ...] | None) -> str:
    return "x".join(map(str, size or ()))
