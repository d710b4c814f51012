"""Runs the daemon on a looped clip for half an hour: measures memory, alerts that are lost, and their latency.

In each loop somebody bare is in view for long enough, and somebody masked. The settings are the defaults, the pins
are gpiozero's mock pins, and frames come as from a camera. All samples go to another process at once, so that they use
no memory of the measured process.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import host, records
from benchmarks.daemon import clip, counted_daemon, crowd, latency, trend
from maskwatch.config import AlertSettings
from maskwatch.daemon import loop as daemon
from maskwatch.daemon.timing import KEPT
from maskwatch.flow import Alert
from maskwatch.records.speed import Soak as Record

SCHEMA = 1
MINUTES = 30.0
SAMPLE = 5.0  # seconds between two samples of the process
# Frames that the slope leaves out: enough to fill the daemon's record of its stages, and to replace it once
WARM_UP = 2 * KEPT
EMPTY, BARE, MASKED = 3, 5, 4  # seconds of a loop: nobody, somebody bare, nobody again, somebody masked
LOOP = EMPTY + BARE + EMPTY + MASKED  # seconds
# Seconds before and after the moment an alert is due; an alert may end early when bare frames were skipped
EARLY, LATE = 0.2, 1.5
SAMPLED = ("time_s", "resident_kb", "threads", "open_files", "captured", "looked_at", "judged")
PROCESS = Path("/proc/self")

Window = tuple[float, float]  # seconds


def measure(minutes: float = MINUTES, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The record, ready for JSON. Takes `minutes`.

    Args:
        minutes: of the watch.
        say: prints a line about the progress once a minute.

    Raises:
        MaskwatchError: the default bundles or the demo's portrait are not there.
    """
    settings, machine = counted_daemon.default_settings(), host.facts()  # facts first: measuring loads the machine
    head = records.head("soak", SCHEMA, machine, settings)
    messages: dict[str, list[Any]] = {kind: [] for kind in ("sample", "switch", "pin", "begun")}
    with tempfile.TemporaryDirectory() as folder:
        loop = film(Path(folder), settings.camera.fps)
        for kind, *content in counted_daemon.in_separate_process(work, loop, 60 * minutes, SAMPLE):
            messages[kind].append(content)
            if kind == "sample" and len(messages[kind]) % round(60 / SAMPLE) == 0:
                say(line(content, sum(on for _, on in messages["pin"])))
    samples = dict(zip(SAMPLED, map(list, zip(*messages["sample"], strict=True)), strict=True))
    return {
        **head,
        "fps": settings.camera.fps,
        "loop_s": {"nobody": EMPTY, "bare": BARE, "nobody again": EMPTY, "masked": MASKED},
        "samples": samples,
        "memory": growth(samples["time_s"], samples["resident_kb"], warm_up(samples)),
        "begun_s": messages["begun"][0][0],
        "switches": messages["switch"],
        "pins": messages["pin"],
        "alerts": alerts(messages["begun"][0][0], samples["time_s"][-1], messages["pin"], settings.alert),
        "latency_ms": late(messages["switch"], messages["pin"], samples["time_s"][-1]),
    }


def film(folder: Path, fps: float) -> clip.Clip:
    """One loop: nobody, bare, nobody, masked; 83 MB."""
    hall, (person,) = crowd.Hall(), crowd.group(1)
    scenes: Sequence[Sequence[crowd.Person]] = ([], [replace(person, bare=True)], [replace(person, bare=False)])
    images = (hall.draw(people, step) for people in scenes for step in range(crowd.STEPS))
    order = [
        crowd.STEPS * scene + step % crowd.STEPS
        for scene, seconds in ((0, EMPTY), (1, BARE), (0, EMPTY), (2, MASKED))
        for step in range(round(seconds * fps))
    ]
    return clip.write(folder / "loop.rgb", images, order)


def work(send: counted_daemon.Send, loop: clip.Clip, seconds: float, every: float) -> None:
    """The work of the separate process, for so many seconds.

    Sends as they happen ("sample", *SAMPLED), each `every` seconds, ("switch", seconds of the frame, on), ("pin",
    seconds, on), and at the end ("begun", seconds at which the loop began).
    """
    settings, stop, clock = counted_daemon.default_settings(), threading.Event(), clip.Elapsed()
    pace = clip.Steady(settings.camera.fps, stop, clock)
    player, models = clip.Player(loop, pace), counted_daemon.counted(settings)
    looked_at = judged = 0
    due = 0.0  # seconds, time of the next sample

    def before_each() -> None:
        nonlocal looked_at, judged, due
        if (now := clock()) < due:
            return
        due += every
        counted_daemon.forget_edges()
        _, verdicts = models.taken()
        looked_at, judged = looked_at + len(verdicts), judged + sum(verdicts)
        send(("sample", round(now, 3), *process(), player.captured, looked_at, judged))
        if now >= seconds:
            stop.set()

    def switched(alert: Alert) -> None:
        send(("switch", alert.time, alert.on))

    def show(name: str, _: int, on: bool) -> None:
        if name == counted_daemon.LAMP:
            send(("pin", clock(), on))

    source = clip.camera(player, pace, settings.camera, models.prepare)
    daemon.run(
        counted_daemon.assembled(settings, models, source, [counted_daemon.Switches(switched)], show),
        stop,
        before_each=before_each,
    )
    send(("begun", pace.begun))


def process() -> tuple[int, int, int]:
    """Resident memory in KB, number of threads, and open files of this process."""
    tasks, files = (len(list((PROCESS / name).iterdir())) for name in ("task", "fd"))
    return round(1024 * counted_daemon.memory_mb("VmRSS")), tasks, files


def line(sample: Sequence[float], alerts: int) -> str:
    """One line about the progress."""
    now = dict(zip(SAMPLED, sample, strict=True))
    skipped = now["captured"] - now["looked_at"]
    return (
        f"soak: {now['time_s'] / 60:.0f} min, {now['resident_kb'] / 1024:.1f} MB, {alerts} alerts, "
        f"{now['captured']:.0f} frames, {skipped:.0f} skipped"
    )


def warm_up(samples: Mapping[str, Sequence[float]]) -> float:
    """Seconds until WARM_UP frames were looked at; half of the run if it is too short for that."""
    half = samples["time_s"][-1] / 2
    rows = zip(samples["time_s"], samples["looked_at"], strict=True)
    return min(half, next((time for time, frames in rows if frames >= WARM_UP), half))


def growth(times: Sequence[float], resident: Sequence[float], since: float) -> dict[str, float]:
    """The growth of resident memory from `since` on, KB an hour with its 95 % interval.

    Args:
        times: seconds, of the samples.
        resident: KB, at those times.
        since: seconds.
    """
    samples = [(time, value) for time, value in zip(times, resident, strict=True) if time >= since]
    found = trend.slope(*zip(*samples, strict=True))
    hourly = {"kb_an_hour": found.value, "low": found.low, "high": found.high}
    return {
        "warm_up_s": since,
        "samples": len(samples),
        **{name: round(3600 * each, 2) for name, each in hourly.items()},
    }


def alerts(begun: float, ended: float, pins: Sequence[tuple[float, bool]], rules: AlertSettings) -> dict[str, Any]:
    """Alerts that are due in the complete loops, compared with the pin. All times are seconds.

    Args:
        begun: start of the first loop.
        ended: end of the measurement.
        pins: when the pin changed, and whether it went on.
        rules: when an alert is due.
    """
    starts = [begun + LOOP * number for number in range(int((ended - begun) // LOOP))]
    kinds = {True: (EMPTY + rules.hold, EARLY), False: (EMPTY + BARE + rules.clear, LATE)}
    found: dict[str, Any] = {"loops": len(starts)}
    for kind, (after, early) in kinds.items():
        seen = [time for time, on in pins if on == kind and time < begun + LOOP * len(starts)]
        due = [(start + after - early, start + after + LATE) for start in starts]
        found["on" if kind else "off"] = tally(due, seen)
    return found


def tally(due: Sequence[Window], seen: Sequence[float]) -> dict[str, int]:
    """One event is due in each window. A window without an event is lost; further events are extra."""
    on_time = sum(any(low <= time <= high for time in seen) for low, high in due)
    return {"due": len(due), "lost": len(due) - on_time, "extra": len(seen) - on_time}


def late(
    switches: Sequence[tuple[float, bool]], pins: Sequence[tuple[float, bool]], until: float
) -> dict[str, list[float | None]]:
    """Latency from the capture of the frame that switched the alert to the pin's edge, ms; None: there was no edge.

    Args:
        switches: seconds of the frames, and whether the alert switched on.
        pins: seconds of the edges, and whether the pin switched on.
        until: seconds; after that, the daemon was stopping.
    """
    found = {}
    for name, kind in (("on", True), ("off", False)):
        switch_times = [time for time, on in switches if on == kind and time < until]
        edge_times = latency.edges(switch_times, [time for time, on in pins if on == kind])
        found[name] = [
            None if edge is None else round(1e3 * (edge - time), 3)
            for time, edge in zip(switch_times, edge_times, strict=True)
        ]
    return found


def summary(record: Record) -> Sequence[Sequence[object]]:
    """One row: memory, alerts, latency, frames."""
    samples, memory, messages = record.samples, record.memory, record.alerts
    captured, looked_at = samples["captured"][-1], samples["looked_at"][-1]
    p50, p99 = np.percentile([ms for ms in record.latency_ms["on"] if ms is not None], (50, 99))
    return [
        (
            f"{samples['time_s'][-1] / 60:.0f} min",
            f"{round(memory.kb_an_hour)} ({round(memory.low)} to {round(memory.high)}) KB",
            f"{samples['resident_kb'][-1] / 1024:.0f} MB",
            *(f"{samples[name][0]}, {samples[name][-1]}" for name in ("threads", "open_files")),
            f"{messages.on.due}, {messages.off.due}",
            f"{messages.on.lost}, {messages.off.lost}",
            f"{messages.on.extra}, {messages.off.extra}",
            f"{p50:.1f}, {p99:.1f} ms",
            f"{captured}, {captured - looked_at}, {samples['judged'][-1]}",
        )
    ]


TABLE = (
    "time|memory grows an hour by|resident|threads, first and last|open files|alerts due, on and off|lost|extra|"
    "to the pin, p50, p99|frames, skipped, faces judged",
    summary,
)
