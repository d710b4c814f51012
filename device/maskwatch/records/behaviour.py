"""What alerts do in scripted scenes, at a filmed door and in faults: records of benchmarks and of the tests."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from maskwatch.records.board import Host, Measured, OfDaemon
from maskwatch.records.record import Interval, Number, Record


class Rate(Record):
    """Events an hour with their 95 % interval."""

    value: Number
    interval95: Interval


class Watcher(Record):
    """One way of watching, over all clips."""

    watcher: str
    false: int
    """Alerts that began while no bare face was in view."""
    a_masked_hour: Rate
    """False alerts an hour in which masked people alone were in view."""
    an_hour: Rate
    due: int
    missed: int
    delay_s: tuple[Number, Number, Number] | None
    """Median, 10th and 90th percentile; None: no alert."""
    overdue_s: Number


class Mistake(Record):
    """A false or missed alert."""

    clip: int
    what: str
    time: Number
    """Seconds of the clip."""
    photographs: tuple[str, ...]


class Doorway(Measured):
    """doorway.json: alerts on clips of people at a door."""

    material: dict[str, Any]
    models: dict[str, str]
    clips: int
    presence: dict[str, Number]
    faces: dict[str, int]
    """Whole faces in view, found, judged wrong, and boxes on nobody: sums over the frames."""
    photographs: dict[str, int]
    rows: tuple[Watcher, ...]
    mistakes: tuple[Mistake, ...]


class SceneScores(Record):
    """The alerts in many runs of one scene, counted."""

    scene: str
    watcher: str = ""
    """scenarios.json's rows."""
    way: str = ""
    """scenarios.json's ways: how frames are saved."""
    runs: int
    true: int
    missed: int
    false: int
    again: int
    runs_with_false: int
    vain_s: Number
    """Seconds that the alert was on while nobody was bare."""
    delays_s: tuple[Number, Number, Number, Number] | None
    """Median, 10th and 90th percentile, longest; None: no alert."""
    looked_share: Number | None = None
    """Share of the frames in which faces were looked for, 0–1."""


class Scenarios(Record):
    """scenarios.json: alerts in scripted scenes; the same on every machine."""

    schema_version: int = Field(alias="schema")
    kind: str
    settings: dict[str, Any]
    rows: tuple[SceneScores, ...]
    ways: tuple[SceneScores, ...] = ()


class Saved(Record):
    """One clip in one way of saving frames."""

    clip: str
    way: str
    cpu_s: tuple[Number, ...]
    """CPU seconds by round."""
    seconds: Number
    frames: int
    looked: int


class Power(OfDaemon):
    """power.json: CPU seconds with and without motion gate and frame-rate cap."""

    frame_pixels: tuple[int, int]
    frames_a_second: Number
    rows: tuple[Saved, ...]


class Fault(Record):
    """What the alarm and the pins did in one fault."""

    case: str
    fault: str
    alarm: tuple[str, ...]
    pins: dict[str, str]
    """Pin -> on, off or blinks."""
    seconds: Number | None
    """Until the alarm was silent; None: it went on, or there was none."""
    exit_code: int | None
    """None: the daemon runs on."""
    log: str | None


class Faults(Record):
    """faults.json, written by the tests of faults."""

    kind: str
    host: Host
    rows: tuple[Fault, ...]
