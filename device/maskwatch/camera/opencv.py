"""V4L2 devices and RTSP streams, through cv2."""

from __future__ import annotations

import functools
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from maskwatch.camera.failure import REOPENED_AFTER
from maskwatch.camera.library_errors import failing_as
from maskwatch.camera.pixels import as_rgb, squared, usable_aspect
from maskwatch.camera.rtsp import probe
from maskwatch.camera.rtsp.relay import Relay
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.system.library_chatter import mute_cv2
from maskwatch.text.address import Address

logger = logging.getLogger(__name__)

# For FFmpeg. prefer_tcp: cv2's default, which is lost if options are set. fpsprobesize: by default FFmpeg measures the
# frame rate over 20 frames before it gives the first one. At one frame a second this takes longer than `stall`, and the
# rate is not used.
OPTIONS = "rtsp_flags;prefer_tcp|fpsprobesize;0"
OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # cv2 takes FFmpeg's options only from this variable
DRIVERS = Path("/sys/class/video4linux")


class Capture:
    """A cv2.VideoCapture as a grabber.Grabber.

    cv2 waits for a frame for twice `stall` seconds, then it reports the end. For V4L2 it uses the first device's
    `stall`.
    """

    def __init__(self, capture: Any, name: str, description: str, close_too: Callable[[], None] | None = None) -> None:
        """
        Args:
            capture: a cv2.VideoCapture, opened.
            name: for messages.
            description: see Grabber.describe.
            close_too: called after the capture was closed.
        """
        self._capture, self._name, self._description, self._close_too = capture, name, description, close_too
        self._aspect: float | None = None  # width by height of a pixel, known after the first frame

    def grab(self) -> Image | None:
        with failing_as(f"{self._name}: failed"):
            there, pixels = self._capture.read()
            if there and self._aspect is None:
                self._aspect = self._pixel_aspect()
        if not there:
            raise SourceError(f"{self._name}: stopped giving frames; was it unplugged or switched off?")
        return squared(as_rgb(pixels, "bgr"), self._aspect or 1.0)

    def close(self) -> None:
        try:
            with failing_as(f"{self._name}: cannot be closed"):
                self._capture.release()
        finally:
            if self._close_too is not None:
                self._close_too()

    def describe(self) -> str:
        stretched = self._aspect not in (None, 1.0)
        pixels = f"stretched: its pixels are {self._aspect:.2f} times as wide as high" if stretched else ""
        return ", ".join(filter(None, (self._description, pixels)))

    def _pixel_aspect(self) -> float:
        across, down = (self._capture.get(each) for each in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
        return usable_aspect(across, down)


def v4l2(device: str, settings: CameraSettings) -> Capture:
    """Open a USB camera. Format, size and frame rate are requested; the driver uses the nearest ones it has.

    Raises:
        SourceError: the device does not exist, or cannot be opened.
    """
    mute_cv2()
    name = f"v4l2:{device}"
    if not Path(device).is_char_device():
        there = "no camera, which is a device" if Path(device).exists() else "no such device"
        raise SourceError(f"{name}: {there}; `ls /dev/video*` shows what is connected")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(REOPENED_AFTER * settings.stall)))
    with failing_as(f"{name}: cannot be opened"):
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"{name}: cannot be opened; is it a camera, free, and are you in group video?")
        try:
            _ask(capture, settings)
            described = ", ".join(filter(None, (card_name(device), _format(capture, settings.format, name))))
        except BaseException:
            capture.release()
            raise
    return Capture(capture, name, described)


def _ask(capture: Any, settings: CameraSettings) -> None:
    """Request the format first, because the possible sizes and rates depend on it."""
    if settings.format != "auto":
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.format))
    for setting, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        (cv2.CAP_PROP_FPS, settings.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),  # more buffers would only delay the frames
    ):
        capture.set(setting, value)


def _format(capture: Any, asked: str, name: str) -> str:
    """The format that the camera sends, e.g. "MJPG", or "YUYV where MJPG was asked for"."""
    given = codec(capture.get(cv2.CAP_PROP_FOURCC)).upper()
    if asked in ("auto", given) or not given:
        return given
    _warn(
        f'{name}: gives {given} where camera.format = "{asked}" was asked for; '
        "`v4l2-ctl --list-formats` shows what it has"
    )
    return f"{given} where {asked} was asked for"


@functools.cache  # once, not at each opening
def _warn(text: str) -> None:
    logger.warning("%s", text)


@contextmanager
def _ffmpeg_options() -> Iterator[None]:
    """Set OPTIONS in the environment while a stream is opened, unless the user set options.

    They are removed afterwards, because they would affect video files too. All cameras are opened on one thread (see
    capture_thread), so two openings never overlap.
    """
    if OPTIONS_VARIABLE in os.environ:
        yield
        return
    os.environ[OPTIONS_VARIABLE] = OPTIONS
    try:
        yield
    finally:
        os.environ.pop(OPTIONS_VARIABLE, None)


def stream(address: Address, stall: float, verify: bool) -> Capture:
    """Open an RTSP camera. Opening and each frame may take twice `stall` seconds.

    Raises:
        SourceError: there is no stream.
    """
    mute_cv2()
    timeouts = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(REOPENED_AFTER * stall * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(REOPENED_AFTER * stall * 1000)),
    ]
    relay = Relay(address, stall, verify) if address.scheme == "rtsps" else None
    if relay is None and (reason := probe.refusal(address, stall)):
        raise SourceError(f"{address.shown}: no stream: {reason}")
    try:
        with failing_as(f"{address.shown}: no stream"), _ffmpeg_options():
            capture = cv2.VideoCapture(relay.address if relay else address.place, cv2.CAP_FFMPEG, timeouts)
            if capture.isOpened():
                described = codec(capture.get(cv2.CAP_PROP_FOURCC))
                return Capture(capture, address.shown, described, relay.close if relay else None)
        if relay is not None and relay.failure:
            raise SourceError(f"{address.shown}: no stream: {relay.failure}")
        raise SourceError(f"{address.shown}: no stream; check address, user, password and network")
    except BaseException:
        if relay is not None:
            relay.close()
        raise


def card_name(device: str, drivers: Path = DRIVERS) -> str:
    """The driver's name of the camera, e.g. "HD Webcam: HD Webcam"; "" if it cannot be read.

    Args:
        device: /dev/videoN, or a link to it, e.g. in /dev/v4l/by-id.
        drivers: the folder that has a folder for each device.
    """
    try:
        return (drivers / Path(device).resolve().name / "name").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def codec(fourcc: float) -> str:
    """cv2's four-character code as text, e.g. "h264"; "" if there is none."""
    return int(fourcc).to_bytes(4, "little", signed=True).decode("ascii", "replace").strip("\0 �").lower()
