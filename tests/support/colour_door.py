"""A door where faces are squares of colour, with a finder and a judge for them, and a recorder of the pins."""

import io
import json

import numpy as np

from maskwatch.camera import Source
from maskwatch.config import Settings
from maskwatch.daemon.parts import Parts, build
from maskwatch.flow import Box, Face, Frame, Image, Label, Signal, Verdict
from maskwatch.outputs import Outputs
from maskwatch.outputs.gpio import PinOutput
from maskwatch.outputs.log import LogOutput
from maskwatch.pins.plan import PinPlan

FACE = (20, 10, 44, 40)  # left, top, right, bottom in the pixels of the scenes below
GREY, SKIN, CLOTH = (128, 128, 128), (220, 150, 120), (120, 170, 220)  # RGB


class ColourFinder:
    """Everything that is not grey is a face."""

    def find(self, image: Image) -> list[Face]:
        there = np.abs(image.astype(int) - 128).max(axis=2) > 40
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        if not len(rows):
            return []
        return [Face(Box(float(columns[0]), float(rows[0]), columns[-1] + 1.0, rows[-1] + 1.0), 0.9)]


class ColourJudge:
    """More red than blue is skin, more blue than red is cloth."""

    def crop(self, image: Image, face: Face) -> Image:
        box = face.box
        return image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]

    def verdict(self, crop: Image) -> Verdict:
        red, _, blue = crop.reshape(-1, 3).mean(axis=0)
        return Verdict(Label.WITHOUT_MASK if red > blue else Label.WITH_MASK, 0.98)


def scene(face: tuple[int, int, int]) -> Image:
    """(48, 64, 3) RGB: a face of one colour on grey; grey: nobody."""
    image = np.full((48, 64, 3), GREY, np.uint8)
    left, top, right, bottom = FACE
    image[top:bottom, left:right] = face
    return image


class Reel:
    """A source that plays (time, colour) and may fail at the end."""

    def __init__(self, moments: list[tuple[float, tuple[int, int, int]]], then: Exception | None = None) -> None:
        self._moments, self._then = moments, then
        self.place, self.closed = 0, 0

    @property
    def ended(self) -> bool:
        return self.place >= len(self._moments) and self._then is None

    @property
    def trouble(self) -> str | None:
        return None

    def describe(self) -> str:
        return "reel"

    def read(self, wait: float) -> Frame | None:  # noqa: ARG002
        if self.place == len(self._moments):
            assert self._then is not None
            raise self._then
        time, colour = self._moments[self.place]
        self.place += 1
        return Frame(scene(colour), time)

    def close(self) -> None:
        self.closed += 1


def shown(colour: tuple[int, int, int], start: float, end: float) -> list[tuple[float, tuple[int, int, int]]]:
    """One colour, ten frames a second."""
    return [(step / 10, colour) for step in range(round(start * 10), round(end * 10))]


def parts(source: Source, stream: io.StringIO, min_size: float = 0.0) -> Parts:
    lines = LogOutput(stream, as_json=True)
    plans = [PinPlan(name, pin, True, {Signal.ALERT: "steady"}) for name, pin in (("buzzer", 17), ("led", 27))]
    outputs = Outputs([lines, *(PinOutput(plan, lines.pin) for plan in plans)])
    settings = Settings.model_validate({"face": {"min_size": min_size}})
    return build(settings, source, outputs, finder=ColourFinder(), classifier=ColourJudge())


def events(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def switches(stream: io.StringIO) -> list[tuple[object, object]]:
    return [(event["event"], event["time"]) for event in events(stream) if event["event"] != "pin"]


def changes(stream: io.StringIO, name: str) -> list[object]:
    return [event["on"] for event in events(stream) if event.get("name") == name]


class Flaky(Reel):
    """A reel whose camera has trouble at some times; covered: frames come during the trouble."""

    def __init__(
        self, moments: list[tuple[float, tuple[int, int, int]]], bad: tuple[float, float], reason: str, covered: bool
    ) -> None:
        super().__init__(moments)
        self.bad, self.reason, self.covered = bad, reason, covered
        self._now = 0.0

    @property
    def trouble(self) -> str | None:
        return self.reason if self.bad[0] <= self._now < self.bad[1] else None

    def read(self, wait: float) -> Frame | None:
        frame = super().read(wait)
        assert frame
        self._now = frame.time
        return None if self.trouble and not self.covered else frame
