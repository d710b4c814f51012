"""The Pi's camera through the real picamera2: its own code runs, from opening to buffers to closing.

Stood in for is what lies below it and exists on a Pi only: libcamera, and the kernel's heap that its buffers come from.
Modules it imports at the door and never uses here are kept a place for, where they are not installed: they draw on a
screen (pykms), write DNG files (pidng) and feed ffmpeg (prctl).
"""

import gc
import importlib
import importlib.util
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest
from stand_ins import dma_heap, libcamera

from maskwatch.camera import Source, open_source
from maskwatch.camera.picamera import Picamera
from maskwatch.cli import check
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Frame

REASON = "picamera2 is not installed: pip install '.[picamera]' and then, --no-deps, picamera2"
NEVER_USED = ("pykms", "pidng", "pidng.core", "pidng.camdefs", "prctl")
RED, BLUE = (200, 30, 20), (20, 30, 200)  # RGB, the stand-in's picture above and below
SETTINGS = {"source": "picamera:0", "width": 100, "height": 80, "stall": 2.0}  # 100 px: rows of 300 bytes are padded


@pytest.fixture(scope="module")
def picamera2() -> Iterator[ModuleType]:
    if importlib.util.find_spec("picamera2") is None:
        pytest.skip(REASON)
    places = {name: mock.MagicMock(name=name) for name in NEVER_USED if not there(name)}
    with mock.patch.dict(sys.modules, places | {"libcamera": libcamera}):
        yield importlib.import_module("picamera2")


def there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


@pytest.fixture
def heap(picamera2: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    numbers = importlib.import_module("picamera2.dma_heap")
    (tmp_path / "heap").touch()
    monkeypatch.setattr(numbers, "heapNames", [str(tmp_path / "heap")])
    for user in (numbers, importlib.import_module("picamera2.allocators.dmaallocator")):
        monkeypatch.setattr(user, "fcntl", dma_heap.Heap(numbers))
    return picamera2


@pytest.fixture
def imx708(heap: ModuleType) -> libcamera.Camera:  # noqa: ARG001
    """A Camera Module 3, plugged in."""
    camera = libcamera.Camera("imx708", autofocus=True)
    libcamera.plug(camera)
    return camera


@pytest.fixture
def imx219(heap: ModuleType) -> libcamera.Camera:  # noqa: ARG001
    """A Camera Module 2, plugged in: its lens does not move."""
    camera = libcamera.Camera("imx219", autofocus=False)
    libcamera.plug(camera)
    return camera


def opened(**changed: Any) -> Source:
    return open_source(CameraSettings(**SETTINGS | changed))


def first_frame(source: Source) -> Frame:
    frame = source.read(10)
    assert frame is not None, source.trouble
    return frame


def soon(source: Source, happened: Callable[[], bool]) -> bool:
    """Read on, as the daemon does, until it happened."""
    end = time.monotonic() + 10
    while not happened() and time.monotonic() < end:
        source.read(0.1)
    return happened()


def test_frames_are_upright_whole_and_red_first(imx708: libcamera.Camera) -> None:
    source = opened()
    image = first_frame(source).image
    source.close()
    assert image.shape == (80, 100, 3)
    assert image.flags.c_contiguous
    assert np.allclose(image[:40].mean((0, 1)), RED, atol=1)
    assert np.allclose(image[40:].mean((0, 1)), BLUE, atol=1)
    assert np.abs(image.astype(int) - np.where(np.arange(80)[:, None, None] < 40, RED, BLUE)).max() <= 8  # no padding
    assert not imx708.held


@pytest.mark.parametrize(
    ("rotation", "shape", "red"),
    [
        (90, (100, 80, 3), np.s_[:, 40:]),
        (180, (80, 100, 3), np.s_[40:]),
        (270, (100, 80, 3), np.s_[:, :40]),
    ],
)
def test_a_rotated_camera_gives_upright_frames(
    imx708: libcamera.Camera, rotation: int, shape: tuple[int, ...], red: Any
) -> None:
    source = opened(rotation=rotation)
    image = first_frame(source).image
    source.close()
    assert image.shape == shape
    assert np.allclose(image[red].mean((0, 1)), RED, atol=1)
    assert imx708.configuration is not None
    hardware = imx708.configuration.orientation is libcamera.Orientation.Rotate180
    assert hardware == (rotation == 180)


@pytest.mark.parametrize(
    ("changed", "arrive"),
    [
        ({"fps": 20.0}, {"FrameDurationLimits": (50_000, 50_000), "AfMode": 2}),
        ({"exposure": 8.5}, {"ExposureTime": 8500, "ExposureTimeMode": 1}),
        ({"focus": "auto"}, {"AfMode": libcamera.AfModeEnum.Continuous}),
        ({"focus": 0.5}, {"AfMode": libcamera.AfModeEnum.Manual, "LensPosition": 0.5}),
    ],
)
def test_settings_arrive_at_libcamera(
    imx708: libcamera.Camera, changed: dict[str, Any], arrive: dict[str, Any]
) -> None:
    source = opened(**changed)
    first_frame(source)
    source.close()
    assert arrive.items() <= imx708.asked.items()
    assert ("ExposureTime" in imx708.asked) == ("exposure" in changed)
    assert "AeEnable" not in imx708.asked  # it would freeze the gain


def test_a_lens_that_does_not_move_is_left_alone_and_that_is_said(
    imx219: libcamera.Camera, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "maskwatch"):
        source = opened(focus=0.5)
        first_frame(source)
        source.close()
    assert not imx219.asked.keys() & {"AfMode", "LensPosition"}
    assert "focus = 0.5 is ignored: the focus of this lens cannot be set" in caplog.text


@pytest.mark.parametrize(
    ("model", "told"),
    [("imx708", "autofocus lens, sees 66° across"), ("imx219", "fixed-focus lens, sees 62° across")],
)
def test_check_names_sensor_lens_and_angle(model: str, told: str, request: pytest.FixtureRequest) -> None:
    camera: libcamera.Camera = request.getfixturevalue(model)
    assert str(check._camera(CameraSettings(**SETTINGS))) == f"picamera:0, 100x80 pixels, {model}, {told}"
    assert not camera.held


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ((680, 692, 1920, 1080), "sees 28° across"),  # as Camera Module 2 does for 1080p; of it 1350 for 100x80
        ((0, 0, 3280, 2464), "sees 59° across"),  # frames of 100x80 are narrower than 4:3
        ((0, 464, 3280, 1536), "sees 39° across"),  # the height that is read leaves 1920 for 100x80
    ],
)
def test_a_sensor_that_is_read_in_part_sees_less(read: tuple[int, ...], told: str, imx219: libcamera.Camera) -> None:
    rectangle, integer = libcamera.ControlType.Rectangle, libcamera.ControlType.Integer32
    imx219.properties[libcamera.ControlId("PixelArraySize", integer)] = (3280, 2464)
    imx219.properties[libcamera.ControlId("ScalerCropMaximum", rectangle)] = read
    assert str(check._camera(CameraSettings(**SETTINGS))).endswith(told)


def test_check_notes_a_size_the_sensor_does_not_have(imx708: libcamera.Camera) -> None:
    imx708.largest = libcamera.Size(64, 48)
    line = str(check._camera(CameraSettings(**SETTINGS)))
    assert line.startswith("picamera:0, 64x48 pixels, ")
    assert line.endswith(", frames of 64x48, 100x80 were asked for")


def test_a_closed_camera_can_be_opened_again(imx708: libcamera.Camera) -> None:
    for _ in range(2):
        source = opened()
        first_frame(source)
        source.close()
    assert imx708.starts == 2


def test_a_cable_that_comes_loose_is_noticed_and_the_camera_opened_again(imx708: libcamera.Camera) -> None:
    source = opened(stall=0.3)
    first_frame(source)
    imx708.silent.set()
    assert soon(source, lambda: source.trouble is not None)
    assert str(source.trouble).startswith("no frame for 0.")
    assert soon(source, lambda: imx708.starts == 2)  # while it is still loose: closing waits for no frame
    imx708.silent.clear()
    first_frame(source)
    assert source.trouble is None
    source.close()
    assert not imx708.held


@pytest.mark.usefixtures("imx708")
def test_a_camera_in_use_is_had_once_it_is_free() -> None:
    source = opened()
    first_frame(source)
    second = opened()
    assert soon(second, lambda: second.trouble is not None)
    reason = "Failed to acquire camera: Device or resource busy"
    assert str(second.trouble).startswith(f"cannot be opened ({reason}); see what `rpicam-hello")
    source.close()
    first_frame_after_trouble(second)
    second.close()


def test_a_camera_that_is_not_there_at_the_start_is_waited_for(heap: ModuleType) -> None:  # noqa: ARG001
    libcamera.plug()
    source = opened()
    assert soon(source, lambda: source.trouble is not None)
    assert str(source.trouble).startswith("cannot be opened (No camera number 0 found")
    libcamera.plug(libcamera.Camera("imx708", autofocus=True))
    first_frame_after_trouble(source)
    source.close()


@pytest.mark.parametrize("there", [False, True])
def test_a_camera_that_cannot_be_opened_for_long_takes_no_file_descriptors(heap: ModuleType, there: bool) -> None:
    camera = libcamera.Camera("imx708", autofocus=True)
    camera.held = True  # by another program
    libcamera.plug(*[camera] * there)

    def attempt() -> set[Path]:
        with pytest.raises(SourceError, match="cannot be opened"):
            Picamera.open(heap, 0, CameraSettings(**SETTINGS))
        gc.collect()  # other tests' cameras may be open until then
        return set(Path("/proc/self/fd").iterdir())

    before = attempt()
    assert [attempt() for _ in range(5)][-1] <= before


def test_picamera2s_own_lines_are_kept_out_of_the_log(
    imx708: libcamera.Camera, caplog: pytest.LogCaptureFixture
) -> None:
    imx708.held = True
    with caplog.at_level(logging.INFO):
        source = opened()
        assert soon(source, lambda: source.trouble is not None)
        imx708.held = False
        first_frame_after_trouble(source)
        source.close()
    assert {record.name.partition(".")[0] for record in caplog.records} == {"maskwatch"}


def first_frame_after_trouble(source: Source) -> None:
    """Wait for a frame; the source is tried again after half a second, one, two."""
    assert soon(source, lambda: source.read(0.1) is not None)
    assert source.trouble is None


@pytest.mark.parametrize("error", [KeyError("buffer"), RuntimeError("device vanished"), AttributeError("None")])
@pytest.mark.parametrize(
    "failing", [("stop",), ("close",), ("stop", "close"), ("capture_array",), ("camera_properties",)]
)
def test_whatever_picamera2_raises_is_a_line_and_it_is_closed_all_the_same(
    imx708: libcamera.Camera, picamera2: ModuleType, failing: tuple[str, ...], error: Exception
) -> None:
    camera = Picamera.open(picamera2, 0, CameraSettings(**SETTINGS))
    library = camera._camera
    closed = mock.Mock(wraps=library.close)
    camera._camera = spoilt = Spoilt(library, closed, failing, error)
    for attempt in (camera.grab, camera.describe, camera.close):
        try:
            attempt()
        except SourceError as met:
            assert re.fullmatch(r"picamera:0: [^\n]+", str(met))  # noqa: PT017
            failing = failing[1:]
    assert closed.called or "close" in spoilt.failing
    library.close()
    assert not imx708.held


class Spoilt:
    """A picamera2.Picamera2 of which some attributes raise."""

    def __init__(self, library: Any, closed: mock.Mock, failing: tuple[str, ...], error: Exception) -> None:
        self._library, self._closed, self.failing, self._error = library, closed, failing, error

    def __getattr__(self, name: str) -> Any:
        if name in self.failing:
            raise self._error
        return self._closed if name == "close" else getattr(self._library, name)


@pytest.mark.parametrize("rotation", [0, 90])
def test_without_its_library_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch, rotation: int) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)  # as if it were not installed
    with pytest.raises(SourceError, match=r"^picamera:0: picamera2 is not installed; .*apt install"):
        opened(rotation=rotation)


@pytest.mark.usefixtures("heap")
def test_a_camera_without_a_raspberry_pis_controls_is_asked_for_none(picamera2: ModuleType) -> None:
    usb = libcamera.Camera("HD Webcam", autofocus=False)
    usb.controls = {}
    libcamera.plug(usb)
    camera = Picamera.open(picamera2, 0, CameraSettings(**SETTINGS))
    assert camera.grab() is not None
    camera.close()
    assert usb.asked == {}
