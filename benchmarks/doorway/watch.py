"""One clip through the device's own loop, with default settings; beside it, two plainer ways of watching."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.doorway import cutouts
from benchmarks.doorway.count import Moment
from benchmarks.doorway.film import Clip, Cutter, Film
from benchmarks.scenes import scenarios
from maskwatch import config, daemon, parts
from maskwatch.flow import Face, Image
from maskwatch.outputs import Outputs
from maskwatch.parts import Finder, Judge, Parts
from maskwatch.policy import Policy
from maskwatch.tracker import Tracker

DEVICE = "maskwatch"
PLAINER: Mapping[str, Callable[[], scenarios.Watcher]] = {
    "single frames": scenarios.single_frames,
    "hold and clear, no tracking": scenarios.voting_without_tracking,
}


class Kept:
    """A finder that keeps what it found last."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self.faces: list[Face] = []

    def find(self, image: Image) -> list[Face]:
        """As the finder."""
        self.faces = self._finder.find(image)
        return self.faces


@dataclass(frozen=True, slots=True)
class Models:
    """Opened once for all clips."""

    finder: Finder
    judge: Judge


def opened(settings: config.Settings) -> Models:
    """The models the settings name, on one thread each: verdicts are the same on two, and the machine has other work.

    Raises:
        ModelError: one cannot be used.
    """
    alone = {"threads": 1}
    face, mask = settings.face.model_copy(update=alone), settings.mask.model_copy(update=alone)
    return Models(parts.build_detector(face), parts.build_classifier(mask))


@dataclass(frozen=True, slots=True)
class Watched:
    """What one clip came to."""

    ways: dict[str, list[Moment]]  # way of watching -> every frame
    verdicts: list[tuple[float, scenarios.Judged]]  # seconds, and every face found in the frame with its verdict


def watch(clip: Clip, models: Models, settings: config.Settings, cut: Cutter = cutouts.cut) -> Watched:
    """Every frame of the clip through the loop.

    Raises:
        SourceError: a photograph cannot be read.
    """
    film, kept = Film(clip, cut), Kept(models.finder)
    unit = Parts(film, kept, models.judge, Tracker(), Policy(), Outputs([]))
    parts.adjust(unit, settings)
    plainer = {name: make() for name, make in PLAINER.items()}
    seen = Watched({name: [] for name in (DEVICE, *PLAINER)}, [])

    def note() -> None:
        """What became of the newest frame, if it was not noted before."""
        if film.frame is None:
            return
        time, image = film.frame.time, film.frame.image
        height, width = image.shape[:2]
        judged = [(face, models.judge.verdict(models.judge.crop(image, face))) for face in kept.faces]
        counted = [each for each in judged if unit.zone.counts(each[0], width, height)]
        sights = clip.plan.sights(time)
        seen.verdicts.append((time, judged))
        seen.ways[DEVICE].append(Moment(time, sights, unit.policy.on))
        for name, watcher in plainer.items():
            seen.ways[name].append(Moment(time, sights, watcher(counted, time)))

    daemon.run(unit, threading.Event(), before_each=note)
    return seen
