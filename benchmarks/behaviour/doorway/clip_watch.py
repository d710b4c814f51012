"""Runs one clip through the device's own loop."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from benchmarks.behaviour.doorway import cutouts
from benchmarks.behaviour.doorway.count import Moment
from benchmarks.behaviour.doorway.film import Clip, Cutter, Film
from benchmarks.behaviour.scenes import scenarios
from maskwatch import config
from maskwatch.daemon import loop, parts
from maskwatch.daemon.parts import Classifier, Finder
from maskwatch.flow import Face, Image
from maskwatch.outputs import Outputs


class RecordingFinder:
    """A finder that keeps its latest faces."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self.faces: list[Face] = []

    def find(self, image: Image) -> list[Face]:
        """The finder's faces."""
        self.faces = self._finder.find(image)
        return self.faces


@dataclass(frozen=True, slots=True)
class Models:
    """The models, opened once for all clips."""

    finder: Finder
    judge: Classifier


def opened(settings: config.Settings) -> Models:
    """The models that the settings name, on one thread each: this does not change the verdicts, and other work needs
    the cores.

    Raises:
        ModelError: one cannot be used.
    """
    alone = {"threads": 1}
    face, mask = settings.face.model_copy(update=alone), settings.mask.model_copy(update=alone)
    return Models(parts.build_finder(face), parts.build_classifier(mask))


@dataclass(frozen=True, slots=True)
class Watched:
    """The outcome of one clip."""

    moments: list[Moment]  # every frame, with the device's alert after it
    verdicts: list[tuple[float, scenarios.Judged]]  # seconds, and every face found in the frame with its verdict


def watch(clip: Clip, models: Models, settings: config.Settings, cut: Cutter = cutouts.cut) -> Watched:
    """Run every frame of the clip through the loop.

    Raises:
        SourceError: a photograph cannot be read.
    """
    film, finder = Film(clip, cut), RecordingFinder(models.finder)
    unit = parts.build(settings, film, Outputs([]), finder=finder, classifier=models.judge)
    seen = Watched([], [])

    def note() -> None:
        """Note the newest frame's outcome, unless it was noted before."""
        if film.frame is None:
            return
        time, image = film.frame.time, film.frame.image
        judged = [(face, models.judge.verdict(models.judge.crop(image, face))) for face in finder.faces]
        seen.verdicts.append((time, judged))
        seen.moments.append(Moment(time, clip.plan.sights(time), unit.policy.on))

    loop.run(unit, threading.Event(), before_each=note)
    return seen
