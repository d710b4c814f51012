"""The verdicts of clips that were watched, kept: another opinion, other rules are judged on them in seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.doorway.count import Moment
from benchmarks.doorway.walks import Plan
from benchmarks.scenes import scenarios
from maskwatch.classifier import as_verdict
from maskwatch.config import Settings
from maskwatch.flow import Box, Face
from maskwatch.policy import Policy, Rules
from maskwatch.tracker import Opinion, Tracker, bareness
from maskwatch.zone import Zone

Verdicts = Sequence[tuple[float, scenarios.Judged]]  # seconds, and every face found in the frame with its verdict


def save(verdicts: Verdicts, path: Path) -> None:
    """One line of JSON a frame, the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_text("".join(json.dumps([time, list(map(_row, judged))]) + "\n" for time, judged in verdicts))
    temporary.replace(path)


def load(path: Path) -> list[tuple[float, scenarios.Judged]]:
    """What save() wrote."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(time, [(Face(Box(*box), score), as_verdict(bare)) for *box, score, bare in rows]) for time, rows in lines]


def _row(judged: tuple[Face, Any]) -> list[float]:
    face, verdict = judged
    return [face.box.left, face.box.top, face.box.right, face.box.bottom, face.score, bareness(verdict)]


def replay(plan: Plan, verdicts: Verdicts, settings: Settings) -> list[Moment]:
    """What the device would have made of a clip with other settings in [zone], [face] min_size, [opinion], [alert]."""
    zone = Zone(settings.face.min_size, settings.zone.polygon)
    tracker = Tracker(Opinion(**settings.opinion.model_dump()))
    policy = Policy(Rules(**settings.alert.model_dump(exclude={"quiet", "timezone"})))
    moments = []
    for time, judged in verdicts:
        counted = [(f, verdict) for f, verdict in judged if zone.counts(f, plan.eye.width, plan.eye.height)]
        of = {id(face): verdict for face, verdict in counted}
        for person in tracker.see([face for face, _ in counted], time):
            tracker.judge(person, of[id(person.face)], time)
        policy.update(tracker.people(time), time)
        moments.append(Moment(time, plan.sights(time), policy.on))
    return moments
