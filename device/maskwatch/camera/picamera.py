"""The Pi's camera, through picamera2."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Any

from maskwatch.camera import lenses
from maskwatch.camera.failure import REOPENED_AFTER
from maskwatch.camera.library_errors import failing_as
from maskwatch.camera.pixels import as_rgb
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.system.libraries import PICAMERA2, load
from maskwatch.system.library_chatter import mute_picamera2

logger = logging.getLogger(__name__)

CAMERA_LIST = "; see what `rpicam-hello --list-cameras` shows"


class Picamera:
    """A picamera2.Picamera2 as a grabber.Grabber.

    picamera2 uses libcamera's names of formats, which list the bytes in reverse order: an array of format "BGR888" has
    the order R, G, B, which we need, and "RGB888" has B, G, R.
    """

    def __init__(self, camera: Any, settings: CameraSettings, name: str) -> None:
        """Configure and start it; close it again if it refuses.

        Args:
            camera: a picamera2.Picamera2, not yet configured.
            settings: size, fps, exposure, focus, and a rotation of 180, which the sensor itself does.
            name: for messages.
        """
        self._camera, self._name = camera, name
        self._longest_wait = REOPENED_AFTER * settings.stall
        self._aspect = settings.width / settings.height
        main = {"size": (settings.width, settings.height), "format": "BGR888"}
        options = {"transform": _half_turn()} if settings.rotation == 180 else {}
        try:
            wanted = controls(settings, set(camera.camera_controls), name)
            camera.configure(camera.create_video_configuration(main=main, controls=wanted, **options))
            camera.start()
        except BaseException:
            with contextlib.suppress(Exception):  # only the reason why it refused matters
                camera.close()
            raise

    @classmethod
    def open(cls, picamera2: Any, number: int, settings: CameraSettings) -> Picamera:
        """Camera `number` of this Pi.

        Args:
            picamera2: the module.
            number: from 0.
            settings: see __init__.

        Raises:
            SourceError: there is no such camera, or it refuses the settings.
        """
        name = f"picamera:{number}"
        with failing_as(f"{name}: cannot be opened", CAMERA_LIST):
            return cls(_constructed(picamera2.Picamera2, number), settings, name)

    def grab(self) -> Image | None:
        with failing_as(f"{self._name}: failed"):
            try:
                pixels = self._camera.capture_array("main", wait=self._longest_wait)
            except TimeoutError as error:
                self._camera.cancel_all_and_flush()  # otherwise close() waits for the capture that never ends
                late = f"{self._name}: no frame for {self._longest_wait:g} s; is its cable seated?"
                raise SourceError(late) from error
        return as_rgb(pixels, "rgb")

    def close(self) -> None:
        """Stop and close it. It is closed even if stopping fails; otherwise it could not be opened again."""
        try:
            with failing_as(f"{self._name}: cannot be stopped"):
                self._camera.stop()
        finally:
            with failing_as(f"{self._name}: cannot be closed"):
                self._camera.close()

    def describe(self) -> str:
        """Sensor and lens, e.g. "imx708, autofocus lens, sees 66° across"."""
        with failing_as(f"{self._name}: cannot be described"):
            properties = self._camera.camera_properties
            sensor = properties.get("Model", "unknown sensor")
            lens = f"{'autofocus' if 'AfMode' in self._camera.camera_controls else 'fixed-focus'} lens"
            known = lenses.of_sensor(sensor)
            view = [lenses.across(known, self._share(properties))] if known else []
            return ", ".join((str(sensor), lens, *view))

    def _share(self, properties: dict[str, Any]) -> float:
        """The share of the sensor's width that is in the frames. For small or fast frames a sensor may read only its
        middle."""
        read, whole = properties.get("ScalerCropMaximum"), properties.get("PixelArraySize")
        if read is None or whole is None:
            return 1.0
        _, _, width, height = read
        return float(min(width, height * self._aspect) / whole[0])


def _constructed(kind: Any, number: int) -> Any:
    """A picamera2.Picamera2. If its constructor fails, nothing stays open.

    The constructor makes a pipe and leaves it open when it fails. A unit that waits for its camera for hours
    (give_up = 0) would have no file descriptors left.
    """
    camera = kind.__new__(kind)
    try:
        camera.__init__(number)
    except BaseException:
        with contextlib.suppress(Exception):  # only the reason why it failed matters
            camera.close()
        with contextlib.suppress(AttributeError):  # it failed before it made the pipe
            if not camera.notifymeread.closed:  # close() closes both ends, or none
                camera.notifymeread.close()
                os.close(camera.notifyme_w)
        raise
    return camera


def library(name: str) -> Any:
    """Import picamera2.

    Args:
        name: of the source that needs it, for the message.

    Raises:
        SourceError: it is not installed, or cannot be loaded.
    """
    mute_picamera2()
    return load(PICAMERA2, name)


def controls(settings: CameraSettings, known: set[str], name: str) -> dict[str, Any]:
    """The controls that are set, with libcamera's names and units.

    Args:
        settings: fps, exposure, focus.
        known: the controls of this camera. A USB camera has fewer, and picamera2 refuses unknown ones.
        name: for messages.
    """
    wanted: dict[str, Any] = {}
    if "FrameDurationLimits" in known:
        wanted["FrameRate"] = settings.fps
    if settings.exposure is not None and "ExposureTime" in known:
        # AeEnable stays on: without it the gain is fixed too, and the picture would not adapt to the daylight.
        wanted["ExposureTime"] = round(settings.exposure * 1000)  # microseconds
        if settings.exposure > 1000 / settings.fps:
            logger.warning(
                "%s: exposure = %g ms is cut to a frame's %.0f ms", name, settings.exposure, 1000 / settings.fps
            )
    if "AfMode" in known:
        wanted |= _focus(settings.focus)
    elif settings.focus != "auto":
        logger.info("%s: focus = %g is ignored: the focus of this lens cannot be set", name, settings.focus)
    return wanted


def _focus(focus: str | float) -> dict[str, Any]:
    from libcamera import controls as names

    if focus == "auto":
        return {"AfMode": names.AfModeEnum.Continuous}
    return {"AfMode": names.AfModeEnum.Manual, "LensPosition": float(focus)}


def _half_turn() -> Any:
    from libcamera import Transform

    return Transform(hflip=True, vflip=True)
