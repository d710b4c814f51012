"""What happens to each picture of a live camera before the loop can read it. Runs on the capture thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from maskwatch.camera.failure import CameraState, FailureLimits
from maskwatch.camera.grabber import Grabber
from maskwatch.camera.health import PictureFault, PictureHealth
from maskwatch.camera.library_errors import in_a_line
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

logger = logging.getLogger(__name__)

MOST_SPOILT = 10  # unusable frames in a row, after which the camera is opened again
MOST_TOLD = 20  # different log lines; a message that changes with each frame must not fill the journal
INTERVALS = 3  # frames; the longest time between two of them is the camera's pace

Prepare = Callable[[Image], object]  # starts work on a frame before the loop reads it


class StaleError(SourceError):
    """The camera must be opened again, although no failure of it is known."""


@dataclass(slots=True)
class News:
    """What the capture thread reports to the loop. Each thread holds `changed` while it reads or writes it."""

    last: float  # seconds, when the last frame came, good or bad
    changed: threading.Condition = field(default_factory=threading.Condition)
    newest: Frame | None = None  # not yet read
    fault: str | None = None  # why the last opening failed; None once a good frame comes
    failure_reported: bool = True  # False from a failure until the next read(), which then returns at once
    covered: bool = False
    interval: float | None = None  # see CameraState
    finished: bool = False  # there will be no more frames
    died: BaseException | None = None  # a defect in our code ended the capture thread
    described: str = ""

    @property
    def state(self) -> CameraState:
        return CameraState(self.fault, self.covered, self.last, self.interval)


class Intake:
    """Checks each picture of a camera and publishes it in News. Frame times are seconds since the first News."""

    def __init__(
        self,
        name: str,
        limits: FailureLimits,
        news: News,
        clock: Callable[[], float],
        requested_size: tuple[int, int] | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        """
        Args:
            name: for messages.
            limits: how long each kind of failure may last.
            news: written to.
            clock: seconds, monotonic.
            requested_size: width and height in pixels that the camera was asked for; None: it was not asked.
            prepare: called with a frame before it is published, unless an older frame still waits to be read.
        """
        self._name, self._limits, self._news, self._clock = name, limits, news, clock
        self._requested_size, self._prepare = requested_size, prepare
        self._start = self._opened_at = news.last  # seconds
        self._health = PictureHealth(limits.frozen, limits.dark)
        self._told: set[str] = set()
        self._spoilt = 0  # unusable frames in a row
        self._intervals: deque[float] = deque(maxlen=INTERVALS)  # seconds; of this opening
        self.left_out = 0  # unusable frames in all

    def opened(self) -> None:
        """The camera was opened, or opened again; its first picture comes next."""
        self._health.reopened()
        self._intervals.clear()
        self._spoilt = 0
        self._opened_at = self._clock()

    def take(self, camera: Grabber, image: Image) -> None:
        """Check and publish one picture.

        Args:
            camera: describes itself at the first picture of an opening.
            image: (H, W, 3) uint8 RGB; nobody may write to it afterwards.

        Raises:
            SourceError: the camera must be opened again: its pictures changed their size, or are frozen.
        """
        now = self._clock()
        if self._health.size is None:
            self._introduce(camera, (image.shape[1], image.shape[0]))
        fault = self._health.look(image, now)
        if fault is PictureFault.RESIZED:
            raise SourceError(f"frames of {_size(image.shape[1::-1])}, {_size(self._health.size)} until now")
        self._prepare_frame(image, fault)
        self._publish(image, fault, now)
        if fault is PictureFault.STALE:
            raise StaleError("dark, and the same picture for long")
        # A camera that was just opened and still shows the frozen picture gets as much time as one that freezes later.
        if fault is PictureFault.FROZEN and now - self._opened_at >= self._limits.frozen:
            raise SourceError(self._frozen)
        self._spoilt = 0

    def leave_out(self, reason: str, defect: Exception | None) -> None:
        """Count a frame that cannot be used.

        Args:
            reason: for the log.
            defect: an unexpected exception, whose traceback is logged; None: the reason says it all.

        Raises:
            SourceError: there were MOST_SPOILT in a row.
        """
        self._spoilt += 1
        self.left_out += 1
        self.tell(f"a frame was left out: {reason}", defect)
        if self._spoilt >= MOST_SPOILT:
            raise SourceError(f"{MOST_SPOILT} frames in a row cannot be used: {reason}")

    def tell(self, text: str, defect: BaseException | None) -> None:
        """Log a warning once, however often it happens; with the traceback of a defect."""
        if text not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(text)
            logger.warning("%s: %s", self._name, text, exc_info=defect)

    @property
    def _frozen(self) -> str:
        return f"frozen: the same picture for {self._limits.frozen:g} s"

    def _publish(self, image: Image, fault: PictureFault | None, now: float) -> None:
        news = self._news
        with news.changed:
            news.interval = self._interval(now - news.last)
            news.last = now
            if fault is PictureFault.FROZEN:
                news.fault = self._frozen
                return
            news.fault = None
            news.covered = fault is PictureFault.DARK or (fault is PictureFault.STALE and news.covered)
            news.newest = Frame(image, now - self._start)
            news.changed.notify()

    def _interval(self, since_the_last: float) -> float:
        """The longest of the last few times between two frames, seconds. After an opening's first frame none is known:
        assume the longest that is allowed."""
        if not self._intervals:
            self._intervals.append(0.0)
            return self._limits.stall
        self._intervals.append(since_the_last)
        return max(self._intervals)

    def _prepare_frame(self, image: Image, fault: PictureFault | None) -> None:
        """Not while a frame waits to be read: a slow loop would never use most of the prepared ones."""
        if self._prepare is None or fault is not None or self._news.newest is not None:
            return
        try:
            self._prepare(image)
        except Exception as error:  # the loop does the same work itself, and reports its failure
            self.tell(f"preparing a frame failed: {in_a_line(error)}", error)

    def _introduce(self, camera: Grabber, size: tuple[int, int]) -> None:
        """At the first frame of an opening: what the camera is, and whether its frames have the size asked for."""
        notes = [camera.describe()]
        if self._requested_size is not None and size != self._requested_size:
            notes.append(f"frames of {_size(size)}, {_size(self._requested_size)} were asked for")
            if notes[-1] not in self._news.described:  # do not repeat it at each opening
                logger.warning("%s: %s", self._name, notes[-1])
        with self._news.changed:
            self._news.described = ", ".join(filter(None, notes))


def _size(size: tuple[int, ...] | None) -> str:
    return "x".join(map(str, size or ()))
