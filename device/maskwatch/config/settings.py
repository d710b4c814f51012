"""All sections together."""

from __future__ import annotations

from typing import Any, Literal, TypeGuard

from pydantic import BaseModel, model_validator

from maskwatch.config.alert import AlertSettings, OpinionSettings
from maskwatch.config.contradictions import contradictions
from maskwatch.config.pins import ButtonsSettings, OutputsSettings, Pattern
from maskwatch.config.section import Section
from maskwatch.config.vision import CameraSettings, FaceSettings, MaskSettings, PowerSettings, ZoneSettings

NO_OUTPUT = "no output is set: nothing would be heard or seen; name one in [outputs], or start with --no-outputs"


class LogSettings(Section):
    """[log]: what the daemon logs on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
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

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Settings:
        if contradiction := next(contradictions(self), None):
            raise ValueError(contradiction)
        return self


def is_section(value: Any) -> TypeGuard[BaseModel]:
    """Whether a value in the settings is a section. A pattern is a table too, but counts as the value of one key."""
    return isinstance(value, Section) and not isinstance(value, Pattern)


def has_output(settings: Settings) -> bool:
    """Whether the settings name an output that shows alerts. An empty file, or one cut short by a full disk, names
    none. A relay that opens a door for masked people does not count."""
    return settings.outputs.tell_of_alarm


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
