"""The daemon in a separate process, on mock pins, with parts that count: shared by the benchmarks of the daemon."""

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

# The pin whose edges are timed. In the default config it does not blink, so an alert is one edge up and one down
LAMP = "led"
END_WITHIN = 10.0  # seconds
MEMORY = {"resident": "VmRSS", "peak": "VmHWM"}  # of /proc/self/status
Send = Callable[[Any], None]


def in_separate_process(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """Run `work(send, *arguments)` in a separate process, and yield what it sends.

    Raises:
        RuntimeError: the process failed; its messages are on stderr.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would inherit memory and threads
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes; the parent ends this one
    os.environ["GPIOZERO_PIN_FACTORY"] = "mock"  # also on a Pi, where a real buzzer would sound all the time
    work(connection.send, *arguments)


def default_settings(**sections: dict[str, Any]) -> Settings:
    """The package's config.toml, without the environment, with these keys of its sections replaced."""
    settings = config.load(None, {})
    changed = {name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()}
    return settings.model_copy(update=changed)


class Counted:
    """A finder and a judge that count their calls."""

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
        """Faces and verdicts of each frame since the last call, which are then forgotten."""
        faces, verdicts, self.faces, self.verdicts = self.faces, self.verdicts, [], []
        return faces, verdicts


class Switches(Output):
    """An output that calls `on_switch` at each switch of the alert."""

    name = "switches"

    def __init__(self, on_switch: Callable[[Alert], None]) -> None:
        self._on_switch = on_switch

    def switch(self, alert: Alert) -> None:
        self._on_switch(alert)


def counted(settings: Settings) -> Counted:
    """The models that the settings name, opened."""
    return Counted(parts.build_finder(settings.face), parts.build_classifier(settings.mask))


def assembled(
    settings: Settings, models: Counted, source: Source, outputs: Sequence[Output] = (), show: Show | None = None
) -> parts.Parts:
    """The parts that parts.build makes, with another source, and with outputs instead of the log.

    Args:
        settings: of everything except the camera.
        models: see counted.
        source: of the frames.
        outputs: in addition to the pins.
        show: called at each change of a pin.
    """
    pins = open_pins(settings.outputs, show)
    return parts.build(settings, source, Outputs([*outputs, *pins]), finder=models, classifier=models)


def forget_edges() -> None:
    """Delete the mock pins' record of their edges, 3 KB an alert with a beeping buzzer: real pins have no record."""
    from gpiozero import Device

    for pin in Device.pin_factory.pins.values():
        pin.clear_states()


def memory_mb(field: str) -> float:
    """Memory of this process: VmRSS, resident now, or VmHWM, its maximum.

    Not getrusage's maxrss, which starts with the memory of the parent process.
    """
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024
