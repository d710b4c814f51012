"""Tables of what the alert does in scripted scenes, at a filmed door, and when something fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmarks.behaviour.scenes.scenarios import ALL, by_scene, counts
from benchmarks.report.readme import tables
from benchmarks.report.readme.tables import interval, markdown
from maskwatch.records.behaviour import Doorway, Faults, Power, Scenarios, SceneScores


def scenarios() -> str:
    """Alerts in the scripted scenes for each way of watching: all scenes together, then scene by scene."""
    record = tables.read(Scenarios, f"{tables.RESULTS}/scenarios.json")
    scenes = by_scene(record)
    sums = [
        (
            row.watcher,
            f"{row.missed} of {row.true + row.missed}",
            f"{row.false} in {row.runs_with_false} of {row.runs} runs",
            row.again,
            f"{row.vain_s:.0f} s",
            _delay(row),
        )
        for row in scenes.pop(ALL)
    ]
    each = [
        (scene, rows[-1].true + rows[-1].missed, *map(counts, rows), _delay(rows[-1])) for scene, rows in scenes.items()
    ]
    watchers = [row[0] for row in sums]
    head = ("all scenes of 10 frames a second", "missed", "false", "again", "on with nobody bare", "delay")
    return "\n\n".join(
        (
            markdown(head, sums),
            markdown(("scene", "due", *watchers, f"delay, {watchers[-1]}"), each),
        )
    )


def power() -> str:
    """Alerts that motion gate and frame-rate cap lose in the scripted scenes; CPU seconds they save, by board."""
    ways = [row for row in tables.read(Scenarios, f"{tables.RESULTS}/scenarios.json").ways if row.scene == ALL]
    lost = [
        (
            row.way,
            f"{row.missed} of {row.true + row.missed}",
            f"{row.false} in {row.runs_with_false} of {row.runs} runs",
            _delay(row),
            f"{100 * (row.looked_share or 0.0):.0f} %",
        )
        for row in ways
    ]
    return "\n\n".join(
        [
            markdown(("all scenes", "missed", "false", "delay", "frames looked at"), lost),
            saved(tables.of_boards(Power, "power")),
        ]
    )


def saved(found: Iterable[Power]) -> str:
    """CPU seconds by clip and way of saving, a table for each board."""
    return "\n\n".join(
        markdown(
            (record.host.board, "", "frames looked at", "CPU seconds a minute"),
            [
                (
                    row.clip,
                    row.way,
                    f"{row.looked} of {row.frames}",
                    interval([seconds * 60 / row.seconds for seconds in row.cpu_s]),
                )
                for row in record.rows
            ],
        )
        for record in found
    )


def _delay(row: SceneScores) -> str:
    """Median (10th–90th percentile), longest."""
    if row.delays_s is None:
        return "–"
    middle, low, high, longest = row.delays_s
    return f"{middle:.1f} ({low:.1f}–{high:.1f}) s, at most {longest:.1f}"


def doorway() -> str:
    """Alerts at a filmed door, by the device and by simpler methods; and what finder and classifier gave there."""
    rows, faces = [], []
    for record in tables.of_boards(Doorway, "doorway"):
        for row in record.rows:
            delay = "{:.1f} ({:.1f}–{:.1f}) s".format(*row.delay_s) if row.delay_s else "–"
            rates = [
                f"{rate.value:.1f} ({rate.interval95[0]:.1f}–{rate.interval95[1]:.1f})"
                for rate in (row.a_masked_hour, row.an_hour)
            ]
            rows.append((row.watcher, row.false, *rates, f"{row.missed}/{row.due}", delay))
        frames = record.clips * record.material["clip_s"] * record.material["frames_a_second"]
        whole, found, wrong, stray = (record.faces[key] for key in ("whole", "found", "wrong", "stray"))
        faces.append((whole, *(f"{100 * share:.1f} %" for share in (found / whole, wrong / found, stray / frames))))
    head = "watching by|false alarms|an hour of masked people|an hour of clip|bare people missed|until the alert"
    heading = "whole faces in all frames|found|verdict wrong, of those found|boxes on nobody, a frame"
    return "\n\n".join((markdown(head.split("|"), rows), markdown(heading.split("|"), faces)))


def faults() -> str:
    """What the alarm and the pins did in each fault, as the tests observed it."""
    rows = [
        (
            row.fault,
            ", ".join(row.alarm) or ("goes on" if row.pins["buzzer"] == "on" else "–"),
            _pins(row.pins),
            "–" if row.seconds is None else f"{row.seconds:.1f}",
            "runs on" if row.exit_code is None else str(row.exit_code).replace("-", "−"),
            f"`{row.log.replace('`', chr(39))}`" if row.log else "–",
        )
        for row in tables.read(Faults, f"{tables.RESULTS}/faults.json").rows
    ]
    head = "fault|the alarm|pins after|seconds until silent|exit code|log line"
    return markdown(head.split("|"), rows)


def _pins(states: Mapping[str, str]) -> str:
    """The pins that are not off."""
    words = {"on": "on", "blinks": "blinking"}
    kinds = ((word, [name for name, found in states.items() if found == state]) for state, word in words.items())
    return "; ".join(f"{', '.join(names)} {word}" for word, names in kinds if names) or "all off"
