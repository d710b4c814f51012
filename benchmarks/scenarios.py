"""Scripted scenes with known truth: what alerts tell, with and without tracking and voting.

People walk along straight lines and are seen by a finder and a classifier that err as real ones do: faces missed, boxes
that waver, verdicts that flicker. Truth is when somebody in view has been bare for long enough; all else is chance by
seed, so a table can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from maskwatch.flow import Box, Face, Label, Track, Verdict
from maskwatch.policy import Policy, Rules
from maskwatch.tracker import Opinion, Tracker, bareness
from maskwatch.zone import Zone

WIDTH, HEIGHT, FPS = 640, 480, 10.0  # pixels, pixels, frames a second
RULES = Rules(longest=30.0)
OPINION = Opinion(motionless=60.0)
LATE = 3.0  # seconds after `hold` within which an alert answers somebody bare
SEEDS = range(20)
NARROW = 0.8  # width to height of a face

Stop = tuple[float, float, float]  # seconds, across (pixels), height of the face (pixels)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who walks from stop to stop and is in view between the first and the last."""

    stops: Sequence[Stop]
    bare: Sequence[tuple[float, float]] = ()  # seconds, from and until; masked otherwise
    down: float = 200.0  # pixels
    flicker: float = 0.03  # share of wrong verdicts
    missed: float = 0.05  # share of frames in which the finder does not see the face
    still: bool = False  # a picture: its box hardly wavers

    def at(self, time: float) -> Box | None:
        """The face, or None out of view."""
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
    tells: Sequence[tuple[float, float]] = field(default_factory=tuple)  # seconds: somebody is bare, for truth


def standing(x: float, start: float, end: float, side: float = 60.0) -> list[Stop]:
    """At one place, swaying."""
    times = np.arange(start, end, 1.0).tolist()
    return [*((time, x + 8 * (-1) ** step, side) for step, time in enumerate(times)), (end, x, side)]


CROWD = [Actor(standing(40 + 62 * place, 0, 30, 44), down=120 + 40 * (place % 3)) for place in range(10)]
SCRIPTS = (
    Script("nobody"),
    Script("one masked", [Actor(standing(320, 2, 28))]),
    Script("one bare", [Actor(standing(320, 2, 28), [(0, 30)])], tells=[(2, 28)]),
    Script("mask off, on, off", [Actor(standing(320, 1, 29), [(0, 8), (18, 30)])], tells=[(1, 8), (18, 29)]),
    Script("verdicts flicker, masked", [Actor(standing(320, 2, 28), flicker=0.25)]),
    Script("verdicts flicker, bare", [Actor(standing(320, 2, 28), [(0, 30)], flicker=0.25)], tells=[(2, 28)]),
    Script(
        "bare and masked cross",
        [Actor([(2, 40, 60), (12, 600, 60)], [(0, 30)]), Actor([(2, 600, 60), (12, 40, 60)], down=210)],
        tells=[(2, 12)],
    ),
    Script("two masked cross", [Actor([(2, 40, 60), (12, 600, 60)]), Actor([(2, 600, 60), (12, 40, 60)], down=210)]),
    Script(
        "leaves and returns",
        [Actor(standing(320, 1, 8), [(0, 30)]), Actor(standing(320, 16, 24), [(0, 30)])],
        tells=[(1, 8), (16, 24)],
    ),
    Script("half a face at the edge", [Actor(standing(4, 2, 28), [(0, 30)])]),
    Script("somebody hurries past, masked", [Actor([(2, 30, 50), (3.2, 610, 50)])]),
    Script(
        "a poster, and masked people before it",
        [
            Actor([(0, 500, 70), (300, 500, 70)], [(0, 300)], down=120, flicker=0.0, missed=0.02, still=True),
            *(Actor([(t, 30, 80), (t + 8, 610, 80)], down=240) for t in range(100, 280, 20)),
        ],
        300.0,
        tells=[(0, 60)],
    ),
    Script("ten masked", CROWD),
    Script("ten, one of them bare", [replace(CROWD[0], bare=[(0, 30)]), *CROWD[1:]], tells=[(0, 30)]),
)

Judged = list[tuple[Face, Verdict]]
Watcher = Callable[[Judged, float], bool]  # one frame -> is the alert on


def frames(script: Script, seed: int) -> list[tuple[float, Judged]]:
    """What finder and classifier say of each frame."""
    rng = np.random.default_rng(seed)
    found = []
    for step in range(round(script.seconds * FPS)):
        time = step / FPS
        judged: Judged = []
        for actor in script.actors:
            box = actor.at(time)
            if box is not None and rng.random() >= actor.missed:
                judged.append(_seen(actor, box, time, rng))
        found.append((time, _unhidden(judged)))
    return found


def _seen(actor: Actor, box: Box, time: float, rng: np.random.Generator) -> tuple[Face, Verdict]:
    spread = (0.004 if actor.still else 0.03) * box.width
    left, top, right, bottom = np.array([box.left, box.top, box.right, box.bottom]) + rng.normal(0, spread, 4)
    shown = Box(max(left, 0.0), top, min(right, float(WIDTH)), bottom)  # a finder sees what is in the frame
    bare = actor.is_bare(time) != (rng.random() < actor.flicker)
    return Face(shown, 0.9), Verdict(Label.WITHOUT_MASK if bare else Label.WITH_MASK, float(rng.uniform(0.85, 1.0)))


def _unhidden(judged: Judged) -> Judged:
    """Without those that somebody nearer hides."""
    near = sorted(judged, key=lambda each: -each[0].box.bottom)
    kept: Judged = []
    for face, verdict in near:
        if all(face.box.iou(other.box) < 0.35 for other, _ in kept):
            kept.append((face, verdict))
    return kept


def single_frames() -> Watcher:
    """On while a face in the frame is judged bare: no memory at all."""
    return lambda judged, _: any(bareness(verdict) >= RULES.high for _, verdict in judged)


def voting_without_tracking() -> Watcher:
    """Hold and clear on the barest face of each frame, whoever it is."""
    policy = Policy(RULES)

    def watch(judged: Judged, time: float) -> bool:
        barest = max(judged, key=lambda each: bareness(each[1]), default=None)
        somebody = [Track(0, *barest, bareness(barest[1]), time, time)] if barest else []
        policy.update(somebody, time)
        return policy.on

    return watch


def whole() -> Watcher:
    """As the device does: zone, tracker, policy."""
    zone, tracker, policy = Zone(16.0), Tracker(OPINION), Policy(RULES)

    def watch(judged: Judged, time: float) -> bool:
        counted = [(face, verdict) for face, verdict in judged if zone.counts(face, WIDTH, HEIGHT)]
        verdicts = {id(face): verdict for face, verdict in counted}
        for person in tracker.see([face for face, _ in counted], time):
            tracker.judge(person, verdicts[id(person.face)], time)
        policy.update(tracker.people(time), time)
        return policy.on

    return watch


WATCHERS: Mapping[str, Callable[[], Watcher]] = {
    "single frames": single_frames,
    "hold and clear, no tracking": voting_without_tracking,
    "maskwatch": whole,
}


@dataclass(frozen=True, slots=True)
class Score:
    """What the alerts of one run told."""

    true: int  # times somebody was bare and the alert came in time
    missed: int  # times it did not
    false: int  # alerts while nobody was bare, or another for the same reason
    delays: tuple[float, ...]  # seconds from the first bare frame to the alert


def score(script: Script, on: Sequence[tuple[float, bool]]) -> Score:
    """Hold the switches against the truth; each stretch of bareness is to be answered by one alert."""
    begun = [time for (_, before), (time, now) in pairwise([(0.0, False), *on]) if now and not before]
    delays, used = [], set()
    for start, end in script.tells:
        answers = [time for time in begun if start <= time <= min(end, start + RULES.hold + LATE)]
        if answers:
            delays.append(answers[0] - start)
            used.add(answers[0])
    true = len(delays)
    return Score(true, len(script.tells) - true, len(begun) - len(used), tuple(delays))


def measure(seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """The record, ready for JSON: for each scene and way of watching, sums over the seeds."""
    rows = []
    for script in SCRIPTS:
        for name, make in WATCHERS.items():
            scores = []
            for seed in seeds:
                watch = make()
                scores.append(score(script, [(time, watch(judged, time)) for time, judged in frames(script, seed)]))
            delays = [delay for each in scores for delay in each.delays]
            rows.append(
                {
                    "scene": script.name,
                    "watcher": name,
                    "runs": len(scores),
                    "seconds": script.seconds,
                    "due": len(script.tells) * len(scores),
                    **{kind: sum(getattr(each, kind) for each in scores) for kind in ("true", "missed", "false")},
                    "delay_s": round(median(delays), 2) if delays else None,
                }
            )
    return {"schema": 1, "kind": "scenarios", "frames_a_second": FPS, "rows": rows}
