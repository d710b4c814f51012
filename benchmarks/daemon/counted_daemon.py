"""The daemon in a separate process, on mock pins, with its parts counted: what the benchmarks of it share."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from maskwatch import config
from maskwatch.camera import Source
from maskwatch.config import Settings
from maskwatch.daemon import parts
from maskwatch.flow import Alert, Face, Image, Verdict
from maskwatch.outputs import Output, Outputs
from maskwatch.outputs.gpio import Show, open_pins

LAMP = "led"  # the pin whose edges are timed: the default config plays it steady, so an alert is one edge up, one down
END_WITHIN = 10.0  # seconds
MEMORY = {"resident": "VmRSS", "peak": "VmHWM"}  # of /proc/self/status
Send = Callable[[Any], None]


def apart(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """What `work(send, *arguments)` sends from a separate process, as it comes.

    Raises:
        RuntimeError: the process failed; what it had to say stands on stderr.
    """
    context = multiprocessing.get_context("spawn")  # a fork would inherit this process's memory and threads
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, *arguments))
    process.start()
    theirs.close()
    try:
        while True:
            yield ours.recv()
    except EOFError:
        process.join(END_WITHIN)
        if process.exitcode:
            raise RuntimeError(f"benchmark process ended with {process.exitcode}") from None
    finally:
        process.terminate()
        process.join(END_WITHIN)
        ours.close()


def _work(connection: Connection, work: Callable[..., None], *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the one that started this one ends it
    os.environ["GPIOZERO_PIN_FACTORY"] = "mock"  # on a Pi too: the real buzzer would sound for as long as this takes
    work(connection.send, *arguments)


def default_settings(**sections: dict[str, Any]) -> Settings:
    """The config.toml in the package, untouched by the environment, with these keys of its sections replaced."""
    settings = config.load(None, {})
    changed = {name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()}
    return settings.model_copy(update=changed)


class Counted:
    """A finder and a judge that count."""

    def __init__(self, finder: parts.Finder, judge: parts.Classifier) -> None:
        self._finder, self._judge = finder, judge
        self.faces: list[int] = []  # found in each frame
        self.verdicts: list[int] = []  # in each frame

    def find(self, image: Image) -> list[Face]:
        faces = self._finder.find(image)
        self.faces.append(len(faces))
        self.verdicts.append(0)
        return faces

    def prepare(self, image: Image) -> None:
        self._finder.prepare(image)

    def crop(self, image: Image, face: Face) -> Image:
        return self._judge.crop(image, face)

    def verdict(self, crop: Image) -> Verdict:
        self.verdicts[-1] += 1
        return self._judge.verdict(crop)

    def taken(self) -> tuple[list[int], list[int]]:
        """Faces and verdicts of each frame since this was last asked; forgotten here."""
        faces, verdicts, self.faces, self.verdicts = self.faces, self.verdicts, [], []
        return faces, verdicts


class Switches(Output):
    """Tells of each switch of the alert."""

    name = "switches"

    def __init__(self, tell: Callable[[Alert], None]) -> None:
        self._tell = tell

    def switch(self, alert: Alert) -> None:
        self._tell(alert)


def counted(settings: Settings) -> Counted:
    """The models that the settings name, opened."""
    return Counted(parts.build_finder(settings.face), parts.build_classifier(settings.mask))


def assembled(
    settings: Settings, models: Counted, source: Source, outputs: Sequence[Output] = (), show: Show | None = None
) -> parts.Parts:
    """What parts.build makes, with another source, and outputs in place of the log.

    Args:
        settings: of everything but the camera.
        models: see counted.
        source: of the frames.
        outputs: beside the pins.
        show: told of each pin's changes.
    """
    pins = open_pins(settings.outputs, show)
    return parts.build(settings, source, Outputs([*outputs, *pins]), finder=models, classifier=models)


def forget_edges() -> None:
    """Mock pins write every edge down, 3 KB an alert with a buzzer that beeps: not the daemon's memory."""
    from gpiozero import Device

    for pin in Device.pin_factory.pins.values():
        pin.clear_states()


def memory_mb(field: str) -> float:
    """Of this process: VmRSS, resident now, or VmHWM, the most it ever was.

    Not getrusage's maxrss: that one begins with what the process had that started this one.
    """
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024
