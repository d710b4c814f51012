"""Scripted scenes with known truth, and the faces and verdicts that finder and classifier give for them.

People walk on straight lines. Finder and classifier make their usual mistakes: faces are missed, boxes jitter, verdicts
flicker or stay wrong for a while. The truth is in the script; everything else is random, from a seed, so that the same
table can be made again.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maskwatch.flow import Box, Face, Label, Verdict

WIDTH, HEIGHT, FPS = 640, 480, 10.0  # pixels, pixels, frames a second
NARROW = 0.8  # width / height of a face
HIDDEN = 0.35  # IoU with somebody nearer from which a face is hidden

Stop = tuple[float, float, float]  # seconds, across (pixels), height of the face (pixels)
Stretch = tuple[float, float]  # seconds, start and end
Judged = list[tuple[Face, Verdict]]  # one frame


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who walks from stop to stop and is in view from the first to the last."""

    stops: Sequence[Stop]
    bare: Sequence[Stretch] = ()  # when they are bare; masked otherwise
    down: float = 200.0  # pixels
    flicker: float = 0.03  # share of wrong verdicts
    lasting: float = 0.0  # seconds over which wrong verdicts are correlated; 0: independent
    missed: float = 0.05  # share of frames in which the finder does not see the face
    thing: bool = False  # a picture or a coat: its box hardly moves, and it never counts as somebody bare

    @property
    def view(self) -> Stretch:
        return self.stops[0][0], self.stops[-1][0]

    def at(self, time: float) -> Box | None:
        """The face, or None when out of view."""
        for (start, x1, s1), (end, x2, s2) in pairwise(self.stops):
            if start <= time < end:
                share = (time - start) / (end - start)
                middle, side = x1 + share * (x2 - x1), s1 + share * (s2 - s1)
                across = NARROW * side / 2
                return Box(middle - across, self.down - side / 2, middle + across, self.down + side / 2)
        return None

    def is_bare(self, time: float) -> bool:
        return any(start <= time < end for start, end in self.bare)


@dataclass(frozen=True, slots=True)
class Script:
    """One scene."""

    name: str
    actors: Sequence[Actor] = ()
    seconds: float = 30.0
    fps: float = FPS

    @property
    def steps(self) -> int:
        return round(self.seconds * self.fps)

    @property
    def due(self) -> tuple[Stretch, ...]:
        """The periods with somebody bare in view: each should be answered by one alert."""
        people = [actor for actor in self.actors if not actor.thing]
        seen = [(max(actor.view[0], start), min(actor.view[1], end)) for actor in people for start, end in actor.bare]
        merged: list[Stretch] = []
        for start, end in sorted(period for period in seen if period[0] < period[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        return tuple(merged)


def standing(x: float, start: float, end: float, side: float = 60.0) -> list[Stop]:
    """Standing in one place, swaying."""
    times = np.arange(start, end, 1.0).tolist()
    return [*((time, x + 8 * (-1) ** step, side) for step, time in enumerate(times)), (end, x, side)]


ALWAYS = ((0.0, math.inf),)
WALK = [(2.0 + 7 * turn, 60.0 if turn % 2 else 580.0, 60.0) for turn in range(9)]
POSTER = Actor([(0, 500, 70), (300, 500, 70)], ALWAYS, down=120, flicker=0.0, missed=0.02, thing=True)
COAT = Actor([(0, 500, 70), (60, 500, 70)], ALWAYS, flicker=0.25, missed=0.9, thing=True)
CROWD = [Actor(standing(40 + 62 * place, 0, 30, 44), down=120 + 40 * (place % 3)) for place in range(10)]
RATES = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)  # frames a second, of the scenes with other rates than FPS
RIGHT, LEFT = [(2.0, 40.0, 60.0), (12.0, 600.0, 60.0)], [(2.0, 600.0, 60.0), (12.0, 40.0, 60.0)]
AT_FPS = (
    Script("nobody"),
    Script("one masked", [Actor(standing(320, 2, 28))]),
    Script("one bare", [Actor(standing(320, 2, 28), ALWAYS)]),
    Script("one bare, far off", [Actor(standing(320, 2, 28, 24), ALWAYS)]),
    Script("mask off, on, off", [Actor(standing(320, 1, 29), [(0, 8), (18, 30)])]),
    Script("verdicts flicker, masked", [Actor(standing(320, 2, 28), flicker=0.25)]),
    Script("verdicts flicker, bare", [Actor(standing(320, 2, 28), ALWAYS, flicker=0.25)]),
    Script("verdicts wrong for a while, masked", [Actor(standing(320, 2, 28), flicker=0.1, lasting=0.5)]),
    Script("verdicts wrong for a while, bare", [Actor(standing(320, 2, 28), ALWAYS, flicker=0.1, lasting=0.5)]),
    Script("two masked cross", [Actor(RIGHT), Actor(LEFT, down=210)]),
    Script("bare and masked cross", [Actor(RIGHT, ALWAYS), Actor(LEFT, down=210)]),
    Script("leaves and returns", [Actor(standing(320, 1, 8), ALWAYS), Actor(standing(320, 16, 24), ALWAYS)]),
    Script("half a face at the edge, masked", [Actor(standing(4, 2, 28), flicker=0.5)]),  # half a face shows no mask
    Script("hurries past, masked", [Actor([(2, 30, 50), (3.2, 610, 50)])]),
    Script("hurries past, bare", [Actor([(2, 30, 50), (4.5, 610, 50)], ALWAYS)]),
    Script("a coat taken for a face now and then", [COAT], 60.0),
    Script(
        "a poster; nine masked pass, then one bare",
        [POSTER, *(Actor([(t, 30, 80), (t + 8, 610, 80)], [(280, 300)], down=240) for t in range(100, 300, 20))],
        300.0,
    ),
    Script("ten masked", CROWD),
    Script("ten, one of them bare", [replace(CROWD[0], bare=ALWAYS), *CROWD[1:]]),
)


def at_rate(fps: float) -> tuple[Script, ...]:
    """The same few people at another frame rate."""
    scenes = {
        "one masked": Actor(standing(320, 2, 58)),
        "one bare": Actor(standing(320, 2, 58), ALWAYS),
        "takes the mask off": Actor(standing(320, 2, 58), [(30, 60)]),
        "walks to and fro, masked": Actor(WALK),
        "walks to and fro, bare": Actor(WALK, ALWAYS),
    }
    return tuple(Script(f"{name}, {fps:g} frames a second", [actor], 60.0, fps) for name, actor in scenes.items())


SCRIPTS = (*AT_FPS, *(script for fps in RATES for script in at_rate(fps)))


def frames(script: Script, seed: int) -> list[tuple[float, Judged]]:
    """The faces and verdicts of each frame, with its time in seconds."""
    rng = np.random.default_rng([seed, zlib.crc32(script.name.encode())])  # each scene has its own random numbers
    wrong = [_wrong(actor, script, rng) for actor in script.actors]
    missed = [rng.random(script.steps) < actor.missed for actor in script.actors]
    found = []
    for step in range(script.steps):
        time = step / script.fps
        judged = [
            _seen(actor, box, actor.is_bare(time) != wrong[place][step], rng)
            for place, actor in enumerate(script.actors)
            if (box := actor.at(time)) and not missed[place][step]
        ]
        found.append((time, _unhidden(judged)))
    return found


def _wrong(actor: Actor, script: Script, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(steps,) whether each verdict is wrong: a new draw, or the same as in the frame before."""
    wrong, again = rng.random(script.steps) < actor.flicker, rng.random(script.steps)
    stays = math.exp(-1 / (actor.lasting * script.fps)) if actor.lasting else 0.0
    for step in range(1, script.steps):
        if again[step] < stays:
            wrong[step] = wrong[step - 1]
    return wrong


def _seen(actor: Actor, box: Box, bare: bool, rng: np.random.Generator) -> tuple[Face, Verdict]:
    spread = (0.004 if actor.thing else 0.03) * box.width
    left, top, right, bottom = np.array([box.left, box.top, box.right, box.bottom]) + rng.normal(0, spread, 4)
    shown = Box(max(left, 0.0), top, min(right, float(WIDTH)), bottom)  # a finder only sees what is inside the frame
    return Face(shown, 0.9), Verdict(Label.WITHOUT_MASK if bare else Label.WITH_MASK, float(rng.uniform(0.85, 1.0)))


def _unhidden(judged: Judged) -> Judged:
    """The faces that nobody nearer hides."""
    kept: Judged = []
    for face, verdict in sorted(judged, key=lambda face_and_verdict: -face_and_verdict[0].box.bottom):
        if all(face.box.iou(other.box) < HIDDEN for other, _ in kept):
            kept.append((face, verdict))
    return kept
