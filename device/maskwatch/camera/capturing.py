"""The thread that opens a camera, captures, and opens it again when it failed.

One thread for everything, so a driver that hangs can never be followed by a second one hanging beside it: drivers bound
their own waiting, and one that does not come back holds its device anyway until the process ends, which it does after
`give_up` seconds.

Nothing that a driver raises ends it: a frame that cannot be used is left out, and any other failure opens the camera
again.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from maskwatch.camera.patience import Patience, State
from maskwatch.camera.pixels import FrameError
from maskwatch.camera.seam import in_a_line
from maskwatch.camera.watch import Sight, Watch
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

logger = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a camera is opened again; doubled each time
SETTLED = 60.0  # seconds an opening must have held for the delays to begin anew: one frame proves little
MOST_SPOILT = 10  # frames in a row that cannot be used, then the camera is opened again
MOST_TOLD = 20  # different lines; a text that is another one for each frame must not fill the journal
INTERVALS = 3  # of so many frames the longest tells how slow a camera is

Ahead = Callable[[Image], object]


class Grabber(Protocol):
    """Something that delivers one picture after the other, waiting for each a few seconds at most."""

    def grab(self) -> Image | None:
        """The next picture, (H, W, 3) uint8 RGB, nobody else's to write to; None when there will be no more.

        Raises:
            FrameError: this picture cannot be used, the next one may.
            SourceError: the camera failed.
        """

    def close(self) -> None:
        """Give the device back. Called on the thread that grabs. Raises SourceError when it cannot."""

    def describe(self) -> str:
        """The camera in a few words, or ""."""


class StaleError(SourceError):
    """The camera is to be opened again, though nothing is known to be wrong with it."""


@dataclass(slots=True)
class News:
    """What the capturing thread tells the loop. Both hold `changed` while they read or write it."""

    last: float  # seconds, when the last frame came, good or bad
    changed: threading.Condition = field(default_factory=threading.Condition)
    newest: Frame | None = None  # not yet read
    fault: str | None = None  # why the last opening failed, until a good frame comes
    heard: bool = True  # whether a read() has ended since the last failure: it ends at once, the next ones wait
    covered: bool = False
    interval: float | None = None  # see State
    finished: bool = False  # there will be no more frames
    died: BaseException | None = None  # a defect ended the thread itself
    described: str = ""

    @property
    def state(self) -> State:
        return State(self.fault, self.covered, self.last, self.interval)


class Capturing:
    """What runs on the thread."""

    def __init__(
        self,
        open_camera: Callable[[], Grabber],
        name: str,
        patience: Patience,
        news: News,
        clock: Callable[[], float],
        asked: tuple[int, int] | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        """
        Args:
            open_camera: opens it; may take long, raises SourceError.
            name: for messages.
            patience: when it counts as failed.
            news: written to.
            clock: seconds, monotonic.
            asked: width and height in pixels it was asked for; None: whatever it has.
            ahead: shown a frame before the loop can have it, unless one waits there already.
        """
        self._open, self._name, self._patience, self._news = open_camera, name, patience, news
        self._clock, self._asked, self._ahead = clock, asked, ahead
        self._start = news.last
        self._watch = Watch(patience.frozen, patience.dark)
        self._said: set[str] = set()
        self._spoilt = 0  # frames in a row that could not be used
        self._intervals: deque[float] = deque(maxlen=INTERVALS)  # seconds; of this opening
        self.left_out = 0  # frames in all that could not be used

    def run(self, first: Grabber | None, closing: threading.Event, pause: Callable[[float], object]) -> None:
        """Until there are no more frames, or `closing` is set.

        Args:
            first: the camera, when it is open already.
            closing: ends it before the next frame.
            pause: waits so many seconds between two openings.
        """
        try:
            self._supervise(first, closing, pause)
        except BaseException as error:  # no driver's: all of those are met below. The loop tells of it and ends
            self._news.died = error
            self._tell(f"capture ended: {in_a_line(error)}", error)
        finally:
            with self._news.changed:
                self._news.finished = True
                self._news.changed.notify()

    def _supervise(self, camera: Grabber | None, closing: threading.Event, pause: Callable[[float], object]) -> None:
        waits = delays()
        while not closing.is_set():
            begun = self._clock()
            try:
                camera = camera or self._open()
                self._follow(camera, closing)
                return
            except StaleError:
                waits = delays()
            except SourceError as error:
                self._failed(str(error).removeprefix(f"{self._name}: "))
            except BaseException as error:
                self._failed(f"failed: {in_a_line(error)}")
                self._tell(f"failed: {in_a_line(error)}", error)
            finally:
                if camera is not None:
                    self._give_back(camera)
            camera = None
            if self._clock() - begun >= SETTLED:
                waits = delays()
            pause(next(waits))

    def _failed(self, reason: str) -> None:
        with self._news.changed:
            self._news.fault, self._news.heard = reason, False
            self._news.changed.notify()

    def _follow(self, camera: Grabber, closing: threading.Event) -> None:
        """Pass its frames on until there are no more, or the source is closed.

        Raises:
            SourceError: it failed, and should be opened again.
        """
        self._watch.reopened()
        self._intervals.clear()
        self._spoilt = 0
        opened = self._clock()
        while not closing.is_set():
            try:
                image = camera.grab()
                if image is None:
                    return
                self._take(camera, image, opened)
                self._spoilt = 0
            except FrameError as error:
                self._leave_out(str(error).removeprefix(f"{self._name}: "), None)
            except SourceError:
                raise
            except Exception as error:  # a defect of a library or of ours; with another frame it may not show
                self._leave_out(in_a_line(error), error)

    def _take(self, camera: Grabber, image: Image, opened: float) -> None:
        now = self._clock()
        if self._watch.size is None:
            self._introduce(camera, (image.shape[1], image.shape[0]))
        sight = self._watch.look(image, now)
        if sight is Sight.RESIZED:
            raise SourceError(f"frames of {_size(image.shape[1::-1])}, {_size(self._watch.size)} until now")
        self._do_ahead(image, sight)
        self._publish(image, sight, now)
        if sight is Sight.STALE:
            raise StaleError("dark, and the same picture for long")
        # A camera just opened that still shows the frozen picture gets as much time as one that freezes.
        if sight is Sight.FROZEN and now - opened >= self._patience.frozen:
            raise SourceError(self._frozen)

    @property
    def _frozen(self) -> str:
        return f"frozen: the same picture for {self._patience.frozen:g} s"

    def _publish(self, image: Image, sight: Sight | None, now: float) -> None:
        news = self._news
        with news.changed:
            news.interval = self._interval(now - news.last)
            news.last = now
            if sight is Sight.FROZEN:
                news.fault = self._frozen
                return
            news.fault, news.covered = None, sight is Sight.DARK or (sight is Sight.STALE and news.covered)
            news.newest = Frame(image, now - self._start)
            news.changed.notify()

    def _interval(self, since_the_last: float) -> float:
        """Seconds between two frames lately. After an opening's first one nothing is known yet: as long as allowed."""
        if not self._intervals:
            self._intervals.append(0.0)
            return self._patience.stall
        self._intervals.append(since_the_last)
        return max(self._intervals)

    def _do_ahead(self, image: Image, sight: Sight | None) -> None:
        """Not beside a frame that waits to be read: a loop that is slow would leave most of them."""
        if self._ahead is None or sight is not None or self._news.newest is not None:
            return
        try:
            self._ahead(image)
        except Exception as error:  # the loop does it itself, and tells what comes of it
            self._tell(f"preparing a frame failed: {in_a_line(error)}", error)

    def _leave_out(self, reason: str, defect: Exception | None) -> None:
        """Count a frame that cannot be used.

        Raises:
            SourceError: there were too many in a row.
        """
        self._spoilt += 1
        self.left_out += 1
        self._tell(f"a frame was left out: {reason}", defect)
        if self._spoilt >= MOST_SPOILT:
            raise SourceError(f"{MOST_SPOILT} frames in a row cannot be used: {reason}")

    def _tell(self, text: str, defect: BaseException | None) -> None:
        """Once, however often it happens; of a defect with the place in the code."""
        if text not in self._said and len(self._said) < MOST_TOLD:
            self._said.add(text)
            logger.warning("%s: %s", self._name, text, exc_info=defect)

    def _introduce(self, camera: Grabber, size: tuple[int, int]) -> None:
        """At an opening's first frame: what the camera is, and whether it gives what it was asked for."""
        notes = [camera.describe()]
        if self._asked is not None and size != self._asked:
            notes.append(f"frames of {_size(size)}, {_size(self._asked)} were asked for")
            if notes[-1] not in self._news.described:  # not again at each opening
                logger.warning("%s: %s", self._name, notes[-1])
        with self._news.changed:
            self._news.described = ", ".join(filter(None, notes))

    def _give_back(self, camera: Grabber) -> None:
        try:
            camera.close()
        except SourceError as error:  # it had failed before; opening it again will tell whether that matters
            logger.debug("%s", error)
        except BaseException as error:
            self._tell(f"closing failed: {in_a_line(error)}", error)


def delays() -> Iterator[float]:
    """Seconds to wait before each opening: 0.5, 1, 2 … 30, 30."""
    delay = FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_DELAY)


def _size(size: tuple[int, ...] | None) -> str:
    return "x".join(map(str, size or ()))
