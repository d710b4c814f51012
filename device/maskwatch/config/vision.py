"""[camera], [zone], [face], [mask] and [power]: where frames come from, and how they are processed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from maskwatch.config.section import PathText, Section, seconds_or_never
from maskwatch.config.value_shown import found
from maskwatch.config.zone_area import enclosing
from maskwatch.text.address import parse


def _a_focus(value: Any) -> Any:
    """Validate by hand before pydantic tries each branch of the union, so that the error names this key."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value != "auto" and not (number and 0 <= value <= 20):
        raise ValueError(f'found {found(value)}, expected "auto" or 0 to 20 dioptres')
    return value


def _a_share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"found {value:g}, expected 0 to 1: corners are shares of the frame, not pixels")
    return value


Across = Annotated[float, AfterValidator(_a_share)]
Threads = Annotated[int, Field(ge=1, le=16)]
Corner = Annotated[tuple[Across, Across], Field(strict=False)]
Polygon = Annotated[tuple[Corner, ...], Field(strict=False), AfterValidator(enclosing)]
Focus = Annotated[Literal["auto"] | float, BeforeValidator(_a_focus)]


def _a_source(value: Any) -> Any:
    """Check a source. The message never repeats the value, which may contain a password."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_DEVICES:
        value = str(value)  # a number alone is a V4L2 device, with quotes or without
    if not isinstance(value, str):
        raise ValueError('found no string; expected e.g. "picamera:0"')
    parse(value)
    return value


MOST_DEVICES = 999
SourceText = Annotated[str, BeforeValidator(_a_source)]


class CameraSettings(Section):
    """[camera]: where frames come from."""

    source: SourceText = Field(default="picamera:0", repr=False)
    """picamera:N, v4l2:DEVICE, rtsp://…, http://…, video:FILE, images:DIR or demo; see text.address.parse."""
    password_file: PathText | None = None
    """A file with the password of a network camera, or the name of a systemd credential. Absent: the password, if any,
    is in `source`."""
    verify: bool = True
    """Whether a network camera must prove its identity: https and rtsps, with a certificate that this machine
    trusts."""
    width: int = Field(default=1280, ge=64, le=4096)
    """Pixels; requested from a live camera. Files and streams keep their size."""
    height: int = Field(default=720, ge=64, le=4096)
    """Pixels; requested from a live camera."""
    fps: float = Field(default=15.0, ge=0.2, le=120)
    """Frames a second; requested from a live camera. It also gives the times of an image folder, and of a video without
    time stamps."""
    format: Literal["auto", "MJPG", "YUYV", "UYVY", "NV12", "GREY"] = "auto"
    """Pixel format of a USB camera. MJPG is compressed, so a USB 2 connection carries more large frames a second."""
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees by which each frame is turned clockwise; 180 for a camera mounted upside down."""
    field_of_view: float | None = Field(default=None, ge=5, le=170)
    """Degrees from the left to the right edge of the frame before it is turned. With it, `maskwatch check` says in
    metres how far away faces are found. Absent: known for the Pi's camera modules, unknown for other cameras."""
    exposure: float | None = Field(default=None, ge=0.01, le=1000)
    """Milliseconds of exposure, picamera only. Absent: automatic."""
    focus: Focus = "auto"
    """For a picamera lens that can move: "auto", or a fixed focus in dioptres (1 / metres)."""
    stall: float = Field(default=5.0, ge=0.2, le=60)
    """Seconds without a new frame after which a live camera counts as failed; after twice this time it is opened again.
    It must be longer than the time between two frames of a slow camera."""
    frozen: Annotated[float, seconds_or_never(0.1, 600)] = 10.0
    """Seconds of identical frames (not dark ones) after which a live camera is opened again; 0: never."""
    dark: Annotated[float, seconds_or_never(0.1, 3600)] = 30.0
    """Seconds of black or featureless frames after which the lens counts as covered, which the unit shows as a fault;
    0: never."""
    give_up: Annotated[float, seconds_or_never(0.1, 3600)] = 120.0
    """Seconds of camera failure after which the daemon exits, so that systemd starts it again; 0: never."""

    @model_validator(mode="after")
    def _one_password(self) -> CameraSettings:
        source = parse(self.source)
        if source.authority is not None and self.password_file is not None:
            source.with_password("x")  # raises if the source has no place for a password
        elif source.wants_password:
            raise ValueError("source contains {password}, but password_file is not set")
        return self


class ZoneSettings(Section):
    """[zone]: the part of the frame in which people count."""

    polygon: Polygon = ()
    """Corners as [across, down] in shares of the frame, 0 to 1. A face counts when its middle is inside. Empty: the
    whole frame. The finder only sees the zone's bounding rectangle with a margin, see looking.region."""


class FaceSettings(Section):
    """[face]: the face finder."""

    engine: Literal["maskwatch", "yunet"] = "maskwatch"
    """maskwatch: our own bundle. yunet: cv2.FaceDetectorYN with the ONNX file you name in `model`."""
    model: PathText = "default"
    """"default", the bundle in the package, or a file."""
    reach: Literal["near", "far"] = "near"
    """far: the finder in the package with the larger input. It finds smaller faces, which are farther away, and takes
    over twice as long; see docs/reach.md."""
    min_score: float | None = Field(default=None, ge=0.05, le=0.95)
    """0 to 1; faces with a lower score are ignored. Absent: the threshold that was shipped with the model. Few faces
    score above 0.95, and below 0.05 nearly everything counts as a face."""
    min_size: float = Field(default=16.0, ge=0, le=1000)
    """Pixels of the frame; faces whose shorter side is smaller are ignored."""
    threads: Threads = 2

    @model_validator(mode="after")
    def _yunet_brings_its_file(self) -> FaceSettings:
        if self.engine == "yunet" and self.model == "default":
            raise ValueError('engine "yunet" needs `model` to name an ONNX file of yours: none ships with maskwatch')
        return self

    @model_validator(mode="after")
    def _reach_is_of_our_own_finders(self) -> FaceSettings:
        if self.reach == "far" and self.model != "default":
            raise ValueError('reach "far" is for the bundles in the package, and `model` names a file; leave one out')
        return self


class MaskSettings(Section):
    """[mask]: the classifier."""

    model: PathText = "default"
    """"default", the bundle in the package, or a .tflite made by `python -m convert`."""
    incorrect: Literal["without_mask", "with_mask"] = "without_mask"
    """What a mask worn wrong (nose or mouth not covered) counts as. With without_mask it causes an alert."""
    threads: Threads = 2


class PowerSettings(Section):
    """[power]: how much is computed."""

    gate: bool = False
    """true: the finder does not run while nothing moves in the frame and nobody is known to be there."""
    max_fps: float | None = Field(default=None, ge=0.2, le=120)
    """Frames a second that are processed at most. Absent: as many as the camera gives and the models can process."""
