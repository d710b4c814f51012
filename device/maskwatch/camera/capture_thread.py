"""The thread that opens a camera, captures, and opens it again when it failed.

There is one thread for everything. If a driver hangs, no second thread can hang beside it: drivers limit their waits,
and a driver that does not return holds its device until the process ends, which it does after `give_up` seconds.

No exception of a driver ends the thread. A frame that cannot be used is left out; after any other failure the camera is
opened again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from maskwatch.camera.failure import FailureLimits
from maskwatch.camera.grabber import Grabber
from maskwatch.camera.intake import Intake, News, Prepare, StaleError
from maskwatch.camera.library_errors import in_a_line
from maskwatch.camera.pixels import FrameError
from maskwatch.errors import SourceError

logger = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a camera is opened again; doubled each time
SETTLED = 60.0  # seconds an opening must last for the delays to start from FIRST_DELAY; one frame proves little


class Capturing:
    """What runs on the thread."""

    def __init__(
        self,
        open_camera: Callable[[], Grabber],
        name: str,
        limits: FailureLimits,
        news: News,
        clock: Callable[[], float],
        requested_size: tuple[int, int] | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        """
        Args:
            open_camera: opens it; may take long, raises SourceError.
            name: for messages.
            limits: how long each kind of failure may last.
            news: written to.
            clock: seconds, monotonic.
            requested_size: width and height in pixels that the camera was asked for; None: it was not asked.
            prepare: called with a frame before the loop can read it, unless an older frame still waits.
        """
        self._open, self._name, self._news, self._clock = open_camera, name, news, clock
        self._intake = Intake(name, limits, news, clock, requested_size, prepare)

    def run(self, first: Grabber | None, closing: threading.Event, pause: Callable[[float], object]) -> None:
        """Capture until there are no more frames, or `closing` is set.

        Args:
            first: the camera, when it is open already.
            closing: ends it before the next frame.
            pause: waits so many seconds between two openings.
        """
        try:
            self._supervise(first, closing, pause)
        except BaseException as error:  # a defect of ours: drivers' exceptions are caught below. The loop reports it
            self._news.died = error
            self._intake.tell(f"capture ended: {in_a_line(error)}", error)
        finally:
            with self._news.changed:
                self._news.finished = True
                self._news.changed.notify()

    def forget_left_out(self) -> int:
        """How many frames could not be used since this was last called."""
        left_out, self._intake.left_out = self._intake.left_out, 0
        return left_out

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
                self._intake.tell(f"failed: {in_a_line(error)}", error)
            finally:
                if camera is not None:
                    self._close(camera)
            camera = None
            if self._clock() - begun >= SETTLED:
                waits = delays()
            pause(next(waits))

    def _failed(self, reason: str) -> None:
        with self._news.changed:
            self._news.fault, self._news.failure_reported = reason, False
            self._news.changed.notify()

    def _follow(self, camera: Grabber, closing: threading.Event) -> None:
        """Take the camera's pictures until there are no more, or the source is closed.

        Raises:
            SourceError: it failed, and should be opened again.
        """
        self._intake.opened()
        while not closing.is_set():
            try:
                image = camera.grab()
                if image is None:
                    return
                self._intake.take(camera, image)
            except FrameError as error:
                self._intake.leave_out(str(error).removeprefix(f"{self._name}: "), None)
            except SourceError:
                raise
            except Exception as error:  # a defect of a library or of ours; another frame may not show it
                self._intake.leave_out(in_a_line(error), error)

    def _close(self, camera: Grabber) -> None:
        try:
            camera.close()
        except SourceError as error:  # it failed before; the next attempt to open it shows whether this matters
            logger.debug("%s", error)
        except BaseException as error:
            self._intake.tell(f"closing failed: {in_a_line(error)}", error)


def delays() -> Iterator[float]:
    """Seconds to wait before each opening: 0.5, 1, 2 … 30, 30."""
    delay = FIRST_DELAY
    while True:
        yield delay
        delay = min(2 * delay, LONGEST_DELAY)
