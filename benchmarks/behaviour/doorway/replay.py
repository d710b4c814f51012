"""Saves the verdicts of watched clips, so that other settings after the classifier can be tried in seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.behaviour.doorway.count import Moment
from benchmarks.behaviour.doorway.walks import Plan
from benchmarks.behaviour.scenes import scenarios
from maskwatch.config import Settings
from maskwatch.daemon import from_settings
from maskwatch.flow import Box, Face
from maskwatch.presence.tracker import bareness
from maskwatch.system import whole_file
from maskwatch.vision.classifier import as_verdict

DEVICE = "maskwatch"
WAYS = (DEVICE, *(name for name in scenarios.WATCHERS if name != DEVICE))
Verdicts = Sequence[tuple[float, scenarios.Judged]]  # seconds, and every face found in the frame with its verdict


def save(verdicts: Verdicts, path: Path) -> None:
    """One line of JSON a frame; the file is replaced at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, "".join(json.dumps([time, list(map(_row, judged))]) + "\n" for time, judged in verdicts))


def load(path: Path) -> list[tuple[float, scenarios.Judged]]:
    """The verdicts that save() wrote."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(time, [(Face(Box(*box), score), as_verdict(bare)) for *box, score, bare in rows]) for time, rows in lines]


def _row(judged: tuple[Face, Any]) -> list[float]:
    face, verdict = judged
    return [face.box.left, face.box.top, face.box.right, face.box.bottom, face.score, bareness(verdict)]


def ways(plan: Plan, verdicts: Verdicts, settings: Settings) -> dict[str, list[Moment]]:
    """The alerts on a clip, of the device and of simpler methods, by name.

    Args:
        plan: of the clip.
        verdicts: of all its frames.
        settings: only [zone], [face] min_size, [opinion] and [alert] are used.
    """
    zone, rules, opinion = from_settings.zone(settings), from_settings.rules(settings), from_settings.opinion(settings)
    watchers = {name: scenarios.WATCHERS[name](rules, opinion) for name in WAYS}
    moments: dict[str, list[Moment]] = {name: [] for name in WAYS}
    for time, judged in verdicts:
        counted = [(face, verdict) for face, verdict in judged if zone.counts(face, plan.eye.width, plan.eye.height)]
        sights = plan.sights(time)
        for name, watch in watchers.items():
            moments[name].append(Moment(time, sights, watch(counted, time)))
    return moments
