"""Compares alerts, faces and verdicts with who was in view.

An alert is false when it starts while no part of a bare face is in view. Somebody bare is due an alert when the whole
face is in view for DUE seconds without a break; the alert may already be on because of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.behaviour.doorway.walks import Plan, Sight
from benchmarks.behaviour.scenes import scenarios
from maskwatch.config import Settings
from maskwatch.flow import Label

WHOLE = 0.75  # share of a face that must be in view to count as whole, as zone.VISIBLE
DUE = 2.0  # seconds: `hold`, and as long again for finding and judging the face
CLEAR = Settings().alert.clear  # seconds
PATIENCE = 1.0  # seconds; an alert without anybody bare is overdue after `clear` and this time
SAME = 0.5  # IoU from which a box is on a face, as in Pascal VOC


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame, and whether the alert was on after it."""

    time: float  # seconds
    sights: Sequence[Sight]
    on: bool


@dataclass(frozen=True, slots=True)
class Mistake:
    """A false or missed alert, for people to look at."""

    time: float  # seconds of the clip
    visits: tuple[int, ...]  # indices into the plan's visits: who was in view, or who was missed


@dataclass(frozen=True, slots=True)
class Count:
    """The alerts of one method, on one clip."""

    false: tuple[Mistake, ...]  # alerts that started with nobody bare in view
    missed: tuple[Mistake, ...]  # bare people who were due an alert and got none
    due: int  # bare people who were due an alert
    delays: tuple[float, ...]  # seconds from the first whole bare face to the alert, for those who started it
    overdue: float  # seconds that the alert stayed on after everybody bare had left


def count(plan: Plan, moments: Sequence[Moment]) -> Count:
    """Count the alerts of one clip."""
    bare = {number for number, visit in enumerate(plan.visits) if visit.portrait.bare}
    starts = [now for before, now in pairwise([Moment(0.0, (), False), *moments]) if now.on and not before.on]
    false = [moment for moment in starts if not any(sight.visit in bare for sight in moment.sights)]
    missed, delays, due = [], [], 0
    for visit in sorted(bare):
        stay = [moment for moment in moments if any(sight.visit == visit for sight in moment.sights)]
        first = whole_since(visit, stay)
        if first is None:
            continue
        due += 1
        if not any(moment.on for moment in stay):
            missed.append(Mistake(first, (visit,)))
        delays += [moment.time - first for moment in starts if moment in stay and moment.time >= first][:1]
    false_alerts = tuple(Mistake(each.time, tuple(sight.visit for sight in each.sights)) for each in false)
    return Count(false_alerts, tuple(missed), due, tuple(delays), overdue(bare, moments))


def whole_since(visit: int, stay: Iterable[Moment]) -> float | None:
    """When somebody's whole face is first in view; None if it never is for DUE seconds without a break."""
    first = since = None
    for moment in stay:
        if not any(sight.visit == visit and sight.share >= WHOLE for sight in moment.sights):
            since = None
            continue
        since = moment.time if since is None else since
        first = since if first is None else first
        if moment.time - since >= DUE:
            return first
    return None


def overdue(bare: set[int], moments: Sequence[Moment]) -> float:
    """Seconds that an alert was on for longer than `clear` and PATIENCE after the last bare face."""
    seen, spent = 0.0, 0.0
    for before, now in pairwise(moments):
        if any(sight.visit in bare for sight in before.sights) or not before.on:
            seen = before.time
        if now.on and now.time - seen > CLEAR + PATIENCE:
            spent += now.time - before.time
    return spent


@dataclass(frozen=True, slots=True)
class Presence:
    """Who was present in one clip, independent of any alert."""

    seconds: float
    masked_only: float  # seconds with a whole masked face in view, and no part of a bare one
    nobody: float  # seconds with no face in view
    masked: int  # people
    bare: int  # people


def presence(plan: Plan, fps: float) -> Presence:
    """The truth of the plan, sampled at `fps` frames a second."""
    bare = {number for number, visit in enumerate(plan.visits) if visit.portrait.bare}
    masked_only = nobody = 0
    for step in range(round(plan.seconds * fps)):
        sights = plan.sights(step / fps)
        nobody += not sights
        masked_only += any(sight.share >= WHOLE for sight in sights) and not any(s.visit in bare for s in sights)
    return Presence(plan.seconds, masked_only / fps, nobody / fps, len(plan.visits) - len(bare), len(bare))


@dataclass(frozen=True, slots=True)
class Seen:
    """What finder and classifier make of one clip, frame by frame, without tracking and opinion."""

    whole: int  # faces that are whole in view, summed over the frames
    found: int  # of those, the ones that the finder found
    wrong: int  # of those found, the ones whose verdict is wrong
    stray: int  # boxes that touch no face, summed over the frames


def seen(plan: Plan, verdicts: Iterable[tuple[float, scenarios.Judged]]) -> Seen:
    """Compare each frame's boxes and verdicts with the plan."""
    whole = found = wrong = stray = 0
    for time, judged in verdicts:
        sights = plan.sights(time)
        stray += sum(not any(face.box.iou(sight.box) > 0 for sight in sights) for face, _ in judged)
        for sight in sights:
            if sight.share < WHOLE:
                continue
            whole += 1
            face, verdict = max(judged, key=lambda pair: pair[0].box.iou(sight.box), default=(None, None))
            if face and verdict and face.box.iou(sight.box) >= SAME:
                found += 1
                wrong += (verdict.label is Label.WITHOUT_MASK) != plan.visits[sight.visit].portrait.bare
    return Seen(whole, found, wrong, stray)
