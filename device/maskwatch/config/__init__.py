"""The settings: every key with its type, bounds, unit and default. Unknown keys and wrong values are refused."""

from maskwatch.config.alert import AlertSettings, OpinionSettings, QuietWindow
from maskwatch.config.contradictions import contradictions
from maskwatch.config.loading import checked, default_path, load
from maskwatch.config.pins import (
    BEEPS,
    ButtonSettings,
    ButtonsSettings,
    BuzzerSettings,
    LampSettings,
    LedSettings,
    MuteSettings,
    OutputsSettings,
    Pattern,
    RelaySettings,
    SoundSettings,
)
from maskwatch.config.settings import NO_OUTPUT, Settings, claimed_pins, has_output, is_section
from maskwatch.config.settings_file import with_source
from maskwatch.config.vision import CameraSettings, FaceSettings, MaskSettings, PowerSettings, ZoneSettings

__all__ = [
    "BEEPS",
    "NO_OUTPUT",
    "AlertSettings",
    "ButtonSettings",
    "ButtonsSettings",
    "BuzzerSettings",
    "CameraSettings",
    "FaceSettings",
    "LampSettings",
    "LedSettings",
    "MaskSettings",
    "MuteSettings",
    "OpinionSettings",
    "OutputsSettings",
    "Pattern",
    "PowerSettings",
    "QuietWindow",
    "RelaySettings",
    "Settings",
    "SoundSettings",
    "ZoneSettings",
    "checked",
    "claimed_pins",
    "contradictions",
    "default_path",
    "has_output",
    "is_section",
    "load",
    "with_source",
]
