"""A video file as a source: each frame in order, at the times the file states, so that a run can be repeated."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from maskwatch import MAX_PIXELS
from maskwatch.camera.files import video_container
from maskwatch.camera.files.video_timeline import FASTEST, Timeline, rate
from maskwatch.camera.opencv import codec
from maskwatch.camera.pixels import as_rgb, squared, usable_aspect
from maskwatch.camera.rotation import CODES, Turn, unturned
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image
from maskwatch.system import regular_file
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.text.printable import one_line

logger = logging.getLogger(__name__)

# Containers differ by a few frames between the count in the header and what a whole file decodes to.
MISSING_FRAMES = 5
MISSING_SHARE = 0.02
APART = 10.0  # seconds without a frame: the recorder waited for movement, and people seen before may have left
CONVERT = "`ffmpeg -i IN -c:v libx264 OUT.mp4` converts it"


class VideoFile:
    """A video, played as fast as it is read. A phone's video is turned upright; all frames have the first one's size.

    Raises:
        SourceError: the file is missing, no video, or cut short.
    """

    def __init__(self, path: Path, fps: float, turn: Turn = unturned) -> None:
        """
        Args:
            path: anything FFmpeg reads.
            fps: frames a second, for a stream without times.
            turn: makes each frame upright, after the turn that the file itself asks for.
        """
        self._turn = turn
        mute_cv2()
        self._path, self._name = path, f"video {one_line(path)}"
        self._file = _opened(path, self._name)
        start = self._file.read(16)
        try:
            self._capture = self._opened(start)
        except SourceError:
            self._file.close()
            raise
        self._stated_frames = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)  # an estimate in most containers
        self._has_clock = not video_container.has_no_clock(start)
        # A stream that states no length has no container; FFmpeg invents its rate.
        stated = self._capture.get(cv2.CAP_PROP_FPS) if self._stated_frames > 0 and self._has_clock else 0.0
        self._fps = rate(stated, fps)
        self._is_stated, self._is_even = self._fps == stated, not stated > FASTEST
        self._timeline = Timeline(self._fps)
        sides = (self._capture.get(each) for each in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
        self._aspect = usable_aspect(*sides)
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # OpenCV 4.11 does not turn frames, 5 does: we do it
        self._own_turn = CODES.get(round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        self._frames = 0
        self._newest: Frame | None = None
        self._waiting: Frame | None = None  # decoded, and comes after a gap
        self._has_ended = False

    def describe(self) -> str:
        return f"{self._fps:.3g} frames a second" if self._is_even else "frames at uneven times"

    @property
    def ended(self) -> bool:
        return self._has_ended

    @property
    def trouble(self) -> str | None:
        """Says that nothing was recorded for a while, so that an alert ends there."""
        if self._waiting is None or self._newest is None:
            return None
        return f"nothing recorded for {self._waiting.time - self._newest.time:.0f} s"

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002  a file never waits
        """The next frame; None at the end, and once before a frame that comes more than APART seconds after the last.

        Raises:
            SourceError: the file is cut short, or none of its frames can be decoded.
        """
        frame = self._waiting or self._decode()
        is_late = frame and self._newest and not self._waiting and frame.time - self._newest.time > APART
        self._waiting = frame if is_late else None
        if is_late:
            return None
        self._newest = frame
        return frame

    def _decode(self) -> Frame | None:
        try:
            there, pixels = self._capture.read()
        except cv2.error as error:
            raise SourceError(f"{self._name}: {' '.join(str(error).split())}") from error
        if not there:
            self._has_ended = True
            try:
                self._judge_end()
            except OSError as error:  # a card or a network folder failed
                raise SourceError(f"{self._name}: {self._after()}: {error.strerror}") from error
            return None
        time = self._timeline.place(self._stated_time())
        self._frames += 1
        return Frame(self._displayed(pixels), time)

    def close(self) -> None:
        self._capture.release()
        self._file.close()

    def _opened(self, start: bytes) -> Any:
        if video_container.is_playlist(start):
            raise SourceError(f"{self._name}: a playlist; expected a video")
        capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise SourceError(f"{self._name}: {_why_closed(self._file)}")
        _refuse_large(capture, self._name)
        return capture

    @property
    def _address(self) -> str:
        """What FFmpeg opens: an absolute path, so that a colon in it is not read as a protocol. A name that is not
        UTF-8 crashes cv2 (segmentation fault), so such a file is opened by its descriptor."""
        path = os.path.abspath(self._path)  # noqa: PTH100 - resolve() follows links, whose targets may have such names
        return path if path.isprintable() else f"/proc/self/fd/{self._file.fileno()}"

    def _stated_time(self) -> float | None:
        """Seconds; None where the stream states no time, which cv2 returns as 0."""
        stated = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._has_clock and (stated > 0 or self._frames == 0):
            return float(stated)
        if self._frames == 1:
            what = "" if self._is_stated else " (camera.fps)"
            logger.warning("%s: a stream without times; taken as %g frames a second%s", self._name, self._fps, what)
        return None

    def _displayed(self, pixels: Any) -> Image:
        """(H, W, 3) uint8 RGB, with square pixels, turned as the file asks and then as the settings ask."""
        image = squared(as_rgb(pixels, "bgr"), self._aspect)
        if self._own_turn is not None:
            image = np.asarray(cv2.rotate(image, self._own_turn), np.uint8)
        return self._turn(image)

    def _judge_end(self) -> None:
        """Tell a complete video from one that is cut short.

        Raises:
            SourceError: it is cut short, or none of its frames can be decoded.
            OSError: the file cannot be read any more.
        """
        if lacking := video_container.missing(self._file):
            raise SourceError(f"{self._name}: {self._after()}: cut short, {lacking} bytes are missing; copy it again")
        missing = self._stated_frames - self._frames
        if self._frames and missing <= max(MISSING_FRAMES, MISSING_SHARE * self._stated_frames):
            return
        if video_container.ends_in_zeros(self._file):
            raise SourceError(f"{self._name}: {self._after()}: only zeros follow; copy it again")
        packets = _packets(self._address)
        if not self._frames:
            raise SourceError(f"{self._name}: {self._undecodable(packets)}")
        if packets - self._frames > max(MISSING_FRAMES, MISSING_SHARE * packets):
            logger.warning(
                "%s: %d of %d frames shown; the others are damaged or hidden by the file", *self._shown_of(packets)
            )

    def _after(self) -> str:
        return f"ends after {self._frames} frames"

    def _shown_of(self, packets: int) -> tuple[str, int, int]:
        return self._name, self._frames, packets

    def _undecodable(self, packets: int) -> str:
        name = codec(self._capture.get(cv2.CAP_PROP_FOURCC)) or "unknown"
        if not packets:
            return "no frame inside; cut short or damaged"
        return (
            f"codec {name}: none of its {packets} frames can be decoded: unknown to this FFmpeg, or damaged; {CONVERT}"
        )


def _opened(path: Path, name: str) -> BinaryIO:
    """
    Raises:
        SourceError: the file is missing, not a regular file, or empty.
    """
    try:
        file = regular_file.opened(path)
    except OSError as error:
        raise SourceError(f"{name}: {_reason(error)}") from error
    if os.fstat(file.fileno()).st_size:
        return file
    file.close()
    raise SourceError(f"{name}: empty (0 bytes); copy it again")


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; expected a video FFmpeg can read"
    return str(error.strerror)


def _why_closed(file: BinaryIO) -> str:
    if video_container.has_no_index(file):
        return "has no index (moov): cut short, or still being recorded; copy it again when it is finished"
    return f"no video FFmpeg can read: sound alone, a codec it lacks, or cut short; copy it again, or {CONVERT}"


def _refuse_large(capture: Any, name: str) -> None:
    """
    Raises:
        SourceError: a frame has more pixels than a picture may have.
    """
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > MAX_PIXELS:
        raise SourceError(f"{name}: frames of {width:.0f}x{height:.0f} pixels; expected {MAX_PIXELS} at most")


def _packets(address: str) -> int:
    """How many frames the file contains, whether they can be decoded or not."""
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
    number = 0
    while capture.grab():
        number += 1
    capture.release()
    return number
