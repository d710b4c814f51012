"""Measures the daemon while a frame is always waiting, in turns with the bare invoke() loop of the same two models.

Both run in one process, TURN frames each, so that a shared or throttled machine affects both alike. The ratio of two
neighbouring turns shows the daemon's cost beyond its models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.daemon import clip, counted_daemon, crowd
from maskwatch.config import Settings
from maskwatch.daemon import loop as daemon
from maskwatch.daemon.timing import STAGES, StageTimes
from maskwatch.vision import bundle, runtime

WARM_UP = 60  # frames before the measurement; memory is read after them, before the bare models are opened
TURN = crowd.STEPS  # frames of the daemon, then as many of the bare models
MIN_TURNS = 3  # even if they take longer than the given seconds


@dataclass(frozen=True, slots=True)
class Bare:
    """The two models alone, on as many threads as in the daemon."""

    finder: Callable[[], object]
    classifier: Callable[[], object]

    def loop(self, verdicts: Sequence[int]) -> None:
        """For each frame, one call of the finder, and as many of the classifier as the daemon made."""
        for number in verdicts:
            self.finder()
            for _ in range(number):
                self.classifier()


def bare_models(settings: Settings) -> Bare:
    """The default bundles in separate interpreters; their inputs stay zeros: int8 models take the same time."""
    face, mask = bundle.read(bundle.default_path("face"), "face"), bundle.read(bundle.default_path("mask"), "mask")
    return Bare(
        runtime.open_interpreter(face.flatbuffer, settings.face.threads, face.origin).invoke,
        runtime.open_interpreter(mask.flatbuffer, settings.mask.threads, mask.origin).invoke,
    )


@dataclass(slots=True)
class Clocks:
    """Wall time and CPU time of this process with all its threads."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    _begun: tuple[float, float] = (0.0, 0.0)

    def begin(self) -> None:
        self._begun = self.wall(), self.cpu()

    def passed(self) -> tuple[float, float]:
        """Seconds since begin(), wall and CPU."""
        return self.wall() - self._begun[0], self.cpu() - self._begun[1]


@dataclass(slots=True)
class Turns:
    """The loop calls it before each frame. After TURN frames of the daemon, the bare models do the same work."""

    models: counted_daemon.Counted
    stages: StageTimes
    pace: clip.OnDemand
    stop: threading.Event
    send: counted_daemon.Send
    seconds: float
    open_bare: Callable[[], Bare]
    clocks: Clocks = field(default_factory=Clocks)
    _bare: Bare | None = None
    _left: int = MIN_TURNS  # turns
    _until: float = 0.0  # seconds by clocks.wall

    def __call__(self) -> None:
        if len(self.models.verdicts) < (TURN if self._bare else WARM_UP):
            return
        passed, now = self.clocks.passed(), self.clocks.wall()
        if self._bare:
            self._compare(self._bare, passed)
        else:
            self._bare = self._opened()
            self._until = now + self.seconds
        self.pace.leave_out(self.clocks.wall() - now)
        self.clocks.begin()

    def _opened(self) -> Bare:
        self.send({name: round(counted_daemon.memory_mb(key), 1) for name, key in counted_daemon.MEMORY.items()})
        self.models.taken()
        bare = self.open_bare()
        bare.loop([1] * 5)
        return bare

    def _compare(self, bare: Bare, passed: tuple[float, float]) -> None:
        faces, verdicts = self.models.taken()
        self.clocks.begin()
        bare.loop(verdicts)
        self.send(row(passed, self.clocks.passed(), faces, verdicts, self.stages.rows[-len(verdicts) :]))
        self._left -= 1
        if self._left <= 0 and self.clocks.wall() >= self._until:
            self.stop.set()


def row(
    ours: tuple[float, float],
    theirs: tuple[float, float],
    faces: Sequence[int],
    verdicts: Sequence[int],
    stages: Sequence[dict[str, float]],
) -> dict[str, float]:
    """One turn of both, as values per frame.

    Args:
        ours: seconds of the daemon's frames, wall and CPU.
        theirs: the same of the bare models.
        faces: number found in each frame.
        verdicts: number in each frame.
        stages: seconds of each stage, by frame.
    """
    count = len(verdicts)
    times = {"daemon_ms": ours[0], "daemon_cpu_ms": ours[1], "bare_ms": theirs[0], "bare_cpu_ms": theirs[1]}
    times |= {f"{stage}_ms": sum(stage_times[stage] for stage_times in stages) for stage in STAGES}
    found = {name: round(1e3 * seconds / count, 4) for name, seconds in times.items()}
    return {**found, "found": round(sum(faces) / count, 3), "judged": round(sum(verdicts) / count, 3)}


def work(send: counted_daemon.Send, reel: clip.Clip, seconds: float) -> None:
    """In a separate process: first the memory, MB, then a row each turn."""
    settings, stop, stages = counted_daemon.default_settings(), threading.Event(), StageTimes()
    pace, models = clip.OnDemand(settings.camera.fps, stop), counted_daemon.counted(settings)
    source = clip.ObservedSource(
        clip.camera(clip.Player(reel, pace), pace, settings.camera, models.prepare), lambda _: pace.taken()
    )
    turns = Turns(models, stages, pace, stop, send, seconds, lambda: bare_models(settings))
    daemon.run(counted_daemon.assembled(settings, models, source), stop, stages=stages, before_each=turns)


def measure(people: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Memory, and every turn's figures by name, with so many people in view.

    Args:
        people: 0 to 2 × crowd.ABREAST.
        seconds: of measuring.
        folder: for the clip, 28 MB.
    """
    hall, group = crowd.Hall(), crowd.group(people)
    images = (hall.draw(group, step) for step in range(crowd.STEPS))
    reel = clip.write(folder / f"{people}.rgb", images, range(crowd.STEPS))
    memory, *rows = counted_daemon.in_separate_process(work, reel, seconds)
    reel.path.unlink()
    return {"memory_mb": memory, "turns": {name: [each[name] for each in rows] for name in rows[0]}}


def overhead(turns: Mapping[str, Sequence[float]]) -> list[float]:
    """The time that the daemon took beyond the bare models, as a share of the bare models' time, by turn."""
    return [ours / theirs - 1 for ours, theirs in zip(turns["daemon_ms"], turns["bare_ms"], strict=True)]
