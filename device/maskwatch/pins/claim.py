"""Claims a GPIO pin through gpiozero, or says in one line why this is not possible.

There are two kinds of failure: the machine has no pins that this user can drive, or this one pin cannot be used. lgpio
reports both with the texts of its error_text(), without the kernel's error number. So this file looks into /dev for the
reason.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maskwatch.errors import OutputError
from maskwatch.pins import board
from maskwatch.system.libraries import GPIOZERO, load, reason_of, remedy, root
from maskwatch.system.library_chatter import muted_stderr

logger = logging.getLogger(__name__)
ELSEWHERE = "elsewhere set GPIOZERO_PIN_FACTORY=mock or remove the [outputs] and [buttons] sections"
INSTALL = "on a Pi: sudo apt install python3-lgpio and a venv made with --system-site-packages"
BUSY = "another program holds it; is the daemon running? Then `sudo systemctl stop maskwatch` first"
NO_TONE = 'with mock pins set GPIOZERO_MOCK_PIN_CLASS=mockpwmpin, otherwise [outputs.buzzer] kind = "active"'


def claim(name: str, pin: int, setting: str, make: Callable[[Any], Any]) -> Any:
    """The gpiozero device that `make` returns; it is called with the module gpiozero.

    Args:
        name: for messages, e.g. buzzer.
        pin: BCM number.
        setting: of the config that names the pin, e.g. `[outputs.buzzer]`.
        make: called once.

    Raises:
        OutputError: gpiozero or its back end raised something; the message is one line.
    """
    try:
        gpiozero = _ready()
    except OutputError as error:
        raise OutputError(f"{name}: {error}") from error
    except Exception as error:  # imports run any code, and each back end has other exceptions
        raise OutputError(f"{name}: GPIO{pin}: no pins on this machine: {why_none(root(error))}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. that software PWM is used
            return make(gpiozero)
    except Exception as error:
        raise OutputError(f"{name}: GPIO{pin} {why_not(error, setting)}{board.if_busy(pin, error)}") from error


def _ready() -> Any:
    """The module gpiozero with its back end opened."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpiozero: Any = load(GPIOZERO)
        if gpiozero.Device.pin_factory is not None:
            return gpiozero
        with _a_folder_for_lgpio(), muted_stderr():
            try:
                gpiozero.Device.ensure_pin_factory()
            except gpiozero.exc.BadPinFactory as error:
                raise _the_first_of(caught) or error from None
    if (first := _the_first_of(caught)) is not None:
        taken = type(gpiozero.Device.pin_factory).__name__
        logger.warning("pins: lgpio cannot be used: %s; %s drives them instead", why_none(first), taken)
    return gpiozero


def are_mock() -> bool:
    """Whether gpiozero uses its mock pins, which drive nothing."""
    gpiozero: Any = load(GPIOZERO)
    return type(gpiozero.Device.pin_factory).__name__ == "MockFactory"


def _the_first_of(caught: list[warnings.WarningMessage]) -> ImportError | None:
    """The warning about lgpio. gpiozero tries its back ends in turn and only warns; lgpio, the first one, should
    work."""
    texts = [str(each.message) for each in caught if "Falling back from lgpio: " in str(each.message)]
    return ImportError(texts[0].partition(": ")[2]) if texts else None


@contextlib.contextmanager
def _a_folder_for_lgpio() -> Iterator[None]:
    """Give lgpio a folder to write to, and restore the current folder afterwards.

    When lgpio is imported, it creates a named pipe in LG_WD or the current folder, which may be read-only. It also
    changes the current folder, so that relative paths in the config would mean other files.
    """
    here = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        with _lg_wd():
            yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextlib.contextmanager
def _lg_wd() -> Iterator[None]:
    if os.environ.get("LG_WD"):
        yield
        return
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or None
    with contextlib.ExitStack() as made:
        with contextlib.suppress(OSError):  # no disk space, or read-only: then lgpio tries the current folder
            temporary = tempfile.TemporaryDirectory(prefix="maskwatch-", dir=runtime, ignore_cleanup_errors=True)
            os.environ["LG_WD"] = made.enter_context(temporary)  # removed only after the pipe was opened
            made.callback(os.environ.pop, "LG_WD")
        yield


def why_none(error: BaseException) -> str:
    """Why this machine has no pins for this user, and how to correct it."""
    text = str(error)
    if isinstance(error, ModuleNotFoundError) or "No module named" in text:
        return f"{reason_of(error)}; {INSTALL}; {ELSEWHERE}"
    if ".lgd-nfy" in text:
        folder = os.environ.get("LG_WD") or "a temporary folder or the current one"
        return f"lgpio cannot make its pipe in {folder}; set LG_WD to a folder that can be written to"
    if "can not open gpiochip" in text:
        return f"{reason_of(error)}; {_chips()}"
    if "unable to locate Pi revision" in text:
        return f"this is no Raspberry Pi ({text}); {ELSEWHERE}"
    if found := re.search("Unable to find pin factory '(.*)'", text):
        return f"gpiozero knows no pin factory {found.group(1)}; set GPIOZERO_PIN_FACTORY=lgpio on a Pi; {ELSEWHERE}"
    if isinstance(error, ImportError):
        return f"lgpio cannot be loaded ({reason_of(error)}); {remedy(error, 'python3-lgpio')}"
    return f"{reason_of(error)}; pin factory: {os.environ.get('GPIOZERO_PIN_FACTORY', 'any')}; {INSTALL}; {ELSEWHERE}"


def _chips(folder: Path = Path("/dev")) -> str:
    """The reason, from /dev, why the GPIO chip could not be opened."""
    chips = sorted(folder.glob("gpiochip*"))
    if not chips:
        return f"there is no {folder}/gpiochip*, so the kernel offers no pins; {ELSEWHERE}"
    if not any(os.access(chip, os.R_OK | os.W_OK) for chip in chips):
        return f"this user may not open {chips[0]}: sudo usermod -aG gpio $USER, then log in again"
    return f"{', '.join(chip.name for chip in chips)} can be opened, so lgpio may be older than this board: update it"


def why_not(error: BaseException, setting: str) -> str:
    """Why one pin cannot be used, and how to correct it: the end of a line that starts with the pin's name.

    Args:
        error: raised by gpiozero, a back end or the kernel.
        setting: of the config that names the pin.
    """
    text, kind = str(error), type(error).__name__
    reason = f"cannot be used ({kind}: {text})".replace("\n", " ")
    if kind == "GPIOPinInUse":
        return f"is already in use; give {setting} another pin"
    if kind == "PinPWMUnsupported":
        return f"cannot play a tone; {NO_TONE}"
    if kind == "PinFixedPull":
        return f"has a resistor on the board that pulls it up; set pull_up = true in {setting}, or give it another pin"
    if kind in ("PinInvalidPin", "PinNoPins") or "bad GPIO number" in text:
        return f"is not on this board's header ({text}); give {setting} another pin"
    if board.is_busy(error):
        return f"{reason}; {BUSY}"
    if isinstance(error, PermissionError) or "ermission" in text or "not permitted" in text:
        return f"{reason}; this user may not: sudo usermod -aG gpio $USER, then log in again"
    return f"{reason}; try {setting} on another pin, and look for the reason in `sudo dmesg`"
