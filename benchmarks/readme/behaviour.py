"""Tables of what the alert does: in scripted scenes, at a filmed door, and when something fails."""

from __future__ import annotations

from typing import Any

from benchmarks.readme.tables import interval, markdown, of_boards, read_json
from benchmarks.scenes.scenarios import ALL, by_scene, told


def scenarios() -> str:
    """What alerts told in the scripted scenes, by way of watching: all scenes together, then each."""
    record = read_json("benchmarks/results/scenarios.json")
    scenes = by_scene(record)
    sums = [
        (
            row["watcher"],
            f"{row['missed']} of {row['true'] + row['missed']}",
            f"{row['false']} in {row['runs_with_false']} of {row['runs']} runs",
            row["again"],
            f"{row['vain_s']:.0f} s",
            _delay(row),
        )
        for row in scenes.pop(ALL)
    ]
    each = [
        (scene, rows[-1]["true"] + rows[-1]["missed"], *map(told, rows), _delay(rows[-1]))
        for scene, rows in scenes.items()
    ]
    watchers = [row[0] for row in sums]
    return "\n\n".join(
        (
            markdown(("all scenes of 10 frames a second", "missed", "false", "again", "on in vain", "delay"), sums),
            markdown(("scene", "due", *watchers, f"delay, {watchers[-1]}"), each),
        )
    )


def power() -> str:
    """What gate and cap lose in the scripted scenes, and the CPU seconds they save, by board."""
    ways = [row for row in read_json("benchmarks/results/scenarios.json")["ways"] if row["scene"] == ALL]
    lost = [
        (
            row["way"],
            f"{row['missed']} of {row['true'] + row['missed']}",
            f"{row['false']} in {row['runs_with_false']} of {row['runs']} runs",
            _delay(row),
            f"{100 * row['looked_share']:.0f} %",
        )
        for row in ways
    ]
    tables = [markdown(("all scenes", "missed", "false", "delay", "frames looked at"), lost)]
    for record in of_boards("power"):
        rows = [
            (
                row["clip"],
                row["way"],
                f"{row['looked']} of {row['frames']}",
                interval([seconds * 60 / row["seconds"] for seconds in row["cpu_s"]]),
            )
            for row in record["rows"]
        ]
        tables.append(markdown((record["host"]["board"], "", "frames looked at", "CPU seconds a minute"), rows))
    return "\n\n".join(tables)


def _delay(row: dict[str, Any]) -> str:
    """Median (10th–90th percentile), longest."""
    if row["delays_s"] is None:
        return "–"
    middle, low, high, longest = row["delays_s"]
    return f"{middle:.1f} ({low:.1f}–{high:.1f}) s, at most {longest:.1f}"


def doorway() -> str:
    """Alerts on clips of people at a door, as the device watches and in two plainer ways."""
    rows = []
    for record in of_boards("doorway"):
        for row in record["rows"]:
            delay = "{:.1f} ({:.1f}–{:.1f}) s".format(*row["delay_s"]) if row["delay_s"] else "–"
            rates = [
                f"{row[time]['value']:.1f} ({row[time]['interval95'][0]:.1f}–{row[time]['interval95'][1]:.1f})"
                for time in ("a_masked_hour", "an_hour")
            ]
            rows.append((row["watcher"], row["false"], *rates, f"{row['missed']}/{row['due']}", delay))
    head = "watching by|false alarms|an hour of masked people|an hour of clip|bare people missed|until the alert"
    return markdown(head.split("|"), rows)


def faults() -> str:
    """What the alarm and the pins did in each fault, as the test observed it."""
    rows = [
        (
            row["fault"],
            ", ".join(row["alarm"]) or ("goes on" if row["pins"]["buzzer"] == "on" else "–"),
            _pins(row["pins"]),
            "–" if row["seconds"] is None else f"{row['seconds']:.1f}",
            "runs on" if row["exit_code"] is None else str(row["exit_code"]).replace("-", "−"),
            f"`{row['log'].replace('`', chr(39))}`" if row["log"] else "–",
        )
        for row in read_json("benchmarks/results/faults.json")["rows"]
    ]
    head = "fault|the alarm|pins after|seconds until silent|exit code|log line"
    return markdown(head.split("|"), rows)


def _pins(states: dict[str, str]) -> str:
    """Those that are not off."""
    words = {"on": "on", "blinks": "blinking"}
    kinds = ((word, [name for name, found in states.items() if found == state]) for state, word in words.items())
    return "; ".join(f"{', '.join(names)} {word}" for word, names in kinds if names) or "all off"
