"""Plays the scripts to the device's own loop, with and without motion gate and frame-rate cap.

Instead of a finder and a classifier, the script gives faces and verdicts; the gate gets drawn pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.behaviour.scenes.drawn import Drawn
from benchmarks.behaviour.scenes.scenarios import ALL, SETTINGS, Score, score, summed
from benchmarks.behaviour.scenes.scripts import FPS, HEIGHT, SCRIPTS, WIDTH, Judged, Script, frames
from maskwatch.config import PowerSettings
from maskwatch.daemon.loop import Watch
from maskwatch.daemon.parts import build
from maskwatch.daemon.state import UnitState
from maskwatch.daemon.systemd import Notifier
from maskwatch.daemon.timing import StageTimes
from maskwatch.flow import Face, Frame, Image, Verdict
from maskwatch.outputs import Outputs

RUNS = 5  # of each scene; few, because drawing is slow
EMPTY = 8.0  # seconds without anybody before each script, so that the gate is closed when the script begins
BLANK: Image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
WAYS: dict[str, tuple[bool, float | None]] = {  # gate, and the most frames a second
    "every frame": (False, None),
    "gate": (True, None),
    "max_fps = 5": (False, 5.0),
    "gate, max_fps = 5": (True, 5.0),
}


class Reel:
    """Source, finder and judge in one: plays a script frame by frame and gives its faces and verdicts."""

    def __init__(self, script: Script, seed: int, drawn: Drawn | None) -> None:
        """
        Args:
            script: what happens, after EMPTY seconds of nobody.
            seed: see scripts.frames.
            drawn: the pictures; None: blank ones, for a loop without a gate.
        """
        self._frames = [judged for _, judged in frames(script, seed)]
        self._drawn = drawn
        self._judged: Face | None = None
        self._fps = script.fps
        self.step = -round(EMPTY * script.fps) - 1
        self.looked = 0  # frames of the script in which faces were looked for
        self.trouble: str | None = None

    @property
    def ended(self) -> bool:
        return self.step + 1 >= len(self._frames)

    @property
    def judged(self) -> Judged:
        """The faces and verdicts of this frame."""
        return self._frames[self.step] if self.step >= 0 else []

    def read(self, wait: float) -> Frame:  # noqa: ARG002
        self.step += 1
        return Frame(self._drawn.at(self.step) if self._drawn else BLANK, self.step / self._fps)

    def find(self, image: Image) -> list[Face]:  # noqa: ARG002
        self.looked += self.step >= 0
        return [face for face, _ in self.judged]

    def crop(self, image: Image, face: Face) -> Image:
        self._judged = face
        return image

    def verdict(self, crop: Image) -> Verdict:  # noqa: ARG002
        return next(verdict for face, verdict in self.judged if face is self._judged)

    def describe(self) -> str:
        return "a script"

    def close(self) -> None:
        """Nothing to close."""


def play(script: Script, seed: int, gate: bool = False, max_fps: float | None = None) -> tuple[Score, int]:
    """One run through the device's loop: the score of its alerts, and the number of frames given to the finder."""
    reel = Reel(script, seed, Drawn(script, seed) if gate else None)
    settings = SETTINGS.model_copy(update={"power": PowerSettings(gate=gate, max_fps=max_fps)})
    parts = build(settings, reel, Outputs([]), finder=reel, classifier=reel)
    watch, on = Watch(parts, StageTimes(), UnitState(parts.outputs, Notifier())), []
    while not reel.ended:
        watch.turn(math.inf)
        on.append((reel.step / script.fps, parts.policy.on))
    watch.end()
    return score(script, [moment for moment in on if moment[0] >= 0]), reel.looked


def measure(scripts: Iterable[Script] = SCRIPTS, seeds: Sequence[int] = range(RUNS)) -> list[dict[str, Any]]:
    """Rows for the record: by way of saving, for each scene of FPS frames a second and for all of these together."""
    rows, of_all_scenes = [], {way: list[tuple[Score, float]]() for way in WAYS}
    for script in (script for script in scripts if script.fps == FPS):
        for way, (gate, max_fps) in WAYS.items():
            played = [play(script, seed, gate, max_fps) for seed in seeds]
            runs = [(scored, looked / script.steps) for scored, looked in played]
            of_all_scenes[way] += runs
            rows.append(_row(script.name, way, runs))
    return rows + [_row(ALL, way, runs) for way, runs in of_all_scenes.items()]


def _row(scene: str, way: str, runs: Sequence[tuple[Score, float]]) -> dict[str, Any]:
    shares = [share for _, share in runs]
    totals = summed([scored for scored, _ in runs])
    return {"scene": scene, "way": way, **totals, "looked_share": round(float(np.mean(shares)), 3)}
