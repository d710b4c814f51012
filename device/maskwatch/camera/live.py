"""Live cameras: a thread captures (see capturing), the loop reads the newest frame and hears what is wrong."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from maskwatch import ending
from maskwatch.camera.capturing import Ahead, Capturing, Grabber, News
from maskwatch.camera.patience import Judgement, Patience
from maskwatch.errors import SourceError
from maskwatch.flow import Frame

logger = logging.getLogger(__name__)

CLOSE_WITHIN = 2.0  # seconds a driver that hangs is waited for


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
            patience: when it counts as failed, and how long that may last.
            first: the camera, when it is open already.
            asked: width and height in pixels it was asked for; None: whatever it has.
            clock: seconds, monotonic.
            pause: waits so many seconds between two openings; by default close() cuts it short.
            ahead: shown a frame on the capturing thread before read() can have it, unless one waits there already.
        """
        self._name, self._clock = name, clock
        self._closing = threading.Event()
        self._news = News(clock())
        self._judgement = Judgement(name, patience, self._news.last)
        self._capturing = Capturing(open_camera, name, patience, self._news, clock, asked, ahead)
        run = (first, self._closing, pause or self._closing.wait)
        self._thread = threading.Thread(target=self._capturing.run, args=run, name=f"capture {name}", daemon=True)
        ending.waits_in_a_library(self._thread)
        self._thread.start()

    @property
    def ended(self) -> bool:
        news = self._news
        return news.finished and news.newest is None and news.died is None

    @property
    def trouble(self) -> str | None:
        """Why the unit cannot see now, as of the last read()."""
        return self._judgement.trouble

    def read(self, wait: float) -> Frame | None:
        """The newest frame not yet read, waiting up to `wait` seconds for one; None also while there is trouble.

        Raises:
            SourceError: the camera could not be had for `give_up` seconds, or a defect ended the capture.
        """
        news = self._news
        with news.changed:
            news.changed.wait_for(lambda: news.newest is not None or news.finished or not news.heard, wait)
            news.heard = True
            frame, news.newest = news.newest, None
            if frame is None and news.died is not None:
                raise SourceError(f"{self._name}: capture ended: {type(news.died).__name__}") from news.died
            if not news.finished:
                self._judgement.judge(news.state, self._clock())
        return frame

    def describe(self) -> str:
        """The camera in a few words, once a frame came: what it is, and whether its frames have another size."""
        with self._news.changed:
            return self._news.described

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_WITHIN)
        if self._capturing.left_out:
            logger.info("%s: %d frames were left out", self._name, self._capturing.left_out)
            self._capturing.left_out = 0
