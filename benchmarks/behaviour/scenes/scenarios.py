"""Counts alerts in the scripted scenes, with and without tracking and voting.

All methods get the same faces, verdicts, zone and settings (the device's defaults); they differ in what they remember.
Only the time after which a motionless face counts as a picture is shorter than the default: otherwise that scene would
last a quarter of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.behaviour.scenes.scripts import FPS, HEIGHT, SCRIPTS, WIDTH, Judged, Script, frames
from maskwatch.config import OpinionSettings, Settings
from maskwatch.daemon import from_settings
from maskwatch.flow import Box, Face, Track
from maskwatch.presence.policy import Policy, Rules
from maskwatch.presence.tracker import Opinion, Tracker, bareness
from maskwatch.records.behaviour import Scenarios, SceneScores

if TYPE_CHECKING:
    from rich.table import Table  # needs extra `train`, which the rest of this module does not

SETTINGS = Settings(opinion=OpinionSettings(motionless=60.0))
RULES, OPINION, ZONE = from_settings.rules(SETTINGS), from_settings.opinion(SETTINGS), from_settings.zone(SETTINGS)
# An alert answers somebody bare within `hold` and LATE seconds, or LATE_FRAMES frames if those take longer
LATE = 3.0
LATE_FRAMES = 5
SEEDS = range(20)
ALL = "all"  # the name of the row for all scenes with FPS frames a second
SOMEWHERE = Box(0, 0, 100, 100)  # the box of the only person, for methods without tracking

Watcher = Callable[[Judged, float], bool]  # called with each frame and its time in order -> whether the alert is on


def single_frames(rules: Rules, opinion: Opinion) -> Watcher:  # noqa: ARG001
    """The alert is on while a face in the frame is judged bare. There is no memory."""
    return lambda judged, _: any(bareness(verdict) >= rules.high for _, verdict in judged)


def hold(rules: Rules, opinion: Opinion) -> Watcher:  # noqa: ARG001
    """The alert is on after a bare face in every frame for `hold`, of any person: the usual counter of frames."""
    policy = Policy(rules)

    def watch(judged: Judged, time: float) -> bool:
        barest = max(judged, key=lambda judgement: bareness(judgement[1]), default=None)
        people = [Track(0, *barest, bareness(barest[1]), since=-math.inf, seen=time)] if barest else []
        policy.update(people, time)
        return policy.on

    return watch


def voting(rules: Rules, opinion: Opinion) -> Watcher:
    """The device's mean over time, of the barest face in each frame, of any person."""
    watch = tracking_and_voting(rules, replace(opinion, recheck=0.0, motionless=0.0))

    def watch_the_barest(judged: Judged, time: float) -> bool:
        barest = sorted(judged, key=lambda judgement: -bareness(judgement[1]))[:1]
        return watch([(Face(SOMEWHERE, face.score), verdict) for face, verdict in barest], time)

    return watch_the_barest


def tracking(rules: Rules, opinion: Opinion) -> Watcher:
    """The device's tracking, with each person's latest verdict instead of a mean."""
    return tracking_and_voting(rules, replace(opinion, time_constant=1e-9, recheck=0.0, crowd=1000))


def tracking_and_voting(rules: Rules, opinion: Opinion) -> Watcher:
    """The device's tracking and voting."""
    tracker, policy = Tracker(opinion), Policy(rules)

    def watch(judged: Judged, time: float) -> bool:
        verdicts = {id(face): verdict for face, verdict in judged}
        for person in tracker.see([face for face, _ in judged], time):
            tracker.judge(person, verdicts[id(person.face)], time)
        policy.update(tracker.people(time), time)
        return policy.on

    return watch


WATCHERS: Mapping[str, Callable[[Rules, Opinion], Watcher]] = {
    "single frames": single_frames,
    "hold": hold,
    "hold, voting": voting,
    "hold, tracking": tracking,
    "maskwatch": tracking_and_voting,
}


@dataclass(frozen=True, slots=True)
class Score:
    """The alerts of one run."""

    true: int  # periods with somebody bare that an alert answered in time
    missed: int  # periods without such an alert
    false: int  # alerts that started while nobody was bare
    again: int  # alerts that started while somebody was bare, but late, or after another alert for the same period
    vain_s: float  # seconds that the alert was on while nobody was bare, including the time until it ended
    delays: tuple[float, ...]  # seconds from the first bare moment to the alert, for the true alerts


def score(script: Script, on: Sequence[tuple[float, bool]]) -> Score:
    """Compare alerts with the truth.

    Args:
        script: what happened.
        on: for each frame in order, its time in seconds and whether the alert was on.
    """
    starts = [time for (_, before), (time, now) in pairwise([(0.0, False), *on]) if now and not before]
    late = max(LATE, LATE_FRAMES / script.fps)
    answers = [_answer(starts, start, end, late) for start, end in script.due]
    delays = [time - start for time, (start, _) in zip(answers, script.due, strict=True) if time is not None]
    false = sum(not _is_due(script, time) for time in starts)
    seconds_with_nobody_bare = sum(now and not _is_due(script, time) for time, now in on) / script.fps
    true = len(delays)
    return Score(true, len(answers) - true, false, len(starts) - true - false, seconds_with_nobody_bare, tuple(delays))


def _answer(starts: Sequence[float], start: float, end: float, late: float) -> float | None:
    """The first alert that answers a period in time."""
    last = min(end, start + RULES.hold + late)
    return next((time for time in starts if start <= time <= last), None)


def _is_due(script: Script, time: float) -> bool:
    return any(start <= time <= end for start, end in script.due)


def seen(script: Script, seed: int) -> list[tuple[float, Judged]]:
    """The frames of scripts.frames, without faces that do not count."""
    return [
        (time, [face_and_verdict for face_and_verdict in judged if ZONE.counts(face_and_verdict[0], WIDTH, HEIGHT)])
        for time, judged in frames(script, seed)
    ]


def watched(frames_: Iterable[tuple[float, Judged]], watch: Watcher) -> list[tuple[float, bool]]:
    """For each frame, its time in seconds and whether the alert is on."""
    return [(time, watch(judged, time)) for time, judged in frames_]


def measure(
    scripts: Iterable[Script] = SCRIPTS, seeds: Sequence[int] = SEEDS, rules: Rules = RULES, opinion: Opinion = OPINION
) -> dict[str, Any]:
    """The record, ready for JSON: sums over the seeds, by scene and method, and for all scenes."""
    rows, of_all_scenes = [], {name: list[Score]() for name in WATCHERS}
    for script in scripts:
        runs = [seen(script, seed) for seed in seeds]
        for name, make in WATCHERS.items():
            scores = [score(script, watched(run, make(rules, opinion))) for run in runs]
            of_all_scenes[name] += scores if script.fps == FPS else []
            rows.append({"scene": script.name, "watcher": name, **summed(scores)})
    rows += [{"scene": ALL, "watcher": name, **summed(scores)} for name, scores in of_all_scenes.items()]
    settings = {
        "rules": asdict(rules),
        "opinion": asdict(opinion),
        "late_s": LATE,
        "late_frames": LATE_FRAMES,
        "frames_a_second": FPS,
    }
    return {"schema": 1, "kind": "scenarios", "settings": settings, "rows": rows}


def summed(scores: Sequence[Score]) -> dict[str, Any]:
    """Sums over many runs; delays as median, 10th and 90th percentile and longest, seconds."""
    delays = [delay for run in scores for delay in run.delays]
    return {
        "runs": len(scores),
        **{kind: sum(getattr(run, kind) for run in scores) for kind in ("true", "missed", "false", "again")},
        "runs_with_false": sum(run.false > 0 for run in scores),
        "vain_s": round(sum(run.vain_s for run in scores), 1),
        "delays_s": [round(float(d), 2) for d in np.percentile(delays, (50, 10, 90, 100))] if delays else None,
    }


def table(record: dict[str, Any]) -> Table:
    """A table by scene: missed, false and repeated alerts of each method, and the device's delay."""
    from rich.table import Table

    drawn = Table("scene", "due", *WATCHERS, "delay", title="alerts: missed / false / again")
    for scene, rows in by_scene(Scenarios.model_validate(record)).items():
        ours = rows[-1]
        delay = f"{ours.delays_s[0]} s" if ours.delays_s else "–"
        drawn.add_row(scene, str(ours.true + ours.missed), *map(counts, rows), delay)
    return drawn


def by_scene(record: Scenarios) -> dict[str, list[SceneScores]]:
    """Scene -> its rows, in the order of WATCHERS."""
    scenes = dict.fromkeys(row.scene for row in record.rows)
    return {scene: [row for row in record.rows if row.scene == scene] for scene in scenes}


def counts(row: SceneScores) -> str:
    """missed / false / again"""
    return f"{row.missed} / {row.false} / {row.again}"
