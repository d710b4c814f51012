"""The whole daemon on this machine: frames a second, memory and overhead by the number of faces; latency to the pin."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import host, records
from benchmarks.daemon import counted_daemon, latency, throughput
from benchmarks.records import spread
from maskwatch.camera import demo
from maskwatch.daemon.timing import STAGES
from maskwatch.records.speed import Pipeline as Record

SCHEMA = 1
CROWDS = (0, 1, 2, 5, 10)  # faces in view
SECONDS = 20.0  # for each of them
ROUNDS = 3  # over all of them, so that a bad minute of the machine does not affect one number of faces alone
ALERTS = 300


def measure(
    seconds: float = SECONDS, alerts: int = ALERTS, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """The record, ready for JSON.

    Args:
        seconds: measured for each number of faces.
        alerts: number of alerts whose latency is measured, at most latency.MOST.
        say: prints a line about the progress.

    Raises:
        MaskwatchError: the default bundles or the demo's portrait are not there.
    """
    settings, machine = counted_daemon.default_settings(), host.facts()  # facts first: measuring loads the machine
    head = records.head("pipeline", SCHEMA, machine, settings)
    found: dict[int, list[dict[str, Any]]] = {people: [] for people in CROWDS}
    with tempfile.TemporaryDirectory() as folder:
        for people in CROWDS * ROUNDS:
            say(f"pipeline: {people} faces")
            found[people].append(throughput.measure(people, seconds / ROUNDS, Path(folder)))
        say(f"pipeline: {alerts} alerts")
        late = latency.measure(alerts, Path(folder))
    return {
        **head,
        "frame_pixels": [demo.WIDTH, demo.HEIGHT],
        "fps": settings.camera.fps,
        "warm_up_frames": throughput.WARM_UP,
        "turn_frames": throughput.TURN,
        "crowds": [{"faces": people, **joined(rounds)} for people, rounds in found.items()],
        "latency": late,
    }


def joined(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results of several processes together: the largest memory, and all turns."""
    return {
        "memory_mb": {name: max(round_["memory_mb"][name] for round_ in rounds) for name in counted_daemon.MEMORY},
        "turns": {name: [value for round_ in rounds for value in round_["turns"][name]] for name in rounds[0]["turns"]},
    }


def speeds(record: Record) -> Sequence[Sequence[object]]:
    """A row for each number of faces: frame rate, CPU time, cost beyond the bare models, memory."""
    rate = {crowd.faces: spread([1e3 / ms for ms in crowd.turns["daemon_ms"]])[0] for crowd in record.crowds}
    return [
        (
            crowd.faces,
            f"{spread(crowd.turns['found'])[0]:.1f}",
            f"{rate[crowd.faces]:.1f}",
            f"{100 * rate[crowd.faces] / rate[1]:.0f} %",
            f"{spread(crowd.turns['judged'])[0]:.2f}",
            f"{spread(crowd.turns['daemon_cpu_ms'])[0]:.2f}",
            "{:.1f} ({:.1f} to {:.1f}) %".format(*(100 * share for share in spread(throughput.overhead(crowd.turns)))),
            "{resident:.0f} ({peak:.0f}) MB".format(**crowd.memory_mb),
        )
        for crowd in record.crowds
    ]


def shares(record: Record) -> Sequence[Sequence[object]]:
    """A row for each number of faces: each stage's share of the total time."""
    rows = []
    for crowd in record.crowds:
        sums = [sum(crowd.turns[f"{stage}_ms"]) for stage in STAGES]
        rows.append((crowd.faces, *(f"{100 * stage_sum / sum(sums):.1f} %" for stage_sum in sums)))
    return rows


def way(record: Record) -> Sequence[Sequence[object]]:
    """One row: latency from capture to pin, and the parts of the slowest ones."""
    found = record.latency
    p50, p90, p99 = np.percentile(found.ms["total"], (50, 90, 99))
    worst = latency.slowest(found.ms)
    made = " / ".join(f"{worst[part]:.1f}" for part in latency.PARTS)
    times = (f"{ms:.1f} ms" for ms in (p50, p90, p99))
    return [(found.alerts, found.lost_edges, *times, f"{p99 * record.fps / 1e3:.2f}", f"{made} ms")]


TABLES = (
    (
        "faces in view|found|frames a second|of one face's|judged a frame|CPU ms a frame|over bare invokes|"
        "resident (peak)",
        speeds,
    ),
    ("faces in view|" + "|".join(STAGES), shares),
    ("alerts|without an edge|p50|p90|p99|p99 in frames|slowest hundredth: " + " / ".join(latency.PARTS), way),
)
