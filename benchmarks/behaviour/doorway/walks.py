"""The truth of a clip: who comes to the door and when, on which path, and how much of each face is in view.

A pinhole camera a little above the faces looks at people who walk on straight lines over the floor, one after another
and sometimes two at a time. Everything is random, from a seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.behaviour.doorway.portraits import Deck, Portrait
from maskwatch.flow import Box

FACE = 0.2  # metres from the brow to the chin
FOCAL = 0.9  # share of the frame's width: a view of 58 degrees
SIDES = (40.0, 200.0)  # pixels, height of the faces
BODY = 0.35  # metres beside the face that a person's body reaches
SPEED = (0.35, 1.3)  # metres a second
PAUSE = (1.0, 4.0)  # seconds in front of the camera
COMPANY = 0.3  # share of visits that begin during another visit
BARE = 0.25  # share of people without a mask
GAP = 1.5  # seconds between visits, on average

# Seconds since the arrival; metres right of the camera's middle; metres in front of it
Spot = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Eye:
    """The camera: size of the frame in pixels, the row level with the lens, and how far faces are below the lens."""

    width: int
    height: int
    level: float  # pixels down
    above: float  # metres

    def see(self, across: float, away: float, aspect: float) -> Box:
        """The box of a face at so many metres; `aspect`: its width / height."""
        focal = FOCAL * self.width
        side = focal * FACE / away
        x, y = self.width / 2 + focal * across / away, self.level + focal * self.above / away
        return Box(x - aspect * side / 2, y - side / 2, x + aspect * side / 2, y + side / 2)

    def away(self, side: float) -> float:
        """Metres at which a face is `side` pixels high."""
        return FOCAL * self.width * FACE / side

    def edge(self, away: float) -> float:
        """Metres to the side from which on somebody at this distance is out of view."""
        return away / (2 * FOCAL) + BODY


@dataclass(frozen=True, slots=True)
class Visit:
    """One person, from the first step into view to the last."""

    portrait: Portrait
    start: float  # seconds of the clip
    spots: Sequence[Spot]
    rhythm: float  # radians, phase of the step in which they begin
    seed: int  # of the drawn body

    @property
    def end(self) -> float:
        return self.start + self.spots[-1][0]

    def at(self, time: float, eye: Eye) -> Box | None:
        """The face, moving with the steps; None before and after the visit."""
        since, aspect = time - self.start, self.portrait.face.width / self.portrait.face.height
        for (begun, x1, z1), (ended, x2, z2) in pairwise(self.spots):
            if begun <= since < ended:
                share = (since - begun) / (ended - begun)
                sway = 0.015 * math.sin(2.1 * since + self.rhythm)
                box = eye.see(x1 + share * (x2 - x1) + sway, z1 + share * (z2 - z1), aspect)
                bob = 0.05 * box.height * math.sin(11 * since + self.rhythm) * (1 if (x1, z1) != (x2, z2) else 0.2)
                return Box(box.left, box.top + bob, box.right, box.bottom + bob)
        return None


@dataclass(frozen=True, slots=True)
class Sight:
    """A face in one frame."""

    visit: int  # index into the plan's visits
    box: Box  # pixels of the frame
    share: float  # 0–1, inside the frame and not hidden by somebody


@dataclass(frozen=True, slots=True)
class Plan:
    """One clip's people."""

    eye: Eye
    seconds: float
    visits: tuple[Visit, ...]

    def sights(self, time: float) -> list[Sight]:
        """Every face that is partly in view, the farthest first."""
        placed = [(box, number) for number, visit in enumerate(self.visits) if (box := visit.at(time, self.eye))]
        placed.sort(key=lambda box_and_visit: box_and_visit[0].height)
        seen = [
            Sight(number, box, self._share(box, [nearer for nearer, _ in placed[place + 1 :]]))
            for place, (box, number) in enumerate(placed)
        ]
        return [sight for sight in seen if sight.share > 0]

    def _share(self, box: Box, nearer: Sequence[Box]) -> float:
        """The share of a face that is in view: heads with their hair, and shoulders below them, hide others."""
        inside = _cut(box, Box(0, 0, self.eye.width, self.eye.height))
        hidden = [
            _cut(inside, Box(b.left - b.width / 4, b.top - b.height / 2, b.right + b.width / 4, self.eye.height))
            for b in nearer
        ]
        return max(0.0, inside.area - sum(part.area for part in hidden)) / box.area


def _cut(one: Box, other: Box) -> Box:
    """The common part of two boxes; a box without area if there is none."""
    left, top = max(one.left, other.left), max(one.top, other.top)
    return Box(left, top, max(left, min(one.right, other.right)), max(top, min(one.bottom, other.bottom)))


def plan(seconds: float, eye: Eye, masked: Deck, bare: Deck, rng: np.random.Generator) -> Plan:
    """Visits that fill a clip. A visit that would not end within the clip is left out."""
    visits: list[Visit] = []
    time = float(rng.exponential(GAP))
    while True:
        deck = bare if rng.random() < BARE else masked
        visit = Visit(deck.deal(), time, walk(eye, rng), float(rng.uniform(0, 2 * math.pi)), int(rng.integers(2**31)))
        if visit.end > seconds:
            return Plan(eye, seconds, tuple(visits))
        visits.append(visit)
        alone = len(visits) < 2 or visits[-2].end <= visit.start
        if alone and rng.random() < COMPANY:
            time = visit.start + float(rng.uniform(0.2, 0.8)) * (visit.end - visit.start)
        else:
            time = max(each.end for each in visits[-2:]) + float(rng.exponential(GAP))


def walk(eye: Eye, rng: np.random.Generator) -> list[Spot]:
    """A path across the picture, or up to the camera, sometimes with a pause, and away."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    speed = float(rng.uniform(*SPEED))
    if rng.random() < 0.4:
        near, far = (eye.away(_side(rng, 40, 110)) for _ in range(2))
        return _timed([(-side * eye.edge(near), near), (side * eye.edge(far), far)], speed)
    far, near, last = (eye.away(_side(rng, *sides)) for sides in ((40, 80), (90, 200), (60, 200)))
    there = (float(rng.uniform(-0.25, 0.25)) * near / FOCAL, near)
    exit_ = side if rng.random() < 0.7 else -side
    way = _timed([(-side * eye.edge(far), far), there], speed)
    if rng.random() < 0.5:
        way.append((way[-1][0] + float(rng.uniform(*PAUSE)), *there))
    leaving = _timed([there, (exit_ * eye.edge(last), last)], speed)
    return [*way, *((way[-1][0] + time, x, z) for time, x, z in leaving[1:])]


def _side(rng: np.random.Generator, smallest: float, largest: float) -> float:
    """A random height, pixels; heights from 40 to 80 are as frequent as those from 80 to 160."""
    return float(np.exp(rng.uniform(math.log(smallest), math.log(largest))))


def _timed(places: Sequence[tuple[float, float]], speed: float) -> list[Spot]:
    """A path walked at constant speed."""
    spots = [(0.0, *places[0])]
    for one, other in pairwise(places):
        spots.append((spots[-1][0] + math.dist(one, other) / speed, *other))
    return spots
