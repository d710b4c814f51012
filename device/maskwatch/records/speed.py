"""How long networks and the daemon take on a board: records of benchmarks."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from maskwatch.records.board import Measured, Moment, OfDaemon
from maskwatch.records.record import Interval, Number, Record


class Start(Record):
    """One start of the daemon's parts in a new process."""

    import_s: Number
    models_s: Number
    first_verdict_s: Number
    peak_rss_mb: Number


class Device(OfDaemon):
    """device.json: the first verdict, and the stages of a frame."""

    frame_pixels: tuple[int, int]
    """Width, height."""
    starts: tuple[Start, ...]
    frames_ms: dict[str, tuple[Number, ...]]
    """Stage -> milliseconds by frame."""


class Quality(Record):
    """A share or an average precision, 0–1, with its interval and count."""

    value: Number
    interval95: Interval
    n: int


class TimedModel(Record):
    """One model of models.json or search.json."""

    name: str
    kind: str
    """network: the network alone; finder: letterbox, network, decoding and suppression."""
    input_size: int
    """Pixels."""
    bytes: int
    sha256: str
    ms: tuple[Number, ...]
    """Milliseconds of every call."""
    quality: dict[str, dict[str, Quality]] = Field(default_factory=dict)
    """search.json alone: part of the data -> measure -> figure."""


class Models(Measured):
    """models.json, and search.json with the models' quality: models timed in turns on one thread."""

    threads: int
    warm_ups: int
    against: dict[str, str]
    """Model -> the model that its time is compared with."""
    models: tuple[TimedModel, ...]


class Crowd(Record):
    """The daemon with a number of people in view."""

    faces: int
    memory_mb: dict[str, Number]
    turns: dict[str, tuple[Number, ...]]
    """Column -> its value by turn, per frame."""


class Latency(Record):
    """From the capture of a frame to the edge on the pin."""

    settings: dict[str, dict[str, Any]]
    """Section -> settings that differ from the default ones."""
    frames: dict[str, int]
    alerts: int
    lost_edges: int
    ms: dict[str, tuple[Number, ...]]
    """Part of the latency -> milliseconds by alert."""


class Pipeline(OfDaemon):
    """pipeline.json: the whole daemon by the number of faces in view."""

    frame_pixels: tuple[int, int]
    fps: Number
    warm_up_frames: int
    turn_frames: int
    crowds: tuple[Crowd, ...]
    latency: Latency


class Growth(Record):
    """How fast memory grows, with a 95 % interval."""

    warm_up_s: Number
    samples: int
    kb_an_hour: Number
    low: Number
    high: Number


class Tally(Record):
    """Alerts that were due, that did not come, and that came without being due."""

    due: int
    lost: int
    extra: int


class Alerts(Record):
    """What the loops asked for, against what the pin did."""

    loops: int
    on: Tally
    off: Tally


class Soak(OfDaemon):
    """soak.json: the daemon on a looped clip for half an hour."""

    fps: Number
    loop_s: dict[str, Number]
    samples: dict[str, tuple[Number, ...]]
    memory: Growth
    begun_s: Number
    switches: tuple[tuple[Number, bool], ...]
    """Seconds of the frame, whether the alert went on."""
    pins: tuple[tuple[Number, bool], ...]
    alerts: Alerts
    latency_ms: dict[str, tuple[Number | None, ...]]


class Plan(Record):
    """How much of each combination was measured."""

    name: str
    rounds: int
    calls: int
    warm_ups: int
    profile_calls: int
    patience: Number = 0.0
    """Seconds; older records have none."""


class Profile(Record):
    """The time of each operator, or why there is none."""

    operators: tuple[tuple[str, int, Number], ...] = ()
    """Kind, place in the plan, microseconds."""
    not_measured: str = ""


class Combination(Record):
    """One model in one variant on one runtime and number of threads; a list has one entry a round."""

    model: str
    variant: str
    runtime: str
    threads: int
    bytes: int
    sha256: str
    version: str = ""
    python: str = ""
    numpy: str = ""
    delegate: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    import_us: tuple[int, ...] = ()
    load_us: tuple[int, ...] = ()
    first_us: tuple[int, ...] = ()
    warm_up_us: tuple[tuple[int, ...], ...] = ()
    us: tuple[tuple[int, ...], ...] = ()
    imported_kb: tuple[int, ...] = ()
    peak_kb: tuple[int, ...] = ()
    profile: Profile = Profile()
    not_measured: str = ""
    """Why there are no values."""


class Run(Measured):
    """run.json of benchmarks: models × variants × runtimes × threads."""

    plan: Plan
    before: Moment
    after: Moment
    rows: tuple[Combination, ...]
    notes: tuple[str, ...] = ()


class CountedModel(Record):
    """One model's instructions."""

    name: str
    bytes: int
    sha256: str
    instructions: dict[str, tuple[int, ...]]
    """Board -> number of instructions, in the order of Instructions.kinds."""


class Instructions(Record):
    """instructions.json: what models execute on emulated processors; the same on every machine."""

    schema_version: int = Field(alias="schema")
    kind: str
    emulator: str
    packages: tuple[str, ...]
    threads: int
    boards: tuple[str, ...]
    models: tuple[CountedModel, ...]
    kinds: tuple[str, ...]
