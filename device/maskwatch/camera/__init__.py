"""Where frames come from: a camera, a stream, a video, a folder of images, or the built-in demo."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from maskwatch.errors import SourceError
from maskwatch.flow import Frame

KINDS = "picamera:N, v4l2:DEVICE, rtsp://…, video:FILE, images:DIR or demo"


class Source(Protocol):
    """Frames one by one. Times never run backwards."""

    @property
    def ended(self) -> bool:
        """True when there will be no more frames."""

    def read(self, wait: float) -> Frame | None:
        """The next frame (live: the newest), or None when none came within `wait` seconds or at the end.

        Raises:
            SourceError: the source failed.
        """

    def close(self) -> None:
        """Give the device or file back; a second call does nothing."""


def open_source(spec: str, width: int = 1280, height: int = 720, fps: float = 15.0, stall: float = 10.0) -> Source:
    """Open what a source setting names. See config.CameraSettings for the rest.

    Raises:
        SourceError: the kind is unknown, or it cannot be opened.
    """
    kind, _, place = spec.partition(":")
    if spec == "demo":
        return _demo(stall)
    if kind in ("rtsp", "rtsps") and place.startswith("//"):
        return _rtsp(spec, stall)
    if kind == "v4l2" and place:
        return _v4l2(place, width, height, fps, stall)
    if kind == "picamera" and place.isdecimal():
        return _picamera(int(place), width, height, fps, stall)
    if kind in ("video", "images") and place:
        return _file(kind, Path(place), fps)
    raise SourceError(f"source {spec!r}: unknown; expected {KINDS}")


def without_password(address: str) -> str:
    """A source as it may be shown: rtsp://user:secret@host -> rtsp://…@host."""
    scheme, slashes, rest = address.partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{slashes}{'…@' if at else ''}{host}"


# cv2 takes 0.1-0.3 s to import: only what is opened is imported.
def _demo(stall: float) -> Source:
    from maskwatch.camera import demo, live

    return live.Live(demo.Stage(demo.Scene()), "demo", stall)


def _rtsp(address: str, stall: float) -> Source:
    from maskwatch.camera import live

    return live.Live(live.Capture.rtsp(address, stall), without_password(address), stall)


def _v4l2(device: str, width: int, height: int, fps: float, stall: float) -> Source:
    from maskwatch.camera import live

    return live.Live(live.Capture.v4l2(device, width, height, fps), f"v4l2:{device}", stall)


def _picamera(number: int, width: int, height: int, fps: float, stall: float) -> Source:
    from maskwatch.camera import live

    return live.Live(live.Picamera.open(number, width, height, fps), f"picamera:{number}", stall)


def _file(kind: str, path: Path, fps: float) -> Source:
    from maskwatch.camera import files

    return files.VideoFile(path, fps) if kind == "video" else files.ImageFolder(path, fps)
