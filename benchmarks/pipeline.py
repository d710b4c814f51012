"""The whole daemon on this machine: frames a second, memory and overhead by the number of faces; latency to the pin."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import host, latency, throughput, unit
from maskwatch.camera import demo

SCHEMA = 1
CROWDS = (0, 1, 2, 5, 10)  # faces in view
SECONDS = 20.0  # for each of them
ALERTS = 300


def measure(
    seconds: float = SECONDS, alerts: int = ALERTS, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """The record, ready for JSON.

    Args:
        seconds: measured for each number of faces.
        alerts: whose latency is measured, latency.MOST at most.
        say: told what is done now.

    Raises:
        MaskwatchError: the default bundles or the demo's portrait are not there.
    """
    machine = host.facts()  # before the work here is itself the load
    settings, crowds = unit.default_settings(), []
    with tempfile.TemporaryDirectory() as folder:
        for people in CROWDS:
            say(f"pipeline: {people} faces")
            crowds.append(throughput.measure(people, seconds, Path(folder)))
        say(f"pipeline: {alerts} alerts")
        late = latency.measure(alerts, Path(folder))
    return {
        "schema": SCHEMA,
        "kind": "pipeline",
        "host": machine,
        "models": unit.hashes(),
        "threads": {"face": settings.face.threads, "mask": settings.mask.threads},
        "frame_pixels": [demo.WIDTH, demo.HEIGHT],
        "fps": settings.camera.fps,
        "warm_up_frames": throughput.WARM_UP,
        "turn_frames": throughput.TURN,
        "crowds": crowds,
        "latency": late,
    }
