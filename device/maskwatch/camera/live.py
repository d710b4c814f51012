"""Live cameras: one thread captures and keeps only the newest frame, so a slow model sees no old ones."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from maskwatch.camera import without_password
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image
from maskwatch.quiet import mute_cv2

CLOSE_WITHIN = 2.0  # seconds a driver that hangs is waited for


class Grabber(Protocol):
    """Something that delivers one picture after the other, waiting for each."""

    def grab(self) -> Image | None:
        """The next picture; None when there will be no more. Raises SourceError when the camera fails."""

    def close(self) -> None:
        """Give the device back. Called on the thread that grabs."""


class Live:
    """The newest frame of a grabber. Frame times are seconds since it was opened, monotonic."""

    def __init__(self, grabber: Grabber, name: str, stall: float) -> None:
        """
        Args:
            grabber: the opened camera.
            name: for messages.
            stall: seconds without a frame after which the camera counts as dead.
        """
        self._grabber, self._name, self._stall = grabber, name, stall
        self._fresh = threading.Condition()
        self._newest: Frame | None = None
        self._finished = False  # the grabber will deliver no more
        self._error: Exception | None = None
        self._closing = False
        self._start = self._last = time.monotonic()
        self._thread = threading.Thread(target=self._capture, name=f"capture {name}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return self._finished and self._newest is None and self._error is None

    def read(self, wait: float) -> Frame | None:
        """The newest frame not yet read, waiting up to `wait` seconds for one.

        Raises:
            SourceError: the camera failed, or gave nothing for `stall` seconds.
        """
        with self._fresh:
            self._fresh.wait_for(lambda: self._newest is not None or self._finished, wait)
            frame, self._newest = self._newest, None
            error = self._error
            if frame is None and error is not None:
                self._error = None
                raise error
        if frame is None and not self._finished and time.monotonic() - self._last > self._stall:
            raise SourceError(f"{self._name}: no frame for {self._stall:g} s: the camera or its connection hangs")
        return frame

    def close(self) -> None:
        self._closing = True
        self._thread.join(CLOSE_WITHIN)

    def _capture(self) -> None:
        try:
            while not self._closing and (image := self._grabber.grab()) is not None:
                self._last = time.monotonic()
                with self._fresh:
                    self._newest = Frame(image, self._last - self._start)
                    self._fresh.notify()
        except Exception as error:  # raised again by read(), on the thread that can act on it
            self._error = error
        finally:
            self._grabber.close()
            with self._fresh:
                self._finished = True
                self._fresh.notify()


class Capture:
    """A V4L2 device or an RTSP stream through cv2.

    Raises:
        SourceError: it cannot be opened, or stops.
    """

    def __init__(self, capture: Any, name: str) -> None:
        self._capture, self._name = capture, name

    @classmethod
    def v4l2(cls, device: str, width: int, height: int, fps: float) -> Capture:
        """A USB camera; size and rate are asked for, the driver takes the nearest it has."""
        mute_cv2()
        if not Path(device).exists():
            raise SourceError(f"v4l2:{device}: no such device; `ls /dev/video*` shows what is connected")
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"v4l2:{device}: cannot be opened; is it a camera, free, and are you in group video?")
        for setting, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # older frames would be shown late
        ):
            capture.set(setting, value)
        return cls(capture, f"v4l2:{device}")

    @classmethod
    def rtsp(cls, address: str, stall: float) -> Capture:
        """A network camera; opening and each frame may take `stall` seconds."""
        mute_cv2()
        patience = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(stall * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(stall * 1000)),
        ]
        capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, patience)
        if not capture.isOpened():
            raise SourceError(f"{without_password(address)}: no stream; check address, user, password and network")
        return cls(capture, without_password(address))

    def grab(self) -> Image | None:
        there, pixels = self._capture.read()
        if not there:
            raise SourceError(f"{self._name}: stopped giving frames; was it unplugged or switched off?")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        self._capture.release()


class Picamera:
    """The Pi's camera through picamera2.

    picamera2 names formats after libcamera, which counts bytes from the other end: "BGR888" is the format
    whose array reads R, G, B, which is what we want, and "RGB888" the one that reads B, G, R.
    """

    def __init__(self, camera: Any, width: int, height: int, fps: float) -> None:
        """
        Args:
            camera: a picamera2.Picamera2, not yet configured.
            width, height: pixels.
            fps: frames a second.
        """
        self._camera = camera
        main = {"size": (width, height), "format": "BGR888"}
        camera.configure(camera.create_video_configuration(main=main, controls={"FrameRate": fps}))
        camera.start()

    @classmethod
    def open(cls, number: int, width: int, height: int, fps: float) -> Picamera:
        """Camera `number` of this Pi.

        Raises:
            SourceError: picamera2 is not installed, or there is no such camera.
        """
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise SourceError(
                f"picamera:{number}: picamera2 cannot be imported ({error}); on a Pi: sudo apt install "
                "python3-picamera2 and a venv made with --system-site-packages; elsewhere name another source"
            ) from error
        try:
            return cls(Picamera2(number), width, height, fps)
        except (RuntimeError, IndexError, OSError) as error:
            raise SourceError(
                f"picamera:{number}: cannot be opened ({error}); see what `rpicam-hello --list-cameras` shows"
            ) from error

    def grab(self) -> Image | None:
        pixels = self._camera.capture_array("main")
        return np.ascontiguousarray(pixels[..., :3], np.uint8)

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()
