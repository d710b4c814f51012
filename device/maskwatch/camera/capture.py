"""V4L2 devices and RTSP streams, through cv2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwatch.address import Address
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.quiet import mute_cv2

DRIVERS = Path("/sys/class/video4linux")


class Capture:
    """A cv2.VideoCapture as a live.Grabber.

    cv2 waits for a frame of an RTSP stream for `stall` seconds, of a V4L2 device for 10, then says it stopped.
    """

    def __init__(self, capture: Any, name: str, description: str) -> None:
        """
        Args:
            capture: a cv2.VideoCapture, opened.
            name: for messages.
            description: see live.Grabber.describe.
        """
        self._capture, self._name, self._description = capture, name, description

    def grab(self) -> Image | None:
        try:
            there, pixels = self._capture.read()
        except cv2.error as error:
            raise SourceError(f"{self._name}: {' '.join(str(error).split())}") from error
        if not there:
            raise SourceError(f"{self._name}: stopped giving frames; was it unplugged or switched off?")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        self._capture.release()

    def describe(self) -> str:
        return self._description


def v4l2(device: str, settings: CameraSettings) -> Capture:
    """A USB camera; size and rate are asked for, the driver takes the nearest it has.

    Raises:
        SourceError: it is not there, or cannot be opened.
    """
    mute_cv2()
    if not Path(device).exists():
        raise SourceError(f"v4l2:{device}: no such device; `ls /dev/video*` shows what is connected")
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceError(f"v4l2:{device}: cannot be opened; is it a camera, free, and are you in group video?")
    for setting, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height),
        (cv2.CAP_PROP_FPS, settings.fps),
        (cv2.CAP_PROP_BUFFERSIZE, 1),  # older frames would be shown late
    ):
        capture.set(setting, value)
    return Capture(capture, f"v4l2:{device}", card_name(device))


def stream(address: Address, stall: float) -> Capture:
    """A network camera; opening and each frame may take `stall` seconds.

    Raises:
        SourceError: there is no stream.
    """
    mute_cv2()
    patience = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(stall * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(stall * 1000)),
    ]
    capture = cv2.VideoCapture(address.place, cv2.CAP_FFMPEG, patience)
    if not capture.isOpened():
        raise SourceError(f"{address.shown}: no stream; check address, user, password and network")
    return Capture(capture, address.shown, codec(capture.get(cv2.CAP_PROP_FOURCC)))


def card_name(device: str, drivers: Path = DRIVERS) -> str:
    """What the driver calls the camera, e.g. "HD Webcam: HD Webcam"; "" where it cannot be read.

    Args:
        device: /dev/videoN, or a link to it such as those in /dev/v4l/by-id.
        drivers: the folder with a folder a device.
    """
    try:
        return (drivers / Path(device).resolve().name / "name").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def codec(fourcc: float) -> str:
    """cv2's four-character code as text, e.g. "h264"; "" for none."""
    return int(fourcc).to_bytes(4, "little", signed=True).decode("ascii", "replace").strip("\0 �").lower()
