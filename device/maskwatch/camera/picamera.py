"""The Pi's own camera, through picamera2."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from typing import Any

import numpy as np

from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.loading import PICAMERA2, load

logger = logging.getLogger(__name__)

FAILURES = (RuntimeError, OSError, IndexError, TimeoutError, CancelledError)  # what picamera2 raises of a camera


class Picamera:
    """A picamera2.Picamera2 as a live.Grabber.

    picamera2 names formats after libcamera, which counts bytes from the other end: "BGR888" is the format
    whose array reads R, G, B, which is what we want, and "RGB888" the one that reads B, G, R.
    """

    def __init__(self, camera: Any, settings: CameraSettings, name: str) -> None:
        """Configure and start it; one that refuses is closed again.

        Args:
            camera: a picamera2.Picamera2, not yet configured.
            settings: size, fps, exposure, focus; of the rotation only 180, which the sensor does by itself.
            name: for messages.
        """
        self._camera, self._name, self._stall = camera, name, settings.stall
        main = {"size": (settings.width, settings.height), "format": "BGR888"}
        turned = {"transform": _half_turn()} if settings.rotation == 180 else {}
        try:
            wanted = controls(settings, set(camera.camera_controls), name)
            camera.configure(camera.create_video_configuration(main=main, controls=wanted, **turned))
            camera.start()
        except BaseException:
            camera.close()
            raise

    @classmethod
    def open(cls, picamera2: Any, number: int, settings: CameraSettings) -> Picamera:
        """Camera `number` of this Pi.

        Args:
            picamera2: the module.
            number: from 0.
            settings: see above.

        Raises:
            SourceError: there is no such camera, or it refuses the settings.
        """
        name = f"picamera:{number}"
        try:
            return cls(picamera2.Picamera2(number), settings, name)
        except FAILURES as error:
            raise SourceError(
                f"{name}: cannot be opened ({_root(error)}); see what `rpicam-hello --list-cameras` shows"
            ) from error

    def grab(self) -> Image | None:
        try:
            pixels = self._camera.capture_array("main", wait=self._stall)
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()  # or close() waits behind the capture that never came
            raise SourceError(f"{self._name}: no frame for {self._stall:g} s; is its cable seated?") from error
        except FAILURES as error:
            raise SourceError(f"{self._name}: failed ({error})") from error
        return np.ascontiguousarray(pixels[..., :3], np.uint8)

    def close(self) -> None:
        try:
            self._camera.stop()
            self._camera.close()
        except FAILURES as error:
            raise SourceError(f"{self._name}: cannot be closed ({error})") from error

    def describe(self) -> str:
        """Sensor and lens, e.g. "imx708, autofocus lens"."""
        sensor = self._camera.camera_properties.get("Model", "unknown sensor")
        return f"{sensor}, {'autofocus' if 'AfMode' in self._camera.camera_controls else 'fixed-focus'} lens"


def library(name: str) -> Any:
    """The module picamera2.

    Args:
        name: of the source that wants it, for the message.

    Raises:
        SourceError: it is not installed, or cannot be loaded.
    """
    return load(PICAMERA2, name)


def controls(settings: CameraSettings, known: set[str], name: str) -> dict[str, Any]:
    """What is asked of libcamera, in its names and units.

    Args:
        settings: fps, exposure, focus.
        known: the controls this camera has; a USB camera has fewer, and picamera2 refuses what is not among them.
        name: for messages.
    """
    wanted: dict[str, Any] = {}
    if "FrameDurationLimits" in known:
        wanted["FrameRate"] = settings.fps
    if settings.exposure is not None and "ExposureTime" in known:
        # AeEnable stays on: it would fix the gain as well, and then nothing follows the light of the day.
        wanted["ExposureTime"] = round(settings.exposure * 1000)  # microseconds
        if settings.exposure > 1000 / settings.fps:
            logger.warning(
                "%s: exposure = %g ms is cut to a frame's %.0f ms", name, settings.exposure, 1000 / settings.fps
            )
    if "AfMode" in known:
        wanted |= _focus(settings.focus)
    elif settings.focus != "auto":
        logger.info("%s: focus = %g is ignored: this lens does not move", name, settings.focus)
    return wanted


def _focus(focus: str | float) -> dict[str, Any]:
    from libcamera import controls as names

    if focus == "auto":
        return {"AfMode": names.AfModeEnum.Continuous}
    return {"AfMode": names.AfModeEnum.Manual, "LensPosition": float(focus)}


def _half_turn() -> Any:
    from libcamera import Transform

    return Transform(hflip=True, vflip=True)


def _root(error: BaseException) -> BaseException:
    """picamera2 wraps libcamera's reason up to three times."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
