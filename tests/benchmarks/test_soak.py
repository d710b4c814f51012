"""Half an hour of a clip in a loop: what counts as a lost and an extra alert, and when memory must stop growing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device, DigitalOutputDevice
from gpiozero.pins.mock import MockFactory
from needed import BUNDLES, DEMO

from benchmarks import records
from benchmarks.daemon import counted_daemon, soak
from benchmarks.report.readme import speed, tables
from maskwatch.config import AlertSettings


@pytest.mark.parametrize(
    ("seen", "lost", "extra"),
    [
        ([1.5, 11.5, 21.5], 0, 0),
        ([1.5, 21.5], 1, 0),
        ([1.5, 5.0, 11.5, 21.5], 0, 1),
        ([1.5, 1.7, 11.5, 21.5], 0, 1),  # twice for the same reason
        ([5.0], 3, 1),
        ([], 3, 0),
        ([1.0, 12.0, 22.1], 1, 1),  # too late is lost, and what came late was not asked for
    ],
)
def test_each_alert_due_is_answered_once_or_lost_and_all_else_is_extra(
    seen: list[float], lost: int, extra: int
) -> None:
    due = [(1.0, 2.0), (11.0, 12.0), (21.0, 22.0)]
    assert soak.tally(due, seen) == {"due": 3, "lost": lost, "extra": extra}


def pins(begun: float, loops: Sequence[int]) -> list[tuple[float, bool]]:
    """The alerts of a daemon with the default rules in these loops."""
    on, off = soak.EMPTY + 1.0, soak.EMPTY + soak.BARE + 2.0
    return [(begun + soak.LOOP * loop + after, kind) for loop in loops for after, kind in ((on, True), (off, False))]


@pytest.mark.parametrize(
    ("loops", "ended", "expected"),
    [
        ((0, 1, 2), 45.0, {"loops": 3, "on": (3, 0, 0), "off": (3, 0, 0)}),
        ((0, 1, 2), 44.9, {"loops": 2, "on": (2, 0, 0), "off": (2, 0, 0)}),  # the third was cut short
        ((0, 2), 45.0, {"loops": 3, "on": (3, 1, 0), "off": (3, 1, 0)}),
        ((), 45.0, {"loops": 3, "on": (3, 3, 0), "off": (3, 3, 0)}),
    ],
)
def test_a_loop_asks_for_one_alert_and_its_end(loops: Sequence[int], ended: float, expected: dict[str, Any]) -> None:
    begun = 0.4
    found = soak.alerts(begun, begun + ended, pins(begun, loops), AlertSettings())
    assert {name: tuple(value.values()) if isinstance(value, dict) else value for name, value in found.items()} == (
        expected
    )


def test_an_alert_before_its_time_is_extra_but_its_end_may_come_early_where_the_last_bare_frames_were_skipped() -> None:
    on, off = (time for time, _ in pins(0.0, (0,)))
    told = [(on - 0.5, True), (off - 1.0, False)]
    found = soak.alerts(0.0, soak.LOOP, told, AlertSettings())
    assert found["on"] == {"due": 1, "lost": 1, "extra": 1}
    assert found["off"] == {"due": 1, "lost": 0, "extra": 0}


def test_an_alert_for_the_masked_person_is_extra() -> None:
    masked = 2 * soak.EMPTY + soak.BARE + 1.0
    told = sorted([*pins(0.0, (0,)), (masked, True), (masked + 1, False)])
    found = soak.alerts(0.0, soak.LOOP, told, AlertSettings())
    assert (found["on"]["extra"], found["off"]["extra"]) == (1, 1)


def test_latency_is_told_for_both_ways_and_not_of_the_end() -> None:
    switches = [(1.0, True), (2.0, False), (5.0, True), (9.0, False)]
    edges = [(1.01, True), (2.02, False), (9.5, False)]
    assert soak.late(switches, edges, until=8.0) == {"on": [10.0, None], "off": [20.0]}


@pytest.mark.parametrize(
    ("looked_at", "expected"), [([0, 4100, 8200, 9000, 12000, 15000], 20.0), ([0, 10, 20, 30, 40, 50], 25.0)]
)
def test_the_warm_up_lasts_until_the_stages_are_full_or_half_of_a_short_run(
    looked_at: list[float], expected: float
) -> None:
    assert soak.warm_up({"time_s": [0, 10, 20, 30, 40, 50], "looked_at": looked_at}) == expected


def test_growth_is_told_in_kilobytes_an_hour_and_without_the_warm_up() -> None:
    times = [5.0 * number for number in range(100)]
    resident = [90_000 + (1000 * time if time < 100 else 100_000 + 0.1 * time) for time in times]
    found = soak.growth(times, resident, 100.0)
    assert found["kb_an_hour"] == found["low"] == found["high"] == pytest.approx(360.0)
    assert (found["warm_up_s"], found["samples"]) == (100.0, 80)


def test_what_mock_pins_wrote_down_is_forgotten_and_the_pin_goes_on() -> None:
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    try:
        led = DigitalOutputDevice(27)
        for _ in range(50):
            led.toggle()
        counted_daemon.forget_edges()
        led.on()
        assert [state.state for state in led.pin.states] == [False, True]
    finally:
        Device.pin_factory.close()
        Device.pin_factory = before


def test_a_line_a_minute_says_memory_alerts_and_frames() -> None:
    sample = dict.fromkeys(soak.SAMPLED, 0.0) | {"time_s": 120.0, "resident_kb": 98304, "captured": 1800}
    sample["looked_at"] = 1790
    assert soak.line(list(sample.values()), 8) == "soak: 2 min, 96.0 MB, 8 alerts, 1800 frames, 10 skipped"


@BUNDLES
@DEMO
def test_a_short_watch_loses_no_alert_and_its_table_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "SAMPLE", 1.0)
    said: list[str] = []
    record = soak.measure((soak.LOOP + 1.2) / 60, said.append)
    assert record["alerts"] == {
        "loops": 1,
        "on": {"due": 1, "lost": 0, "extra": 0},
        "off": {"due": 1, "lost": 0, "extra": 0},
    }
    samples = record["samples"]
    assert set(samples) == set(soak.SAMPLED)
    assert all(sorted(samples[name]) == samples[name] for name in ("time_s", "captured", "looked_at", "judged"))
    assert 0 < samples["looked_at"][-1] <= samples["captured"][-1]
    assert samples["threads"][-1] == samples["threads"][0]
    assert samples["open_files"][-1] == samples["open_files"][0]
    assert [len(record["latency_ms"][kind]) for kind in ("on", "off")] == [1, 1]
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    records.save(record, tmp_path / "benchmarks" / "results")
    head, _, row = speed.soak().splitlines()
    assert head.count("|") == row.count("|") == 12
    assert json.loads(next(tmp_path.rglob("soak.json")).read_text()) == record
