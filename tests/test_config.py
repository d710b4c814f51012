"""Settings: the shipped default is complete, and every mistake is named."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from maskwatch import config
from maskwatch.config import OutputsSettings, PinSettings, Settings
from maskwatch.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "maskwatch.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_states_the_defaults() -> None:
    pins = OutputsSettings(buzzer=PinSettings(pin=17), led=PinSettings(pin=27))
    assert config.load() == Settings(outputs=pins)


def keys(model: type[BaseModel], section: str = "") -> list[tuple[str, str]]:
    found = []
    for name, field in model.model_fields.items():
        kinds = [kind for kind in getattr(field.annotation, "__args__", (field.annotation,)) if isinstance(kind, type)]
        inner = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        place = f"{section}.{name}".strip(".")
        found += keys(inner, place) if inner else [(section, name)]
    return found


@pytest.mark.parametrize(("section", "key"), keys(Settings))
def test_every_key_is_in_the_shipped_file(section: str, key: str) -> None:
    text = config.default_path().read_text()
    body = text.split(f"\n[{section}]\n", 1)[1].split("\n[", 1)[0]
    assert re.search(rf"^(# )?{key} = ", body, re.MULTILINE)


@pytest.mark.parametrize(("text", "counts_as"), [("", "without_mask"), ("incorrect = 'with_mask'", "with_mask")])
def test_a_mask_worn_wrong_counts_as_bare_unless_the_site_says_otherwise(
    tmp_path: Path, text: str, counts_as: str
) -> None:
    assert config.load(written(tmp_path, f"[mask]\n{text}")).mask.incorrect == counts_as


def test_an_empty_file_is_valid_and_drives_nothing(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, "")).outputs.pins() == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[camera]\nwidht = 640", "camera.widht: unknown key; did you mean `width`?"),
        ("[camra]\nwidth = 640", "camra: unknown key; did you mean `camera`?"),
        (
            "[outputs.buzzer]\npin = 17\nzzz = 1",
            "outputs.buzzer.zzz: unknown key; expected one of: pin, active_high",
        ),
        (
            "[camera]\nwidth = '640'",
            "camera.width: found '640' (str), expected: Input should be a valid integer",
        ),
        ("[alert]\nhold = true", "alert.hold: found True (bool), expected: Input should be a valid number"),
        (
            "[alert]\nclear = -1",
            "alert.clear: found -1 (int), expected: Input should be greater than or equal to 0",
        ),
        ("[alert]\nhold = nan", "alert.hold: found nan (float), expected: "),
        ("[alert]\nlow = 0.8\nhigh = 0.5", "alert: low = 0.8 must not be above high = 0.5"),
        ("[outputs.led]\nactive_high = true", "outputs.led.pin: missing"),
        (
            "[outputs.led]\npin = 40",
            "outputs.led.pin: found 40 (int), expected: Input should be less than or equal to 27",
        ),
        ("camera = 3", "camera: found 3 (int), expected: "),
        ("[face]\nengine = 'yunet'", 'face: engine "yunet" needs `model`'),
        (
            "[mask]\nincorrect = 'mask_weared_incorrect'",  # a verdict is never that
            "mask.incorrect: found 'mask_weared_incorrect' (str), expected: Input should be 'without_mask' or",
        ),
        ("[log]\nlevel = 'loud'", "log.level: found 'loud' (str), expected: Input should be 'debug', 'info'"),
        ("[camera\nwidth = 3", "not valid TOML"),
        ("[camera]\nwidht = 1\nheigth = 2", "(and 1 more)"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"config {path}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_pin_for_two_outputs_names_both(tmp_path: Path) -> None:
    path = written(tmp_path, "[outputs.buzzer]\npin = 17\n[outputs.led]\npin = 17")
    with pytest.raises(ConfigError, match=r"outputs: GPIO17 .*\[outputs.buzzer\] and \[outputs.led\]"):
        config.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        config.load(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        config.load(path)
