"""Strict TOML -> typed settings. A key that is unknown, of the wrong type or out of range is refused."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maskwatch.errors import ConfigError

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Threads = Annotated[int, Field(ge=1, le=16)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CameraSettings(_Section):
    """[camera]: where frames come from."""

    source: str = "picamera:0"
    """picamera:N, v4l2:DEVICE, rtsp://…, video:FILE, images:DIR or demo."""
    width: int = Field(default=1280, ge=64, le=4096)
    """Pixels asked of a live camera; files and streams keep their own size."""
    height: int = Field(default=720, ge=64, le=4096)
    """Pixels asked of a live camera."""
    fps: float = Field(default=15.0, gt=0, le=120)
    """Frames a second asked of a live camera; also the clock of an image folder."""
    stall: Seconds = 10.0
    """Seconds without a frame after which a live source counts as dead and the daemon exits."""


class FaceSettings(_Section):
    """[face]: the face finder."""

    engine: Literal["maskwatch", "yunet"] = "maskwatch"
    """maskwatch: our own bundle. yunet: cv2.FaceDetectorYN with the ONNX file you name in `model`."""
    model: str = "default"
    """"default", the bundle in the package, or a file."""
    min_score: Share | None = None
    """A face below this score, 0 to 1, is ignored. Absent: the threshold the model was shipped with."""
    min_size: float = Field(default=16.0, ge=0)
    """A face whose shorter side is below this, in pixels of the frame, is ignored."""
    threads: Threads = 2

    @model_validator(mode="after")
    def _yunet_brings_its_file(self) -> FaceSettings:
        if self.engine == "yunet" and self.model == "default":
            raise ValueError('engine "yunet" needs `model` to name an ONNX file of yours: none ships with maskwatch')
        return self


class MaskSettings(_Section):
    """[mask]: the classifier."""

    model: str = "default"
    """"default", the bundle in the package, or a .tflite made by `python -m convert`."""
    incorrect: Literal["without_mask", "with_mask"] = "without_mask"
    """What a mask worn wrong, nose or mouth out, counts as: without_mask lets the alert sound for it."""
    threads: Threads = 2


class OpinionSettings(_Section):
    """[opinion]: how single verdicts become one opinion per person."""

    time_constant: float = Field(default=0.7, gt=0, le=60)
    """Seconds after which a changed verdict has moved the opinion by 63 %."""
    forget: Seconds = 1.0
    """Seconds unseen after which a person is forgotten."""
    min_iou: float = Field(default=0.2, gt=0, le=1)
    """A face is the same person when its box overlaps the last one by this much (intersection over union)."""


class AlertSettings(_Section):
    """[alert]: when the alert begins and ends."""

    high: Share = 0.6
    """A person counts as bare when the opinion, 0 = masked … 1 = bare, is at or above this."""
    low: Share = 0.4
    """A person counts as masked when the opinion is below this; between the two, the last state stays."""
    hold: Seconds = 1.0
    """Seconds somebody must stay bare before the alert begins."""
    clear: Seconds = 2.0
    """Seconds without anybody bare before the alert ends."""

    @model_validator(mode="after")
    def _low_below_high(self) -> AlertSettings:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} must not be above high = {self.high:g}")
        return self


class PinSettings(_Section):
    """[outputs.buzzer], [outputs.led]: one GPIO pin each; absent, that output does not exist."""

    pin: int = Field(ge=0, le=27)
    """BCM number, not the position on the header."""
    active_high: bool = True
    """true: 3.3 V means on. false for boards that switch on at 0 V."""


class OutputsSettings(_Section):
    """[outputs]: what an alert drives."""

    buzzer: PinSettings | None = None
    led: PinSettings | None = None

    def pins(self) -> dict[str, PinSettings]:
        """The outputs that exist, by name."""
        found = {"buzzer": self.buzzer, "led": self.led}
        return {name: pin for name, pin in found.items() if pin is not None}

    @model_validator(mode="after")
    def _each_pin_once(self) -> OutputsSettings:
        owners: dict[int, str] = {}
        for name, settings in self.pins().items():
            other = owners.setdefault(settings.pin, name)
            if other != name:
                raise ValueError(f"GPIO{settings.pin} is claimed by both [outputs.{other}] and [outputs.{name}]")
        return self


class LogSettings(_Section):
    """[log]: the daemon's own words, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Section):
    """The whole file."""

    camera: CameraSettings = CameraSettings()
    face: FaceSettings = FaceSettings()
    mask: MaskSettings = MaskSettings()
    opinion: OpinionSettings = OpinionSettings()
    alert: AlertSettings = AlertSettings()
    outputs: OutputsSettings = OutputsSettings()
    log: LogSettings = LogSettings()


def default_path() -> Path:
    """The commented config.toml in the package: what runs when no file is named."""
    return Path(str(resources.files("maskwatch") / "config.toml"))


def load(path: Path | None = None) -> Settings:
    """Read and check a config file; without one, the default that ships in the package.

    Raises:
        ConfigError: the file is missing or no TOML, or a key is unknown, of the wrong type or out of range.
    """
    path = path or default_path()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config {path}: {error.strerror}; name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config {path}: not valid TOML: {error}") from error
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise ConfigError(f"config {path}: {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    """The first complaint as key, found, expected; and how many more there are."""
    first, *others = error.errors(include_url=False)
    key = ".".join(map(str, first["loc"])) or "the file"
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_nearest(first['loc'])}{more}"
    if first["type"] == "value_error":
        return f"{key}: {first['ctx']['error']}{more}"
    if first["type"] == "missing":
        return f"{key}: missing; this key has no default{more}"
    return f"{key}: found {_found(first['input'])}, expected: {first['msg']}{more}"


def _found(value: Any) -> str:
    text = repr(value)
    return f"{text[:40]}{'…' if len(text) > 40 else ''} ({type(value).__name__})"


def _nearest(where: tuple[int | str, ...]) -> str:
    """A hint for a key that does not exist: the likeliest one in its section, or all of them."""
    section: type[BaseModel] = Settings
    for name in where[:-1]:
        section = _model_of(section.model_fields[str(name)].annotation)
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(where[-1]), known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"expected one of: {', '.join(known)}"


def _model_of(annotation: Any) -> type[BaseModel]:
    """The section behind `Section` or `Section | None`."""
    choices = getattr(annotation, "__args__", (annotation,))
    return next(kind for kind in choices if isinstance(kind, type) and issubclass(kind, BaseModel))
