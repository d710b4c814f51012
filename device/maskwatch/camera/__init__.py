"""Where frames come from: a camera, a stream, a video, a folder of images, or the built-in demo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from maskwatch.camera.credentials import address_of
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.text.address import Address
from maskwatch.text.printable import one_line

if TYPE_CHECKING:
    from maskwatch.camera.grabber import Grabber
    from maskwatch.camera.intake import Prepare

LONGEST = 255  # characters of a device's path
SIZED = ("picamera", "v4l2")  # kinds that are asked for a size of frames


class Source(Protocol):
    """Frames one by one. Times never run backwards."""

    @property
    def ended(self) -> bool:
        """True when there will be no more frames."""

    @property
    def trouble(self) -> str | None:
        """Why the unit cannot see now, as of the last read(); None while it can."""

    def read(self, wait: float) -> Frame | None:
        """The next frame (live: the newest), or None when none came within `wait` seconds or at the end.

        A live camera that fails is opened again meanwhile, and `trouble` says why it failed. While a lens is covered,
        frames come as usual, and `trouble` says that it is covered.

        Raises:
            SourceError: the source failed permanently.
        """

    def describe(self) -> str:
        """The source in a few words for `maskwatch check`, known once a frame was read; may be ""."""

    def close(self) -> None:
        """Close the device or file; a second call does nothing."""


# cv2 takes 0.1-0.3 s to import, so each function below imports only what it opens.
def open_source(settings: CameraSettings, prepare: Prepare | None = None) -> Source:
    """Open what settings.source names.

    A live camera need not be there at the start: a network camera boots more slowly than the Pi, a USB camera is found
    late, a loose cable is plugged in again. Until it comes, `trouble` says so, and after `give_up` seconds read()
    raises SourceError. An error that waiting cannot correct is raised at once.

    Args:
        settings: [camera].
        prepare: called on the capture thread with each frame of a live camera that read() will return. Not called
            where frames are turned after they were read, because the loop would see another picture.

    Raises:
        SourceError: picamera2 is not installed, or a file cannot be opened.
    """
    from maskwatch.camera import rotation

    address = address_of(settings).on_disk
    # The Pi's camera turns frames by 180 degrees itself.
    turns_itself = settings.rotation == 180 and address.kind == "picamera"
    turn = rotation.unturned if turns_itself else rotation.by(settings.rotation)
    if address.kind == "video":
        from maskwatch.camera.files.video import VideoFile

        return VideoFile(Path(address.place), settings.fps, turn)
    if address.kind == "images":
        from maskwatch.camera.files.image_folder import ImageFolder

        return ImageFolder(Path(address.place), settings.fps, turn)
    from maskwatch.camera.failure import FailureLimits
    from maskwatch.camera.live import Live

    is_demo = address.kind == "demo"  # its scene stands still for a while, and is not frozen
    frozen, dark = (0.0, 0.0) if is_demo else (settings.frozen, settings.dark)
    open_camera = _opener(address, settings)
    return Live(
        open_camera,
        f"v4l2:{address.place}" if address.kind == "v4l2" else address.shown,
        FailureLimits(settings.stall, frozen, dark, settings.give_up),
        first=open_camera() if is_demo else None,
        requested_size=(settings.width, settings.height) if address.kind in SIZED else None,
        prepare=prepare if turn is rotation.unturned else None,
        turn=turn,
    )


def _opener(address: Address, settings: CameraSettings) -> Callable[[], Grabber]:
    """What opens a live camera, again and again.

    Raises:
        SourceError: no waiting would let it be opened.
    """
    if address.kind == "demo":
        from maskwatch.camera.demo import DemoCamera, Scene

        camera = DemoCamera(Scene())
        return lambda: camera
    if address.kind == "http":
        from maskwatch.camera.web.camera import WebCamera

        return partial(WebCamera, address, settings)
    if address.kind == "picamera":
        from maskwatch.camera import picamera

        return partial(picamera.Picamera.open, picamera.library(address.shown), int(address.place), settings)
    from maskwatch.camera import opencv

    if address.kind == "rtsp":
        return partial(opencv.stream, address, settings.stall, settings.verify)
    device = address.place
    if not device.isascii() or len(device) > LONGEST:  # a name that is not UTF-8 crashes cv2 (segmentation fault)
        name = f"v4l2:{one_line(device)}"
        raise SourceError(f"{name}: no device has such a name; `ls /dev/video*` shows what is connected")
    return partial(opencv.v4l2, device, settings)
