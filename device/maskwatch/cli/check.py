"""`maskwatch check`: tries config, models, camera and pins one by one, with one line for each."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from maskwatch import config
from maskwatch.camera import open_source
from maskwatch.camera.credentials import is_exposed
from maskwatch.config import ButtonSettings, CameraSettings, Settings, SoundSettings
from maskwatch.daemon.buttons import press
from maskwatch.errors import ConfigError, MaskwatchError, SourceError
from maskwatch.flow import Box, Face
from maskwatch.outputs.gpio import Pin
from maskwatch.pins import board
from maskwatch.pins.claim import are_mock
from maskwatch.pins.plan import PinPlan, plans
from maskwatch.system import libraries
from maskwatch.text import address
from maskwatch.text.printable import one_line
from maskwatch.text.redaction import redacted

RUNS = 3  # how often a finder is timed
CAMERAS = ("picamera", "v4l2", "rtsp", "http")  # kinds of source that have a lens


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    subject: str
    detail: str
    exit_code: int = 0  # 0: ok; otherwise that of the error

    def __str__(self) -> str:
        return f"{'FAIL' if self.exit_code else 'ok':<5}{self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the camera gave."""

    name: str
    is_camera: bool  # not a file, and not the demo
    width: int  # of a frame, pixels
    height: int  # of a frame, pixels
    described: str  # see camera.Source.describe

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.name, f"{self.width}x{self.height} pixels", self.described)))


def findings(path: Path | None, source: str | None = None, no_outputs: bool = False) -> Iterator[Finding]:
    """Check everything that the config file names. If the config is not valid, nothing else is checked.

    Args:
        path: the config file; None for the default.
        source: in place of the config's camera.source.
        no_outputs: whether the unit may run without outputs.
    """
    try:
        settings = config.load(path, config.with_source(os.environ, source))
    except MaskwatchError as error:
        yield Finding("config", str(error), error.exit_code)
        return
    yield Finding("config", _config(path or config.default_path(), settings, source))
    yield _try("face model", lambda: _face_model(settings))
    yield _try("mask model", lambda: _mask_model(settings))
    seen: list[Seen] = []
    yield _try("camera", lambda: _kept(_camera(settings.camera), seen))
    if seen and (settings.camera.field_of_view or seen[0].is_camera):
        yield _try("reach", lambda: _reach(settings, seen[0]))
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
    except Exception as error:  # the other parts must still be checked
        return Finding(subject, unexpected(error), MaskwatchError.exit_code)


def unexpected(error: BaseException) -> str:
    """An unexpected exception in one line: its class, its text and where it was raised."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}"
    text = " ".join(str(error).split())
    return redacted(f"unexpected {type(error).__name__} at {where}: {text}; please report this line")


def _face_model(settings: Settings) -> str:
    libraries.load(libraries.CV2)
    import numpy as np

    from maskwatch.daemon import parts

    notes: list[str] = []
    finder = parts.build_finder(settings.face, notes.append)
    empty = np.zeros((480, 640, 3), np.uint8)
    took = _quickest(lambda: finder.find(empty))
    words = [f"{settings.face.model} ({settings.face.engine})", *notes, f"{took * 1e3:.0f} ms on an empty frame"]
    if settings.face.reach == "far":
        near = parts.build_finder(settings.face.model_copy(update={"reach": "near"}))
        ratio = took / _quickest(lambda: near.find(empty))
        words.append(f'{ratio:.1f} times as long as reach = "near" takes here')
    return ", ".join(words)


def _mask_model(settings: Settings) -> str:
    libraries.load(libraries.CV2)
    import numpy as np

    from maskwatch.daemon import parts

    notes: list[str] = []
    classifier = parts.build_classifier(settings.mask, notes.append)
    start = time.perf_counter()
    image = np.zeros((480, 640, 3), np.uint8)
    classifier.verdict(classifier.crop(image, Face(Box(200, 100, 400, 300), 1.0)))
    took = _since(start)
    return ", ".join((settings.mask.model, *notes, f"{took} on an empty face"))


def _camera(camera: CameraSettings) -> Seen:
    libraries.load(libraries.CV2)
    at = address.parse(camera.source)
    name, source = at.shown, open_source(camera)
    try:
        frame = source.read(2 * camera.stall)  # once for opening a stream, and once for its first frame
        if frame is None:
            reason = source.trouble or f"opened, but no frame within {2 * camera.stall:g} s"
            raise SourceError(f"{name}: {reason}")
        height, width = frame.image.shape[:2]
        return Seen(name, at.kind in CAMERAS, width, height, source.describe())
    finally:
        source.close()


def _kept(found: Seen, seen: list[Seen]) -> str:
    seen.append(found)
    return str(found)


def _reach(settings: Settings, seen: Seen) -> str:
    from maskwatch.camera import lenses
    from maskwatch.daemon import looking, parts, reach
    from maskwatch.vision import bundle, recall

    face, camera = settings.face, settings.camera
    if face.engine != "maskwatch":
        return f"not known: no record of the sizes of faces that {face.engine} finds"
    opened = bundle.read(parts.model_path(face, "face"), "face")
    known = recall.read(Path(opened.origin), opened.sha256)
    if isinstance(known, str):
        return f"not known how small a face this model finds: {known}; `python -m training reach` writes one"
    region = looking.region(settings.zone.polygon, seen.width, seen.height, opened.card.input_size)
    eye = reach.Eye(seen.width, seen.height, region, opened.card.input_size, camera.rotation)
    degrees = camera.field_of_view or lenses.field_of_view(seen.described)
    chosen = face.min_size != type(face).model_fields["min_size"].default
    return reach.sentence(reach.of(known, eye, face.min_size, degrees), chosen)


def _pin(plan: PinPlan) -> str:
    Pin(plan).close()
    return f"GPIO{plan.pin} can be driven{_mock()}{board.note(plan.pin, drives=True)}"


def _mock() -> str:
    return " (a mock pin: nothing real is switched)" if are_mock() else ""


def _sound(settings: SoundSettings) -> str:
    libraries.load(libraries.NUMPY)
    from maskwatch.outputs import sound

    return sound.described(settings)


def _button(name: str, settings: ButtonSettings) -> str:
    button = press(name, settings, lambda: None)
    pressed = button.is_pressed
    button.close()
    state = "pressed now; if nobody does, its wires or pull_up are wrong" if pressed else "not pressed"
    return f"GPIO{settings.pin} can be read, {state}{_mock()}{board.note(settings.pin, drives=False)}"


def _quickest(work: Callable[[], object]) -> float:
    """The shortest of RUNS times in seconds, because other programs can only make it longer."""
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def _since(start: float) -> str:
    return f"{(time.perf_counter() - start) * 1e3:.0f} ms"
