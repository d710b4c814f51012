"""The file with the environment laid over it: two underscores between levels, TOML values, no variable passed over."""

from pathlib import Path
from typing import Any

import pytest

from maskwatch import config
from maskwatch.config import settings_file
from maskwatch.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "maskwatch.toml"
    path.write_text("[alert]\nhold = 1.5\nlow = 0.5\n[outputs.led]\npin = 27\n")
    return path


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ALERT__HOLD", "2.5", "alert.hold", 2.5),
        ("ALERT__CLEAR", "3", "alert.clear", 3.0),
        ("CAMERA__SOURCE", "v4l2:/dev/video0", "camera.source", "v4l2:/dev/video0"),  # a bare word is a string
        ("CAMERA__SOURCE", "'demo'", "camera.source", "demo"),
        ("CAMERA__SOURCE", "rtsp://u:p@host/#1", "camera.source", "rtsp://u:p@host/#1"),
        ("CAMERA__FOCUS", "auto", "camera.focus", "auto"),
        ("POWER__GATE", "true", "power.gate", True),
        ("ZONE__POLYGON", "[[0, 0], [1, 0], [1, 1]]", "zone.polygon", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),
        ("OUTPUTS__LED__PIN", "5", "outputs.led.pin", 5),
        ("OUTPUTS__BUZZER__PIN", "6", "outputs.buzzer.pin", 6),  # the file has no such section
        ("BUTTONS__MUTE", "{ pin = 9, lasts = 60.0 }", "buttons.mute.lasts", 60.0),
        ("ALERT", "{ hold = 9 }", "alert.low", 0.4),  # a whole section in place of the file's
    ],
)
def test_a_variable_overrides_the_file(file: Path, variable: str, text: str, key: str, value: Any) -> None:
    found: Any = config.load(file, {f"MASKWATCH__{variable}": text})
    for name in key.split("."):
        found = getattr(found, name)
    assert found == value


def test_the_others_stay_as_the_file_says(file: Path) -> None:
    settings = config.load(file, {"MASKWATCH__ALERT__CLEAR": "9.0"})
    assert (settings.alert.hold, settings.alert.clear, settings.alert.low) == (1.5, 9.0, 0.5)


def test_a_key_wins_over_its_section_whichever_comes_first(file: Path) -> None:
    variables = {"MASKWATCH__ALERT__HOLD": "7.0", "MASKWATCH__ALERT": "{ hold = 8.0, clear = 9.0 }"}
    for environment in (variables, dict(reversed(variables.items()))):
        alert = config.load(file, environment).alert
        assert (alert.hold, alert.clear) == (7.0, 9.0)


@pytest.mark.parametrize(
    "name",
    ["MASKWATCH_DATA", "MASKWATCH_PEERS", "MASKWATCH_REAL_PINS", "MASKWATCH_ALERT_HOLD", "maskwatch__alert", "PATH"],
)
def test_variables_without_the_prefix_are_nobodys_business(file: Path, name: str) -> None:
    assert config.load(file, {name: "x"}) == config.load(file, {})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ALERT__HOLT": "2"}, "environment MASKWATCH__ALERT__HOLT: alert.holt: unknown key; did you mean `hold`?"),
        ({"ALRT__HOLD": "2"}, "environment MASKWATCH__ALRT__HOLD: alrt: unknown key; did you mean `alert`?"),
        (
            {"ALERT__HOLD": "long"},
            "environment MASKWATCH__ALERT__HOLD: alert.hold: found 'long' (str), expected a number",
        ),
        ({"ALERT": "{ hld = 1 }"}, "environment MASKWATCH__ALERT: alert.hld: unknown key"),
        ({"": "2"}, "environment MASKWATCH__: names no key; expected e.g. MASKWATCH__ALERT__HOLD"),
        ({"ALERT__": "2"}, "environment MASKWATCH__ALERT__: names no key"),
        (
            {"ALERT__HOLD": "1\nclear = 2"},
            "environment MASKWATCH__ALERT__HOLD: alert.hold: found a string of 11 characters",
        ),
        (
            {"OUTPUTS__LED__PIN__X": "2"},
            "config {file}:5 and environment MASKWATCH__OUTPUTS__LED__PIN__X: outputs.led.pin: found {'x': 2}",
        ),
        # Where the file says something of the place as well, both are named.
        (
            {"ALERT__HIGH": "0.3"},
            "config {file}:1 and environment MASKWATCH__ALERT__HIGH: alert: low = 0.5 must not be above high = 0.3",
        ),
        (
            {"OUTPUTS__BUZZER__PIN": "27"},
            "config {file} and environment MASKWATCH__OUTPUTS__BUZZER__PIN: GPIO27 is claimed by both",
        ),
        ({"OUTPUTS__RELAY__MUTES": "true"}, "environment MASKWATCH__OUTPUTS__RELAY__MUTES: outputs.relay.pin: missing"),
    ],
)
def test_a_variable_at_fault_is_named_in_one_line(file: Path, variables: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(file, {f"MASKWATCH__{name}": text for name, text in variables.items()})
    assert str(caught.value).startswith(expected.replace("{file}", str(file)))
    assert "\n" not in str(caught.value)


def test_a_mistake_of_the_file_is_not_put_on_a_variable(file: Path) -> None:
    file.write_text("[alert]\nhold = 'x'")
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"MASKWATCH__ALERT__CLEAR": "2"})
    assert str(caught.value).startswith(f"config {file}:2: alert.hold: ")


def test_a_keys_line_is_where_its_value_is_complete() -> None:
    text = '# a comment\n[a]\nb = 1\n\nc = [\n  "\u2028",\n  # two\n  2,\n]\n[a.d]\ne = """\nf = 1\n"""\ng.h = 2\n'
    assert settings_file.line_numbers(text) == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 9,
        ("a", "d"): 10,
        ("a", "d", "e"): 13,
        ("a", "d", "g"): 14,
        ("a", "d", "g", "h"): 14,
    }
