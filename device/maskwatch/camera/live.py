"""Live cameras: a thread captures (see capture_thread), the loop reads the newest frame and the reason of any
trouble."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from maskwatch.camera.capture_thread import Capturing
from maskwatch.camera.failure import FailureDetector, FailureLimits
from maskwatch.camera.grabber import Grabber
from maskwatch.camera.intake import News, Prepare
from maskwatch.camera.rotation import Turn, unturned
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.system import process_end

logger = logging.getLogger(__name__)

CLOSE_WITHIN = 2.0  # seconds that close() waits for a driver that hangs


class Live:
    """The newest frame of a camera that is opened again when it fails. Frame times are seconds since the start."""

    def __init__(
        self,
        open_camera: Callable[[], Grabber],
        name: str,
        limits: FailureLimits,
        first: Grabber | None = None,
        requested_size: tuple[int, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
        prepare: Prepare | None = None,
        turn: Turn = unturned,
    ) -> None:
        """
        Args:
            open_camera: opens it; may take long, raises SourceError. Runs on the capture thread.
            name: for messages.
            limits: how long each kind of failure may last.
            first: the camera, when it is open already.
            requested_size: width and height in pixels that the camera was asked for; None: it was not asked.
            clock: seconds, monotonic.
            pause: waits so many seconds between two openings; by default close() cuts it short.
            prepare: called on the capture thread with a frame before read() can return it, unless an older one waits.
            turn: makes each frame upright that is read.
        """
        self._name, self._clock, self._turn = name, clock, turn
        self._closing = threading.Event()
        self._news = News(clock())
        self._failure_detector = FailureDetector(name, limits, self._news.last)
        self._capturing = Capturing(open_camera, name, limits, self._news, clock, requested_size, prepare)
        run = (first, self._closing, pause or self._closing.wait)
        self._thread = threading.Thread(target=self._capturing.run, args=run, name=f"capture {name}", daemon=True)
        process_end.waits_in_a_library(self._thread)
        self._thread.start()

    @property
    def ended(self) -> bool:
        news = self._news
        return news.finished and news.newest is None and news.died is None

    @property
    def trouble(self) -> str | None:
        """Why the unit cannot see now, as of the last read()."""
        return self._failure_detector.trouble

    def read(self, wait: float) -> Frame | None:
        """The newest frame not yet read, waiting up to `wait` seconds for one; None also while there is trouble.

        Raises:
            SourceError: the camera failed for `give_up` seconds, or a defect ended the capture.
        """
        news = self._news
        with news.changed:
            news.changed.wait_for(lambda: news.newest is not None or news.finished or not news.failure_reported, wait)
            news.failure_reported = True
            frame, news.newest = news.newest, None
            if frame is None and news.died is not None:
                raise SourceError(f"{self._name}: capture ended: {type(news.died).__name__}") from news.died
            if not news.finished:
                self._failure_detector.update(news.state, self._clock())
        return frame and Frame(self._turn(frame.image), frame.time)

    def describe(self) -> str:
        """The camera in a few words, once a frame came: what it is, and whether its frames have another size."""
        with self._news.changed:
            return self._news.described

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_WITHIN)
        if left_out := self._capturing.forget_left_out():
            logger.info("%s: %d frames were left out", self._name, left_out)
