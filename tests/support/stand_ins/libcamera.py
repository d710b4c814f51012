"""A stand-in for libcamera's Python bindings, which exist on a Pi only: the part that picamera2 uses, and a sensor.

Names, types and behaviour are libcamera's: a format's name gives its bytes in reverse order, rows are padded, buffers
are file descriptors, controls are checked for their type, and requests (cancelled ones too) come back through an
eventfd. `plug` decides which cameras are connected; each Camera keeps the controls that it was given.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_libcamera = sys.modules[__name__]  # picamera2 reaches for its classes by this name as well
ALIGN = 64  # bytes a row is padded to
FRAME = 0.005  # seconds between frames, whatever rate was asked for, so that tests are quick


# -- values ---------------------------------------------------------------------------------------------------------


class Size:
    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width, self.height = width, height


class Rectangle:
    def __init__(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height


class Transform:
    def __init__(self, other: Transform | None = None, hflip: int = 0, vflip: int = 0, transpose: int = 0) -> None:
        self.hflip = other.hflip if other else bool(hflip)
        self.vflip = other.vflip if other else bool(vflip)
        self.transpose = other.transpose if other else bool(transpose)

    def __str__(self) -> str:
        return f"hflip {self.hflip} vflip {self.vflip} transpose {self.transpose}"


class PixelFormat:
    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name


class ColorSpace:
    YcbcrEncoding = Enum("YcbcrEncoding", "Null Rec601 Rec709")
    Range = Enum("Range", "Full Limited")

    def __init__(self, other: ColorSpace | str) -> None:
        self.primaries = other if isinstance(other, str) else other.primaries
        self.transferFunction = self.primaries
        self.ycbcrEncoding: Any = ColorSpace.YcbcrEncoding.Rec601
        self.range: Any = ColorSpace.Range.Limited

    def __str__(self) -> str:
        return str(self.primaries)

    @classmethod
    def Sycc(cls) -> ColorSpace:  # noqa: N802  libcamera's names
        return cls("sycc")

    @classmethod
    def Smpte170m(cls) -> ColorSpace:  # noqa: N802
        return cls("smpte170m")

    @classmethod
    def Rec709(cls) -> ColorSpace:  # noqa: N802
        return cls("rec709")

    @classmethod
    def Raw(cls) -> ColorSpace:  # noqa: N802
        return cls("raw")


StreamRole = Enum("StreamRole", "Raw StillCapture VideoRecording Viewfinder")
Orientation = Enum(
    "Orientation",
    "Rotate0 Rotate0Mirror Rotate180 Rotate180Mirror Rotate90Mirror Rotate270 Rotate270Mirror Rotate90",
)
ControlType = Enum("ControlType", "Bool Integer32 Integer64 Float Rectangle Size")


# -- controls and properties ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ControlId:
    name: str
    type: Any

    def check(self, value: Any) -> None:
        """Raise what the bindings raise when they cannot turn a Python value into the control's type."""
        kinds = {"Bool": bool, "Integer32": int, "Integer64": int, "Float": float, "Rectangle": Rectangle, "Size": Size}
        for item in value if isinstance(value, list | tuple) else [value]:
            if not isinstance(item, kinds[self.type.name]):
                raise RuntimeError(f"control {self.name}: {item!r} is no {self.type.name}")


@dataclass(frozen=True)
class ControlInfo:
    min: Any
    max: Any
    default: Any


class AfModeEnum(IntEnum):
    Manual, Auto, Continuous = range(3)


class NoiseReductionModeEnum(IntEnum):
    Off, Fast, HighQuality, Minimal, ZSL = range(5)


class ColorFilterArrangementEnum(IntEnum):
    RGGB, GRBG, GBRG, BGGR, RGB, MONO = range(6)


controls = SimpleNamespace(
    AfModeEnum=AfModeEnum,
    draft=SimpleNamespace(NoiseReductionModeEnum=NoiseReductionModeEnum),
    **{
        name: ControlId(name, ControlType[kind])
        for name, kind in {
            "AeEnable": "Bool",
            "AfMode": "Integer32",
            "AnalogueGain": "Float",
            "AnalogueGainMode": "Integer32",
            "ExposureTime": "Integer32",
            "ExposureTimeMode": "Integer32",
            "FrameDurationLimits": "Integer64",
            "LensPosition": "Float",
            "NoiseReductionMode": "Integer32",
        }.items()
    },
)
properties = SimpleNamespace(draft=SimpleNamespace(ColorFilterArrangementEnum=ColorFilterArrangementEnum))
EVERY_CAMERA = {
    controls.AeEnable: ControlInfo(False, True, True),
    controls.AnalogueGain: ControlInfo(1.0, 16.0, 1.0),
    controls.ExposureTime: ControlInfo(1, 66666, 20000),
    controls.FrameDurationLimits: ControlInfo(8333, 120000, 33333),
    controls.NoiseReductionMode: ControlInfo(0, 4, 0),
}
AUTOFOCUS = {
    controls.AfMode: ControlInfo(0, 2, 0),
    controls.LensPosition: ControlInfo(0.0, 32.0, 1.0),
}


# -- buffers and requests -------------------------------------------------------------------------------------------


class FrameMetadata:
    Status = Enum("Status", "Success Error Cancelled")


class FrameBuffer:
    class Plane:
        fd, offset, length = -1, 0, 0

    def __init__(self, planes: list[FrameBuffer.Plane]) -> None:
        self.planes = planes
        plane = SimpleNamespace(bytes_used=sum(plane.length for plane in planes))
        self.metadata = SimpleNamespace(status=FrameMetadata.Status.Success, planes=[plane])


class Request:
    Status = Enum("Status", "Pending Complete Cancelled")

    def __init__(self, cookie: int) -> None:
        self.cookie, self.status = cookie, Request.Status.Pending
        self.buffers: dict[Any, FrameBuffer] = {}
        self.controls: dict[ControlId, Any] = {}
        self.metadata: dict[ControlId, Any] = {}

    def add_buffer(self, stream: Any, buffer: FrameBuffer) -> None:
        self.buffers[stream] = buffer

    def set_control(self, control: ControlId, value: Any) -> None:
        control.check(value)
        self.controls[control] = value

    def reuse(self) -> None:
        self.status, self.controls = Request.Status.Pending, {}


# -- configurations -------------------------------------------------------------------------------------------------


class SensorConfiguration:
    bit_depth = 0
    output_size = Size()


@dataclass(eq=False)
class StreamConfiguration:
    pixel_format: PixelFormat
    size: Size
    buffer_count: int = 4
    stride: int = 0
    frame_size: int = 0
    color_space: ColorSpace | None = None
    formats: Any = None
    stream: Any = field(default_factory=object)

    def settle(self, largest: Size) -> bool:
        """Set the nearest size that the sensor has, the stride and the frame size; True when something was changed."""
        wanted = (self.size.width, self.size.height)
        self.size = Size(min(wanted[0], largest.width), min(wanted[1], largest.height))
        name = str(self.pixel_format)
        row = self.size.width * (3 if name in ("RGB888", "BGR888") else 4 if name.endswith("8888") else 2)
        self.stride = -(-row // ALIGN) * ALIGN
        self.frame_size = self.stride * self.size.height
        return wanted != (self.size.width, self.size.height)


class CameraConfiguration:
    Status = Enum("Status", "Valid Adjusted Invalid")

    def __init__(self, streams: list[StreamConfiguration], largest: Size) -> None:
        self._streams, self._largest = streams, largest
        self.orientation = Orientation.Rotate0
        self.sensor_config: SensorConfiguration | None = None

    def __iter__(self) -> Iterator[StreamConfiguration]:
        return iter(self._streams)

    def at(self, index: int) -> StreamConfiguration:
        return self._streams[index]

    def validate(self) -> Any:
        adjusted = [stream.settle(self._largest) for stream in self]
        return CameraConfiguration.Status.Adjusted if any(adjusted) else CameraConfiguration.Status.Valid


class _RawFormats:
    """The sensor's only raw mode: 10 bits, packed, the whole sensor."""

    def __init__(self, size: Size) -> None:
        self.pixel_formats, self._size = [PixelFormat("SRGGB10_CSI2P")], size

    def sizes(self, _: PixelFormat) -> list[Size]:
        return [self._size]


# -- cameras --------------------------------------------------------------------------------------------------------


class Camera:
    """A sensor on the ribbon cable.

    Its picture is red above and blue below, with noise. While `silent` is set, it sends no frames, like a camera whose
    cable came loose.
    """

    def __init__(self, model: str, autofocus: bool, largest: tuple[int, int] = (1536, 864)) -> None:
        self.id = f"/base/soc/i2c0mux/i2c@1/{model}@1a"
        self.largest = Size(*largest)
        kind = ControlType.Integer32
        self.properties = {
            ControlId("Model", kind): model,
            ControlId("Location", kind): 2,
            ControlId("Rotation", kind): 180,
            ControlId("ColorFilterArrangement", kind): ColorFilterArrangementEnum.RGGB,
        }
        self.controls = EVERY_CAMERA | (AUTOFOCUS if autofocus else {})
        self.held = self.running = False
        self.starts = 0
        self.asked: dict[str, Any] = {}  # every control that arrived, by name
        self.configuration: CameraConfiguration | None = None
        self.silent = threading.Event()
        self._queue: list[Request] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._noise = np.random.default_rng(0)

    def acquire(self) -> None:
        if self.held:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self.held = True

    def release(self) -> None:
        if self.running:
            raise RuntimeError("Failed to release camera: it is running")
        self.held = False

    def generate_configuration(self, roles: list[Any]) -> CameraConfiguration:
        streams = [StreamConfiguration(PixelFormat("XRGB8888"), Size(640, 480)) for _ in roles]
        for role, stream in zip(roles, streams, strict=True):
            if role is StreamRole.Raw:
                stream.formats = _RawFormats(self.largest)
        return CameraConfiguration(streams, self.largest)

    def configure(self, configuration: CameraConfiguration) -> int:
        self.configuration = configuration
        return 0

    def create_request(self, cookie: int) -> Request:
        return Request(cookie)

    def start(self, wanted: dict[ControlId, Any]) -> None:
        if not self.held or self.configuration is None:
            raise RuntimeError("Failed to start camera")
        self._take(wanted)
        self.running, self.starts = True, self.starts + 1
        self._stop.clear()
        self._thread = threading.Thread(target=self._expose, daemon=True)
        self._thread.start()

    def queue_request(self, request: Request) -> None:
        self._take(request.controls)
        self._queue.append(request)

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for request in self._queue:
            request.status = Request.Status.Cancelled
        _manager.complete(self._queue)
        self._queue, self.running = [], False

    def _take(self, wanted: dict[ControlId, Any]) -> None:
        for control, value in wanted.items():
            control.check(value)
            self.asked[control.name] = value

    def _expose(self) -> None:
        while not self._stop.wait(FRAME):
            if self._queue and not self.silent.is_set():
                request = self._queue.pop(0)
                self._fill(request)
                request.status = Request.Status.Complete
                _manager.complete([request])

    def _fill(self, request: Request) -> None:
        """Paint the picture into the main stream's buffer, in the order of channels and the transform asked for."""
        assert self.configuration is not None
        stream = self.configuration.at(0)
        picture = self._scene(stream.size.width, stream.size.height)
        if self.configuration.orientation is Orientation.Rotate180:
            picture = picture[::-1, ::-1]
        order = {"BGR888": [0, 1, 2], "RGB888": [2, 1, 0]}[str(stream.pixel_format)]  # bytes in memory, of R, G, B
        plane = request.buffers[stream.stream].planes[0]
        with mmap.mmap(plane.fd, plane.length) as memory:
            rows = np.frombuffer(memory, np.uint8).reshape(stream.size.height, stream.stride)
            rows[:] = 0x55  # the padding is not black, so that a test sees when it is read as picture
            rows[:, : 3 * stream.size.width] = picture[..., order].reshape(stream.size.height, -1)
            del rows

    def _scene(self, width: int, height: int) -> NDArray[np.uint8]:
        scene = np.zeros((height, width, 3), np.int16)
        scene[: height // 2] = (200, 30, 20)
        scene[height // 2 :] = (20, 30, 200)
        return (scene + self._noise.integers(-8, 9, scene.shape, np.int16)).clip(0, 255).astype(np.uint8)


class CameraManager:
    def __init__(self) -> None:
        self.cameras: list[Camera] = []
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._ready: list[Request] = []
        self._lock = threading.Lock()

    @staticmethod
    def singleton() -> CameraManager:
        return _manager

    def complete(self, requests: list[Request]) -> None:
        with self._lock:
            self._ready += requests
        os.eventfd_write(self.event_fd, 1)

    def get_ready_requests(self) -> list[Request]:
        with self._lock:
            ready, self._ready = self._ready, []
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.event_fd)
        return ready


_manager = CameraManager()


def plug(*cameras: Camera) -> None:
    """Make these cameras the only connected ones."""
    _manager.cameras = list(cameras)
