"""Where frames come from: a camera, a stream, a video, a folder of images, or the built-in demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from maskwatch.address import Address
from maskwatch.camera.access import address_of
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Frame
from maskwatch.printable import one_line

if TYPE_CHECKING:
    from maskwatch.camera.capturing import Ahead
    from maskwatch.camera.patience import Patience

LONGEST = 255  # characters of a device's path


class Source(Protocol):
    """Frames one by one. Times never run backwards."""

    @property
    def ended(self) -> bool:
        """True when there will be no more frames."""

    @property
    def trouble(self) -> str | None:
        """Why the unit cannot see now, as of the last read(); None while all is well."""

    def read(self, wait: float) -> Frame | None:
        """The next frame (live: the newest), or None when none came within `wait` seconds or at the end.

        A live camera that fails is opened again meanwhile, and `trouble` says why. Frames of a covered lens come as
        any others.

        Raises:
            SourceError: the source failed for good.
        """

    def describe(self) -> str:
        """What it is, in a few words for `maskwatch check`, known once a frame was read; may be ""."""

    def close(self) -> None:
        """Give the device or file back; a second call does nothing."""


def open_source(settings: CameraSettings, ahead: Ahead | None = None) -> Source:
    """Open what settings.source names.

    `ahead` is shown each frame of a live camera on the thread that captures, if it is what read() will give: not where
    frames are turned afterwards.

    A camera that is not there at the start may come: a network camera boots more slowly than the Pi, a USB camera is
    found late, a loose cable is seated again. It is looked for as long as one that failed later (trouble, then
    SourceError from read()). What no waiting can mend is said at once.

    Raises:
        SourceError: picamera2 is not installed, or a file cannot be opened.
    """
    address = address_of(settings)
    # The Pi's camera turns by 180 degrees itself.
    if settings.rotation == 0 or (settings.rotation == 180 and address.kind == "picamera"):
        return _open(address, settings, ahead)
    from maskwatch.camera.turned import Turned

    return Turned(_open(address, settings, None), settings.rotation)


def _open(address: Address, settings: CameraSettings, ahead: Ahead | None) -> Source:
    there = address.on_disk
    if there.kind == "demo":
        return _demo(settings, ahead)
    if there.kind == "rtsp":
        return _stream(there, settings, ahead)
    if there.kind == "http":
        return _web(there, settings, ahead)
    if there.kind == "v4l2":
        return _v4l2(there.place, settings, ahead)
    if there.kind == "picamera":
        return _picamera(int(there.place), settings, ahead)
    return _file(there.kind, Path(there.place), settings.fps)


# cv2 takes 0.1-0.3 s to import: only what is opened is imported.
def _patience(settings: CameraSettings) -> Patience:
    from maskwatch.camera.patience import Patience

    return Patience(settings.stall, settings.frozen, settings.dark, settings.give_up)


def _demo(settings: CameraSettings, ahead: Ahead | None) -> Source:
    from maskwatch.camera import demo, live
    from maskwatch.camera.patience import Patience

    stage = demo.Stage(demo.Scene())
    patience = Patience(settings.stall, give_up=settings.give_up)
    return live.Live(lambda: stage, "demo", patience, stage, ahead=ahead)


def _stream(address: Address, settings: CameraSettings, ahead: Ahead | None) -> Source:
    from maskwatch.camera import capture, live

    def opened() -> capture.Capture:
        return capture.stream(address, settings.stall, settings.verify)

    return live.Live(opened, address.shown, _patience(settings), ahead=ahead)


def _web(address: Address, settings: CameraSettings, ahead: Ahead | None) -> Source:
    from maskwatch.camera import live
    from maskwatch.camera.web.camera import WebCamera

    return live.Live(lambda: WebCamera(address, settings), address.shown, _patience(settings), ahead=ahead)


def _v4l2(device: str, settings: CameraSettings, ahead: Ahead | None) -> Source:
    from maskwatch.camera import capture, live

    if not device.isascii() or len(device) > LONGEST:  # a name that is no UTF-8 ends cv2 by a segmentation fault
        name = f"v4l2:{one_line(device)}"
        raise SourceError(f"{name}: no device has such a name; `ls /dev/video*` shows what is connected")

    def opened() -> capture.Capture:
        return capture.v4l2(device, settings)

    asked = (settings.width, settings.height)
    return live.Live(opened, f"v4l2:{device}", _patience(settings), asked=asked, ahead=ahead)


def _picamera(number: int, settings: CameraSettings, ahead: Ahead | None) -> Source:
    from maskwatch.camera import live, picamera

    name, library = f"picamera:{number}", picamera.library(f"picamera:{number}")

    def opened() -> picamera.Picamera:
        return picamera.Picamera.open(library, number, settings)

    asked = (settings.width, settings.height)
    return live.Live(opened, name, _patience(settings), asked=asked, ahead=ahead)


def _file(kind: str, path: Path, fps: float) -> Source:
    from maskwatch.camera import files, video

    return video.VideoFile(path, fps) if kind == "video" else files.ImageFolder(path, fps)
