"""The note of the pins a daemon drives: what pins-off goes by, whatever became of the config file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from maskwatch.config import LedSettings, OutputsSettings, RelaySettings, Settings
from maskwatch.daemon import parts
from maskwatch.errors import OutputError
from maskwatch.outputs.gpio import Pin
from maskwatch.pins import driven_pins
from maskwatch.pins.plan import plans

PINS = plans(OutputsSettings(led=LedSettings(pin=27), relay=RelaySettings(pin=22, active_high=False)))
WHAT_COUNTS = [("led", 27, True), ("relay", 22, False)]


@pytest.fixture
def systemd(tmp_path: Path) -> dict[str, str]:
    return {"RUNTIME_DIRECTORY": str(tmp_path)}


def test_name_number_and_polarity_come_back(systemd: dict[str, str]) -> None:
    driven_pins.write(PINS, systemd)
    found = driven_pins.read(systemd)
    assert found is not None
    assert [(plan.name, plan.pin, plan.active_high) for plan in found] == WHAT_COUNTS


def test_of_several_runtime_directories_it_is_in_the_first(tmp_path: Path) -> None:
    driven_pins.write(PINS, {"RUNTIME_DIRECTORY": f"{tmp_path}:/nowhere"})
    assert [path.name for path in tmp_path.iterdir()] == [driven_pins.NAME]


@pytest.mark.parametrize("environment", [{}, {"RUNTIME_DIRECTORY": ""}])
def test_without_systemd_nothing_is_noted(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    driven_pins.write(PINS, environment)
    assert (list(tmp_path.iterdir()), caplog.messages, driven_pins.read(environment)) == ([], [], None)


def test_a_folder_that_cannot_be_written_to_is_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    driven_pins.write(PINS, {"RUNTIME_DIRECTORY": "/nowhere"})
    reason = "the list of pins cannot be written (No such file or directory); pins-off uses the config"
    assert caplog.messages == [f"/nowhere/pins.json: {reason}"]


NAN, INFINITE = (f'[{{"name": "led", "pin": {pin}, "active_high": true}}]' for pin in ("NaN", "Infinity"))


@pytest.mark.parametrize(
    "text", ["", "3", "{}x", "[3]", '[{"name": "led"}]', "null", '[{"name": 1, "pin": null}]', NAN, INFINITE]
)
def test_a_note_that_makes_no_sense_is_none(systemd: dict[str, str], tmp_path: Path, text: str) -> None:
    (tmp_path / driven_pins.NAME).write_text(text)
    assert driven_pins.read(systemd) is None


@pytest.fixture
def mock() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


@pytest.mark.usefixtures("mock")
def test_the_daemons_parts_note_their_pins_before_they_take_them(
    systemd: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, *next(iter(systemd.items())))
    held = Pin(PINS[0])
    with pytest.raises(OutputError, match="GPIO27 is already in use"):
        parts.build(Settings(outputs=OutputsSettings(led=LedSettings(pin=27))))
    held.close()
    assert [plan.pin for plan in driven_pins.read() or []] == [27]


# -- pins-off -------------------------------------------------------------------------------------------------------

CONFIG = "[outputs.led]\npin = 27\n"
PROGRAM = """
from gpiozero import Device
from maskwatch.cli import main
try: main()
finally: print(*sorted(pin._number for pin in Device.pin_factory.pins.values()) if Device.pin_factory else [])
"""


def pins_off(folder: Path, config: str, note: str | None) -> tuple[int, str, str]:
    (folder / "config.toml").write_text(config)
    if note is not None:
        (folder / driven_pins.NAME).write_text(note)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "pins-off", "--config", str(folder / "config.toml")],
        capture_output=True,
        text=True,
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "RUNTIME_DIRECTORY": str(folder)},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


NOTE = json.dumps([{"name": "relay", "pin": 22, "active_high": False}])


@pytest.mark.parametrize(
    ("config", "note", "touched"),
    [
        (CONFIG, None, "27"),
        (CONFIG, NOTE, "22"),  # the config names other pins than were driven
        ("[outputs\n", NOTE, "22"),
        (CONFIG, "[", "27"),
        (CONFIG, "[]", ""),  # the daemon drove none
    ],
    ids=["no note", "another config", "broken config", "broken note", "no pins"],
)
def test_pins_off_goes_by_the_note_and_then_by_the_config(
    tmp_path: Path, config: str, note: str | None, touched: str
) -> None:
    assert pins_off(tmp_path, config, note) == (0, touched, "")


def test_with_neither_pins_off_says_what_is_wrong_with_the_config(tmp_path: Path) -> None:
    code, touched, line = pins_off(tmp_path, "[outputs\n", None)
    assert (code, touched) == (2, "")
    assert "not valid TOML" in line
