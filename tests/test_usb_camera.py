"""A USB camera through cv2, which is stood in for: no V4L2 device is at hand where tests run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskwatch import check
from maskwatch.camera import capture
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError

DEVICE = "/dev/null"  # a device, as /dev/video0 is one
PICTURE = np.random.default_rng(0).integers(0, 255, (720, 1280, 3)).astype(np.uint8)


def code(name: str) -> float:
    return float(cv2.VideoWriter.fourcc(*name))


class Usb:
    """A cv2.VideoCapture of a camera that has some formats; what it does can be made to raise."""

    def __init__(self, *formats: str) -> None:
        self.formats, self.given = formats, formats[0]
        self.asked: list[tuple[int, float]] = []
        self.raises: dict[str, Exception] = {}
        self.picture: Any = PICTURE
        self.open = True
        self.released = 0
        self.aspect = (0.0, 0.0)

    def _may(self, what: str) -> None:
        if what in self.raises:
            raise self.raises[what]

    def isOpened(self) -> bool:  # noqa: N802
        self._may("isOpened")
        return self.open

    def set(self, setting: int, value: float) -> bool:
        self._may("set")
        self.asked.append((setting, value))
        if setting == cv2.CAP_PROP_FOURCC and (name := capture.codec(value).upper()) in self.formats:
            self.given = name
        return True

    def get(self, setting: int) -> float:
        self._may("get")
        aspect = dict(zip((cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN), self.aspect, strict=True))
        return code(self.given) if setting == cv2.CAP_PROP_FOURCC else aspect.get(setting, 0.0)

    def read(self) -> tuple[bool, Any]:
        self._may("read")
        return self.picture is not None, self.picture

    def release(self) -> None:
        self.released += 1
        self._may("release")


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> Usb:
    camera = Usb("YUYV", "MJPG")
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: camera)
    capture._warn.cache_clear()
    return camera


def settings(**changed: Any) -> CameraSettings:
    return CameraSettings(source=f"v4l2:{DEVICE}", **changed)


def test_the_format_is_asked_for_before_the_size(usb: Usb) -> None:
    capture.v4l2(DEVICE, settings(format="MJPG"))
    assert usb.asked[:3] == [
        (cv2.CAP_PROP_FOURCC, code("MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
    ]


def test_auto_asks_for_no_format_and_check_says_which_it_is(usb: Usb) -> None:
    assert check._camera(settings()) == f"v4l2:{DEVICE}, 1280x720 pixels, YUYV"
    assert cv2.CAP_PROP_FOURCC not in dict(usb.asked)


def test_check_says_the_format_that_was_had(usb: Usb, caplog: pytest.LogCaptureFixture) -> None:
    assert check._camera(settings(format="MJPG")).endswith(", MJPG")
    assert usb.released
    assert caplog.text == ""


@pytest.mark.usefixtures("usb")
def test_another_format_than_asked_for_is_a_warning_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            camera = capture.v4l2(DEVICE, settings(format="NV12"))
    assert camera.describe() == "YUYV where NV12 was asked for"
    (line,) = caplog.messages
    assert line.startswith(f'v4l2:{DEVICE}: gives YUYV where camera.format = "NV12" was asked for; ')


def live_and_die() -> None:
    camera = capture.v4l2(DEVICE, settings())
    camera.grab()
    camera.close()


@pytest.mark.parametrize("error", [cv2.error("bad\nargument"), ValueError("x"), OSError(5, "I/O error"), KeyError(7)])
@pytest.mark.parametrize("where", ["isOpened", "set", "get", "read", "release"])
def test_whatever_cv2_raises_is_a_line_about_the_camera(usb: Usb, where: str, error: Exception) -> None:
    usb.raises[where] = error
    with pytest.raises(SourceError, match=rf"^v4l2:{DEVICE}: [^\n]+$"):
        live_and_die()
    assert usb.released == (where in ("set", "get", "release"))  # given back where it was had and nobody else will


def test_one_odd_frame_does_not_end_the_watch(usb: Usb) -> None:
    camera = capture.v4l2(DEVICE, settings())
    usb.picture = np.zeros((48, 63, 2), np.uint8)
    with pytest.raises(SourceError, match="a frame of shape"):
        camera.grab()
    usb.picture = PICTURE[..., 0]
    assert camera.grab().shape == PICTURE.shape  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("across", "down", "size", "words"),
    [
        (16.0, 11.0, (1862, 720), "h264, stretched: its pixels are 1.45 times as wide as high"),
        (1.0, 1.0, (1280, 720), "h264"),
        (0.0, 1.0, (1280, 720), "h264"),
    ],
)
def test_pixels_that_are_no_squares_are_stretched_and_that_is_said(
    usb: Usb, across: float, down: float, size: tuple[int, int], words: str
) -> None:
    usb.aspect = (across, down)
    stream = capture.Capture(usb, "rtsp://door", "h264")
    assert stream.grab().shape[1::-1] == size  # type: ignore[union-attr]
    assert stream.describe() == words


def test_what_is_no_device_is_never_opened(tmp_path: Path, usb: Usb) -> None:
    (tmp_path / "video0").write_text("")
    for name, reason in (("video0", "no camera, which is a device"), ("video1", "no such device"), ("", "no camera")):
        with pytest.raises(SourceError, match=reason):
            capture.v4l2(str(tmp_path / name), settings())
    assert not usb.asked
