"""Why a pin cannot be had: each reason has its own mend. The words are lgpio's, gpiozero's and the kernel's."""

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device, exc
from gpiozero.pins.mock import MockFactory

from maskwatch.errors import OutputError
from maskwatch.pins import board
from maskwatch.pins.claim import _chips, claim, why_none, why_not


class error(Exception):  # noqa: N801, N818 - lgpio's own
    """As lgpio's: its text in quotes."""

    def __str__(self) -> str:
        return repr(self.args[0])


@pytest.fixture
def mock() -> Iterator[MockFactory]:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (exc.GPIOPinInUse("pin GPIO17 is already in use"), "is already in use; give [outputs.led] another pin"),
        (exc.PinPWMUnsupported(), "cannot play a tone; "),
        (exc.PinFixedPull("GPIO2 has a physical pull-up resistor"), "set pull_up = true in [outputs.led]"),
        (exc.PinInvalidPin("99 is not a valid pin name"), "is not on this board's header (99 is not a valid pin name)"),
        (error("bad GPIO number"), "is not on this board's header ('bad GPIO number')"),
        (error("GPIO busy"), "another program holds it"),
        (OSError(errno.EBUSY, "Device or resource busy"), "another program holds it"),
        (PermissionError(errno.EACCES, "Permission denied"), "sudo usermod -aG gpio"),
        (error("no permission to perform action"), "sudo usermod -aG gpio"),
        (error("GPIO operation not permitted"), "sudo usermod -aG gpio"),
        (error("bad PWM micros"), "cannot be used (error: 'bad PWM micros'); try [outputs.led] on another pin"),
        (exc.PinInvalidBounce("bounce must be 0 or greater"), "cannot be used (PinInvalidBounce: bounce must be 0"),
        (ZeroDivisionError("of\nall"), "cannot be used (ZeroDivisionError: of all); try"),
    ],
)
def test_one_pin_that_cannot_be_used(mock: MockFactory, raised: Exception, expected: str) -> None:  # noqa: ARG001
    def make(_: object) -> None:
        raise raised

    with pytest.raises(OutputError) as caught:
        claim("led", 17, "[outputs.led]", make)
    text = str(caught.value)
    assert text.startswith("led: GPIO17 ")
    assert expected in text
    assert "\n" not in text
    for wrong in ("no pins", "python3-lgpio", "mock "):
        assert wrong not in text.replace("with mock pins", "")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ModuleNotFoundError("No module named 'lgpio'"), "sudo apt install python3-lgpio"),
        (
            FileNotFoundError(2, "No such file or directory", ".lgd-nfy-3"),
            "set LG_WD to a folder that can be written to",
        ),
        (exc.PinUnknownPi("unable to locate Pi revision in /proc/cpuinfo"), "this is no Raspberry Pi"),
        (exc.BadPinFactory("Unable to find pin factory 'lpgio'"), "gpiozero knows no pin factory lpgio"),
        (error("can not open gpiochip"), "gpiochip"),
        (RuntimeError("Not running on a RPi!"), "RuntimeError: Not running on a RPi!; pin factory: "),
    ],
)
def test_a_machine_without_pins_for_this_user(raised: Exception, expected: str) -> None:
    assert expected in why_none(raised)


def test_a_chip_that_cannot_be_opened_is_looked_up_in_dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the kernel offers no pins" in _chips(tmp_path)
    (tmp_path / "gpiochip0").touch()
    assert "lgpio may be older than this board" in _chips(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert f"may not open {tmp_path}/gpiochip0: sudo usermod -aG gpio" in _chips(tmp_path)


def test_a_button_on_a_pin_with_a_resistor_of_its_own(mock: MockFactory) -> None:  # noqa: ARG001
    with pytest.raises(OutputError, match=r"GPIO3 has a resistor on the board that pulls it up; set pull_up = true"):
        claim("mute button", 3, "[buttons.mute]", lambda gpiozero: gpiozero.Button(3, pull_up=False))


def test_a_busy_pin_of_spi_may_be_the_kernels() -> None:
    assert board.if_busy(8, error("GPIO busy")).endswith("SPI (dtparam=spi=on) in /boot/firmware/config.txt")
    assert board.if_busy(17, error("GPIO busy")) == board.if_busy(8, error("bad GPIO read")) == ""


@pytest.mark.parametrize(
    ("pin", "drives", "expected"),
    [
        *((17, True, ""), (17, False, ""), (3, False, "")),
        *((2, True, "on whenever maskwatch does not run"), (0, True, "HAT"), (14, True, "serial console")),
        *((1, False, "HAT"), (15, False, "serial console")),
    ],
)
def test_what_a_pi_does_with_a_pin_by_itself_is_noted(pin: int, drives: bool, expected: str) -> None:
    note = board.note(pin, drives)
    assert (expected in note) if expected else (note == "")


# -- lgpio's named pipe ----------------------------------------------------------------------------------------------

# As lgpio 0.2.2: importing it goes to LG_WD, makes a pipe there and opens it; without a writable folder it raises.
LGPIO = """
import os
if os.environ.get("LG_WD"):
    os.chdir(os.environ["LG_WD"])
try:
    os.mkfifo(".lgd-nfy0")
except OSError:
    raise FileNotFoundError(2, "No such file or directory", ".lgd-nfy-3")
os.open(".lgd-nfy0", os.O_RDWR)
"""
FACTORY = LGPIO + "from gpiozero.pins.mock import MockFactory as LGPIOFactory\n"
PROGRAM = """
import os, sys
from maskwatch.errors import OutputError
from maskwatch.pins.claim import claim
try:
    claim("led", 27, "[outputs.led]", lambda gpiozero: gpiozero.DigitalOutputDevice(27))
except OutputError as error:
    print(error)
print(os.getcwd(), os.environ.get("LG_WD"))
"""


def claimed(tmp_path: Path, here: Path, **environment: str) -> list[str]:
    """What a process prints that claims a pin in the folder `here`, where lgpio behaves as above."""
    library = tmp_path / "library" / "gpiozero_lgpio_stand_in.py"
    library.parent.mkdir(exist_ok=True)
    library.write_text(FACTORY)
    info = library.parent / "stand_in-0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[gpiozero_pin_factories]\nstandin = gpiozero_lgpio_stand_in:LGPIOFactory\n")
    path = os.pathsep.join(filter(None, (str(library.parent), os.environ.get("PYTHONPATH"))))
    kept = {key: value for key, value in os.environ.items() if key not in ("LG_WD", "RUNTIME_DIRECTORY")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        capture_output=True,
        text=True,
        cwd=here,
        env={**kept, "PYTHONPATH": path, "GPIOZERO_PIN_FACTORY": "standin", **environment},
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_lgpio_needs_no_folder_that_can_be_written_to_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    assert claimed(tmp_path, Path("/proc"), TMPDIR=str(temporary)) == ["/proc None"]
    assert list(temporary.iterdir()) == []


def test_with_no_temporary_folder_lgpio_uses_the_current_one(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    assert claimed(tmp_path, here, RUNTIME_DIRECTORY="/proc") == [f"{here} None"]


def test_the_current_folder_stays_where_it_was_whatever_lgpio_does(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert claimed(tmp_path, here, LG_WD=str(there)) == [f"{here} {there}"]
    assert ([*here.iterdir()], [path.name for path in there.iterdir()]) == ([], [".lgd-nfy0"])


def test_an_lg_wd_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    line, _ = claimed(tmp_path, tmp_path, LG_WD="/proc")
    assert line == (
        "led: GPIO27: no pins on this machine: lgpio cannot make its pipe in /proc; "
        "set LG_WD to a folder that can be written to"
    )


def test_a_fall_back_to_another_back_end_is_told(
    mock: MockFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fall_back() -> MockFactory:
        import warnings

        warnings.warn(exc.PinFactoryFallback("Falling back from lgpio: No module named 'lgpio'"), stacklevel=1)
        return mock

    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setattr(Device, "_default_pin_factory", staticmethod(fall_back))
    with caplog.at_level(logging.WARNING):
        claim("led", 27, "[outputs.led]", lambda gpiozero: gpiozero.DigitalOutputDevice(27)).close()
    (line,) = caplog.messages
    assert line.startswith(
        "pins: lgpio cannot be used: No module named 'lgpio'; on a Pi: sudo apt install python3-lgpio"
    )
    assert line.endswith("; MockFactory drives them instead")


def test_no_back_end_at_all_tells_why_lgpio_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> MockFactory:
        import warnings

        for name, why in (("lgpio", "'can not open gpiochip'"), ("native", "unable to determine gpio base")):
            warnings.warn(exc.PinFactoryFallback(f"Falling back from {name}: {why}"), stacklevel=1)
        raise exc.BadPinFactory("Unable to load any default pin factory!")

    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setattr(Device, "_default_pin_factory", staticmethod(none))
    with pytest.raises(OutputError, match=r"no pins on this machine: 'can not open gpiochip'; "):
        claim("led", 27, "[outputs.led]", lambda gpiozero: gpiozero.DigitalOutputDevice(27))


def test_why_not_names_the_setting() -> None:
    assert why_not(exc.PinFixedPull("x"), "[buttons.test]").count("[buttons.test]") == 1
