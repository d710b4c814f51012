"""`maskwatch check`: config, models, camera and pins tried one by one, a line each."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwatch import address, config, loading
from maskwatch.buttons import press
from maskwatch.camera import open_source
from maskwatch.camera.access import is_exposed
from maskwatch.config import ButtonSettings, CameraSettings, Settings, SoundSettings
from maskwatch.errors import ConfigError, MaskwatchError, SourceError
from maskwatch.flow import Box, Face
from maskwatch.outputs import board
from maskwatch.outputs.claim import are_mock
from maskwatch.outputs.gpio import Pin
from maskwatch.outputs.plan import PinPlan, plans
from maskwatch.printable import one_line
from maskwatch.redaction import redacted


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    subject: str
    detail: str
    exit_code: int = 0  # 0: ok; otherwise that of the error

    def __str__(self) -> str:
        return f"{'FAIL' if self.exit_code else 'ok':<5}{self.subject}: {self.detail}"


def findings(path: Path | None, source: str | None = None, no_outputs: bool = False) -> Iterator[Finding]:
    """Check everything the config file names. Without a valid config there is nothing more to check.

    Args:
        path: the config file; None for the default.
        source: in place of the config's camera.source.
        no_outputs: whether the unit may do without.
    """
    try:
        settings = config.load(path, config.with_source(os.environ, source))
    except MaskwatchError as error:
        yield Finding("config", str(error), error.exit_code)
        return
    yield Finding("config", _config(path or config.default_path(), settings, source))
    yield _try("face model", lambda: _face_model(settings))
    yield _try("mask model", lambda: _mask_model(settings))
    yield _try("camera", lambda: _camera(settings.camera))
    if not config.has_output(settings):
        yield Finding("outputs", *(("none, as asked",) if no_outputs else (config.NO_OUTPUT, ConfigError.exit_code)))
    for plan in plans(settings.outputs):
        yield _try(plan.name, lambda plan=plan: _pin(plan))  # type: ignore[misc]
    if (wanted := settings.outputs.sound) is not None:
        yield _try("sound", lambda: _sound(wanted))
    for name, button in settings.buttons:
        if button is not None:
            yield _try(f"{name} button", lambda name=name, button=button: _button(name, button))  # type: ignore[misc]


def _config(path: Path, settings: Settings, source: str | None) -> str:
    exposed = source is None and is_exposed(path, settings.camera)
    advice = "; everybody on this machine can read the camera's password in it: see password_file"
    return f"{one_line(path)}{advice if exposed else ''}"


def _try(subject: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, attempt())
    except MaskwatchError as error:
        return Finding(subject, " ".join(str(error).split()), error.exit_code)
    except Exception as error:  # whatever one part raises, the next ones are still to be checked
        return Finding(subject, unexpected(error), MaskwatchError.exit_code)


def unexpected(error: BaseException) -> str:
    """An exception that nobody foresaw, in one line: its kind, its text and where it was raised."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}"
    text = " ".join(str(error).split())
    return redacted(f"unexpected {type(error).__name__} at {place}: {text}; please report this line")


def _face_model(settings: Settings) -> str:
    loading.load(loading.CV2)
    import numpy as np

    from maskwatch import parts

    told: list[str] = []
    detector = parts.build_detector(settings.face, told.append)
    start = time.perf_counter()
    detector.find(np.zeros((480, 640, 3), np.uint8))
    took = _since(start)
    return ", ".join((f"{settings.face.model} ({settings.face.engine})", *told, f"{took} on an empty frame"))


def _mask_model(settings: Settings) -> str:
    loading.load(loading.CV2)
    import numpy as np

    from maskwatch import parts

    told: list[str] = []
    classifier = parts.build_classifier(settings.mask, told.append)
    start = time.perf_counter()
    image = np.zeros((480, 640, 3), np.uint8)
    classifier.verdict(classifier.crop(image, Face(Box(200, 100, 400, 300), 1.0)))
    took = _since(start)
    return ", ".join((settings.mask.model, *told, f"{took} on an empty face"))


def _camera(camera: CameraSettings) -> str:
    loading.load(loading.CV2)
    name, source = address.parse(camera.source).shown, open_source(camera)
    try:
        frame = source.read(2 * camera.stall)  # a stream may need one to open and one for its first frame
        if frame is None:
            reason = source.trouble or f"opened, but no frame within {2 * camera.stall:g} s"
            raise SourceError(f"{name}: {reason}")
        size = f"{frame.image.shape[1]}x{frame.image.shape[0]} pixels"
        return ", ".join(filter(None, (name, size, source.describe())))
    finally:
        source.close()


def _pin(plan: PinPlan) -> str:
    Pin(plan).close()
    return f"GPIO{plan.pin} can be driven{_mock()}{board.note(plan.pin, drives=True)}"


def _mock() -> str:
    return " (a mock pin: nothing real is switched)" if are_mock() else ""


def _sound(settings: SoundSettings) -> str:
    loading.load(loading.NUMPY)
    from maskwatch.outputs import sound

    return sound.described(settings)


def _button(name: str, settings: ButtonSettings) -> str:
    button = press(name, settings, lambda: None)
    pressed = button.is_pressed
    button.close()
    state = "pressed now; if nobody does, its wires or pull_up are wrong" if pressed else "not pressed"
    return f"GPIO{settings.pin} can be read, {state}{_mock()}{board.note(settings.pin, drives=False)}"


def _since(start: float) -> str:
    return f"{(time.perf_counter() - start) * 1e3:.0f} ms"
