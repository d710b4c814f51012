"""The latency from the capture of the frame that triggers the alert to the edge on the pin.

A camera of 15 frames a second shows somebody bare for two frames and nobody for two. The alert may start at once, and
people are forgotten between two visits, so each visit is found, judged and alerted again. Capture means that the frame
is in memory: a real camera's exposure, readout and decoding are not included.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.daemon import clip, counted_daemon, crowd
from maskwatch.daemon import loop
from maskwatch.daemon.timing import KEPT, StageTimes
from maskwatch.flow import Alert, Frame

# The differences from the default settings: `clear` is shorter than a frame, `forget` shorter than an absence.
SETTINGS: Mapping[str, dict[str, Any]] = {"opinion": {"forget": 0.1}, "alert": {"hold": 0.0, "clear": 0.01}}
PRESENT = ABSENT = 2  # frames; a slow machine skips frames, but rarely two in a row
VISITS = 5  # different visits
MOST = KEPT // (PRESENT + ABSENT)  # alerts; with more, the stages of the first frames would be forgotten
PARTS = ("wait", "find", "crop", "classify", "edge")  # their sum is the latency


def work(send: counted_daemon.Send, reel: clip.Clip, alerts: int) -> None:
    """The work of the separate process.

    Sends ("alert", seconds of the frame) and ("pin", seconds, whether it is on) as they happen. At the end it sends
    ("captured", frames), and for each frame that the loop took ("frame", its seconds, seconds that it waited, seconds
    by stage).
    """
    settings, stop, stages = counted_daemon.default_settings(**SETTINGS), threading.Event(), StageTimes()
    clock, frames_taken = clip.Elapsed(), list[tuple[float, float]]()
    pace = clip.Steady(settings.camera.fps, stop, clock)
    player = clip.Player(reel, pace)

    def on_frame(frame: Frame) -> None:
        frames_taken.append((frame.time, clock() - frame.time))
        if len(frames_taken) >= alerts * (PRESENT + ABSENT):
            stop.set()

    def on_alert(alert: Alert) -> None:
        if alert.on:
            send(("alert", alert.time))

    def show(name: str, _: int, on: bool) -> None:
        if name == counted_daemon.LAMP:
            send(("pin", clock(), on))

    models = counted_daemon.counted(settings)
    source = clip.ObservedSource(clip.camera(player, pace, settings.camera, models.prepare), on_frame)
    parts = counted_daemon.assembled(settings, models, source, [counted_daemon.Switches(on_alert)], show)
    loop.run(parts, stop, stages=stages)
    send(("captured", player.captured))
    for frame, row in zip(frames_taken, stages.rows, strict=True):
        send(("frame", *frame, row))


def visits(folder: Path) -> clip.Clip:
    """VISITS times somebody bare for PRESENT frames, then nobody for ABSENT; 18 MB."""
    hall = crowd.Hall()
    scenes = [people for _ in range(VISITS) for people in [crowd.group(1)] * PRESENT + [[]] * ABSENT]
    images = (hall.draw(people, step) for step, people in enumerate(scenes))
    return clip.write(folder / "visits.rgb", images, range(len(scenes)))


def measure(alerts: int, folder: Path) -> dict[str, Any]:
    """Every alert's latency and its parts, ms.

    Args:
        alerts: at most MOST; each takes 0.27 s.
        folder: for the clip.
    """
    messages: dict[str, list[Any]] = {"alert": [], "pin": [], "captured": [], "frame": []}
    for kind, *content in counted_daemon.in_separate_process(work, visits(folder), alerts):
        messages[kind].append(content)
    alert_times = [time for (time,) in messages["alert"]]
    edge_times = edges(alert_times, [time for time, on in messages["pin"] if on])
    frames = {time: (wait, row) for time, wait, row in messages["frame"]}
    return {
        "settings": {name: dict(keys) for name, keys in SETTINGS.items()},
        "frames": {
            "present": PRESENT,
            "absent": ABSENT,
            "captured": messages["captured"][0][0],
            "looked_at": len(frames),
        },
        "alerts": len(alert_times),
        "lost_edges": edge_times.count(None),
        "ms": columns(
            [parts_of(edge - time, *frames[time]) for time, edge in zip(alert_times, edge_times, strict=True) if edge]
        ),
    }


def edges(switches: Sequence[float], pins: Sequence[float]) -> list[float | None]:
    """For each switch of the alert, the first edge before the next such switch; None: the edge was lost.

    Args:
        switches: times of the frames, seconds, ascending.
        pins: times at which the pin changed in the same direction, seconds, ascending.
    """
    found: list[float | None] = []
    for begin, end in pairwise([*switches, float("inf")]):
        place = bisect.bisect_left(pins, begin)
        found.append(pins[place] if place < len(pins) and pins[place] < end else None)
    return found


def parts_of(total: float, wait: float, row: Mapping[str, float]) -> dict[str, float]:
    """The parts of a latency; `edge` is the rest after finding, cropping and classifying: policy, queue, pin's thread.

    Args:
        total: seconds from capture to edge.
        wait: seconds from capture until the loop took the frame.
        row: seconds by stage of that frame.
    """
    parts = {"wait": wait, **{name: row[name] for name in ("find", "crop", "classify")}}
    return {"total": total, **parts, "edge": total - sum(parts.values())}


def columns(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Seconds by name, a row for each alert -> milliseconds, a list for each name."""
    return {name: [round(1e3 * row[name], 3) for row in rows] for name in ("total", *PARTS)}


def slowest(ms: Mapping[str, Sequence[float]], share: float = 0.01) -> dict[str, float]:
    """The mean of each part, ms, over the slowest `share` of the alerts, at least one."""
    totals = ms["total"]
    worst = sorted(range(len(totals)), key=lambda place: -totals[place])[: max(1, round(share * len(totals)))]
    return {name: sum(ms[name][place] for place in worst) / len(worst) for name in PARTS}
