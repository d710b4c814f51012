"""The settings: every key with its type, bounds, unit and default. What is unknown or does not fit is refused."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from maskwatch import settings_file
from maskwatch.complaint import complaint, found
from maskwatch.errors import ConfigError


def _a_shape(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if corners and len(corners) < 3:
        raise ValueError(f"{len(corners)} corners enclose nothing; expected three or more, or none for the whole frame")
    return corners


def _a_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f'{text!r} is no time of day; expected e.g. "22:00"')
    return text


def _a_focus(value: Any) -> Any:
    """Of a union pydantic would report every branch; who says beforehand what is expected is understood."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value != "auto" and not (number and 0 <= value <= 20):
        raise ValueError(f'found {found(value)}, expected "auto" or 0 to 20 dioptres')
    return value


Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Threads = Annotated[int, Field(ge=1, le=16)]
Bcm = Annotated[int, Field(ge=0, le=27)]
Corner = Annotated[tuple[Share, Share], Field(strict=False)]
Polygon = Annotated[tuple[Corner, ...], Field(strict=False), AfterValidator(_a_shape)]
TimeOfDay = Annotated[str, AfterValidator(_a_time)]
Focus = Annotated[Literal["auto"] | float, BeforeValidator(_a_focus)]


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
    rotation: Literal[0, 90, 180, 270] = 0
    """Degrees the picture is turned clockwise before anybody looks at it; 180 for a camera mounted upside down."""
    exposure: float | None = Field(default=None, gt=0, le=1000)
    """Milliseconds of exposure, picamera only. Absent: automatic."""
    focus: Focus = "auto"
    """Of a picamera lens that can move: "auto", or fixed at so many dioptres (1 / metres)."""
    stall: float = Field(default=5.0, gt=0, le=3600)
    """Seconds without a new frame after which a live camera is opened again."""
    frozen: Seconds = 10.0
    """Seconds of frames alike to the last byte after which a live camera is opened again; 0: never."""
    dark: Seconds = 30.0
    """Seconds of black or featureless frames after which the lens counts as covered: a fault, shown; 0: never."""
    give_up: Seconds = 120.0
    """Seconds of a camera that cannot be had after which the daemon exits, for systemd to start it anew."""


class ZoneSettings(_Section):
    """[zone]: where in the picture people count."""

    polygon: Polygon = ()
    """Corners as [across, down] in shares of the frame, 0 to 1; a face counts when its middle is inside. Empty: all."""


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
    """A face is the same person when its box overlaps the expected one by this much (intersection over union)."""
    recheck: Seconds = 1.0
    """Seconds between two judgements of a settled person; who is new or in doubt is judged at every frame."""
    crowd: int = Field(default=4, ge=1, le=32)
    """Faces judged in one frame at most; the others wait for their turn."""
    motionless: float = Field(default=600.0, ge=0, le=86400)
    """Seconds a face may stay where it is before it counts as a picture on a wall and is ignored; 0: never."""


class QuietHours(_Section):
    """[[alert.quiet]]: a time of day without alerts; over midnight where `until` is the earlier one."""

    since: TimeOfDay
    """The first minute, e.g. "22:00"."""
    until: TimeOfDay
    """The minute it ends, e.g. "06:30"."""


class AlertSettings(_Section):
    """[alert]: when the alert begins and ends."""

    high: Share = 0.6
    """A person counts as bare when the opinion, 0 = masked … 1 = bare, is at or above this."""
    low: Share = 0.4
    """A person counts as masked when the opinion is below this; between the two, the last state stays."""
    hold: Seconds = 1.0
    """Seconds somebody must be seen bare before the alert begins; out of sight they do not run."""
    clear: Seconds = 2.0
    """Seconds without anybody bare before the alert ends."""
    cooldown: Seconds = 0.0
    """Seconds after an alert before another may begin."""
    longest: float = Field(default=30.0, ge=0, le=3600)
    """Seconds after which an alert ends whoever is there; it takes somebody else, or the mask on and off, to begin
    another. 0: no limit."""
    quiet: tuple[QuietHours, ...] = Field(default=(), strict=False)
    """Times of day without alerts."""
    timezone: str | None = None
    """Of the quiet hours, e.g. "Europe/Berlin". Absent: the machine's own."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in zoneinfo.available_timezones():
            raise ValueError(f'no time zone {name!r}; expected one such as "Europe/Berlin"')
        return name

    @model_validator(mode="after")
    def _low_below_high(self) -> AlertSettings:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} must not be above high = {self.high:g}")
        return self


class Pattern(_Section):
    """`{ times = 2, on = 0.1, off = 0.1, every = 1.0 }`: two pulses of 0.1 s, 0.1 s apart, each second."""

    times: int = Field(default=1, ge=1, le=20)
    """Pulses in a row."""
    on: float = Field(gt=0, le=60)
    """Seconds of a pulse."""
    off: float = Field(default=0.1, gt=0, le=60)
    """Seconds between two pulses."""
    every: float = Field(gt=0, le=3600)
    """Seconds from one row's beginning to the next one's."""

    @model_validator(mode="after")
    def _fits(self) -> Pattern:
        row = self.times * self.on + (self.times - 1) * self.off
        if row >= self.every:
            raise ValueError(f"{self.times} pulses take {row:g} s, which leaves no pause in every = {self.every:g} s")
        return self


def _a_rhythm(value: Any) -> Any:
    """As _a_focus; a table is judged as a Pattern alone, so that its own mistakes are named."""
    if isinstance(value, dict):
        return Pattern.model_validate(value)
    if value != "steady" and not isinstance(value, Pattern):
        raise ValueError(f'found {found(value)}, expected "steady" or e.g. {{ times = 2, on = 0.1, every = 1.0 }}')
    return value


Rhythm = Annotated[Literal["steady"] | Pattern, BeforeValidator(_a_rhythm)]
BEEPS = Pattern(times=2, on=0.1, off=0.1, every=1.0)


class PinSettings(_Section):
    """One GPIO pin."""

    pin: Bcm
    """BCM number, not the position on the header."""
    active_high: bool = True
    """true: 3.3 V means on. false for boards that switch on at 0 V."""


class LedSettings(PinSettings):
    """[outputs.led]: a lamp that is on in an alert."""

    pattern: Rhythm = "steady"
    """How it lights in an alert."""


class BuzzerSettings(PinSettings):
    """[outputs.buzzer]."""

    kind: Literal["active", "passive"] = "active"
    """active: sounds at a steady level. passive: needs a tone."""
    tone: float = Field(default=2700.0, ge=100, le=10000)
    """Hertz, of a passive one; most are loudest near 2,700."""
    pattern: Rhythm = BEEPS
    """How it sounds in an alert."""


class RelaySettings(PinSettings):
    """[outputs.relay]: a siren, a door, a lamp of another voltage."""

    pattern: Rhythm = "steady"
    """How it switches in an alert."""
    mutes: bool = False
    """Whether the mute button silences it, as it does the buzzer."""


class LampSettings(_Section):
    """[outputs.lamp]: red and green LED, or an RGB LED. Green: watching. Red: alert. Slow blinking red: a fault."""

    red: Bcm
    """BCM number."""
    green: Bcm
    """BCM number."""
    blue: Bcm | None = None
    """BCM number; lit while muted. Absent: a red and a green LED."""
    active_high: bool = True
    """false for a common anode."""
    pattern: Rhythm = "steady"
    """How the red lights in an alert."""


class OutputsSettings(_Section):
    """[outputs]: what an alert drives; an absent section's output does not exist."""

    buzzer: BuzzerSettings | None = None
    led: LedSettings | None = None
    lamp: LampSettings | None = None
    relay: RelaySettings | None = None


class ButtonSettings(_Section):
    """[buttons.mute], [buttons.test]: a push button between a pin and ground; absent, it does not exist."""

    pin: Bcm
    """BCM number."""
    pull_up: bool = True
    """true: pressed means ground, the Pi's own resistor holds the pin up. false: pressed means 3.3 V."""


class MuteSettings(ButtonSettings):
    """[buttons.mute]: silence; pressed again, sound."""

    lasts: float = Field(default=300.0, gt=0, le=86400)
    """Seconds until the sound comes back by itself."""


class ButtonsSettings(_Section):
    """[buttons]."""

    mute: MuteSettings | None = None
    test: ButtonSettings | None = None


class PowerSettings(_Section):
    """[power]: how much is computed."""

    gate: bool = False
    """true: nobody looks for faces while nothing moves in the picture and nobody is known to be there."""
    max_fps: float | None = Field(default=None, gt=0, le=120)
    """Frames a second looked at, at most. Absent: as many as the camera gives and the models manage."""


class LogSettings(_Section):
    """[log]: the daemon's own words, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Section):
    """The whole file."""

    camera: CameraSettings = CameraSettings()
    zone: ZoneSettings = ZoneSettings()
    face: FaceSettings = FaceSettings()
    mask: MaskSettings = MaskSettings()
    opinion: OpinionSettings = OpinionSettings()
    alert: AlertSettings = AlertSettings()
    outputs: OutputsSettings = OutputsSettings()
    buttons: ButtonsSettings = ButtonsSettings()
    power: PowerSettings = PowerSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _each_pin_once(self) -> Settings:
        owners: dict[int, str] = {}
        for name, pin in claimed_pins(self):
            other = owners.setdefault(pin, name)
            if other != name:
                raise ValueError(f"GPIO{pin} is claimed by both [{other}] and [{name}]")
        return self


def is_section(value: Any) -> TypeGuard[BaseModel]:
    """Whether something in the settings is a section; a pattern, though a table, is a value of one key."""
    return isinstance(value, _Section) and not isinstance(value, Pattern)


def claimed_pins(settings: Settings) -> list[tuple[str, int]]:
    """(section or section.key, BCM number) of every pin the settings name."""
    found = []
    for group in ("outputs", "buttons"):
        for name, section in getattr(settings, group):
            for key in ("pin", "red", "green", "blue"):
                pin = getattr(section, key, None)
                if pin is not None:
                    found.append((f"{group}.{name}" + ("" if key == "pin" else f".{key}"), pin))
    return found


def default_path() -> Path:
    """The commented config.toml in the package: what runs when no file is named."""
    return Path(str(resources.files("maskwatch") / "config.toml"))


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a config file with the environment laid over it; without a file, the default in the package.

    Raises:
        ConfigError: the file is missing or no TOML, or a key is unknown, of the wrong type or out of range.
    """
    return checked(settings_file.read(path or default_path(), environment))


def checked(source: settings_file.Source) -> Settings:
    """The settings that a file and the environment make.

    Raises:
        ConfigError: as `load`; it names the file, the variable, or both where either may be at fault.
    """
    try:
        return Settings.model_validate(source.table)
    except ValidationError as error:
        wrong = complaint(error, Settings)
        raise ConfigError(f"{_where(source, wrong.place)}: {wrong.text}") from error


def _where(source: settings_file.Source, place: settings_file.Place) -> str:
    """What is to be mended: the file with its line, variables, or both where each has a say in the place."""
    line = settings_file.lines(source.text).get(place)
    file = f"config {source.path}" + (f":{line}" if line else "")
    variables = [f"environment {name}" for name in source.variables_at(place)]
    of_variables_alone = variables and (source.is_of_variables(place) or (place and not line))
    return " and ".join(variables if of_variables_alone else [file, *variables])
