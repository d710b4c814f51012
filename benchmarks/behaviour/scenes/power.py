"""Measures what motion gate and frame-rate cap save on this machine: CPU seconds of the device's loop.

It runs the shipped models. The pictures of the built-in scene are drawn when they are read. The time for drawing is
subtracted, and a camera's time is not included.
"""

from __future__ import annotations

import math
import time
from typing import Any

import cv2

from benchmarks import host, records
from benchmarks.behaviour.scenes.rehearsal import WAYS
from maskwatch.camera import demo
from maskwatch.config import PowerSettings, Settings
from maskwatch.daemon import parts
from maskwatch.daemon.loop import Watch
from maskwatch.daemon.parts import Finder, Parts
from maskwatch.daemon.state import UnitState
from maskwatch.daemon.systemd import Notifier
from maskwatch.daemon.timing import StageTimes
from maskwatch.flow import Face, Frame, Image
from maskwatch.outputs import Outputs

SCHEMA = 1
ROUNDS = 3
WARM_UPS = 5
CLIPS = {"nobody": (-60.0, 0.0), "a visit": (0.0, demo.DURATION)}  # seconds of the scene; nobody comes before 0


class Projector:
    """A source that draws a clip, and counts the CPU seconds of drawing."""

    trouble = None

    def __init__(self, scene: demo.Scene, clip: tuple[float, float], fps: float) -> None:
        self._scene, self._start, self._fps = scene, clip[0], fps
        self.frames = round((clip[1] - clip[0]) * fps)
        self.shown = 0
        self.drawing_s = 0.0

    @property
    def ended(self) -> bool:
        return self.shown == self.frames

    def read(self, wait: float) -> Frame:  # noqa: ARG002
        begin = time.thread_time()  # not process_time: other threads, such as the models', may still be busy
        moment = self.shown / self._fps
        image = self._scene.at(self._start + moment)
        self.shown += 1
        self.drawing_s += time.thread_time() - begin
        return Frame(image, moment)

    def describe(self) -> str:
        return "the built-in scene"

    def close(self) -> None:
        """Nothing to close."""


class Counted:
    """A finder that counts its frames."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self.looked = 0

    def find(self, image: Image) -> list[Face]:
        self.looked += 1
        return self._finder.find(image)


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """The record, ready for JSON. Takes about five minutes on a workstation.

    Raises:
        MaskwatchError: the default bundles or the demo's portrait are not there.
    """
    settings, host_facts = Settings(), host.facts()  # facts first: measuring loads the machine
    head = records.head("power", SCHEMA, host_facts, settings)
    fps = settings.camera.fps
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # so that drawing is done by the thread that is timed
    try:
        rows = _rows(settings, fps, rounds)
    finally:
        cv2.setNumThreads(threads)
    return {
        **head,
        "frame_pixels": [demo.WIDTH, demo.HEIGHT],
        "frames_a_second": fps,
        "rows": rows,
    }


def _rows(settings: Settings, fps: float, rounds: int) -> list[dict[str, Any]]:
    """A row for each clip and way of saving, measured in turns."""
    scene = demo.Scene()
    warm_up = Projector(scene, (5.0, 5.0 + WARM_UPS / fps), fps)
    unit = parts.build(settings, warm_up, Outputs([]))
    watch(unit)
    rows: dict[tuple[str, str], dict[str, Any]] = {
        (clip, way): {"clip": clip, "way": way, "cpu_s": []} for clip in CLIPS for way in WAYS
    }
    for _ in range(rounds):
        for (clip, way), row in rows.items():
            gate, max_fps = WAYS[way]
            projector, counted = Projector(scene, CLIPS[clip], fps), Counted(unit.finder)
            saving = settings.model_copy(update={"power": PowerSettings(gate=gate, max_fps=max_fps)})
            fresh = parts.build(saving, projector, Outputs([]), finder=counted, classifier=unit.classifier)
            seconds = watch(fresh)
            row["cpu_s"].append(round(seconds - projector.drawing_s, 3))
            row.update(seconds=projector.frames / fps, frames=projector.frames, looked=counted.looked)
    return list(rows.values())


def watch(unit: Parts) -> float:
    """CPU seconds, of all threads, that the loop takes for a source from its beginning to its end."""
    loop, begin = Watch(unit, StageTimes(), UnitState(unit.outputs, Notifier())), time.process_time()
    while not unit.source.ended:
        loop.turn(math.inf)
    return time.process_time() - begin
