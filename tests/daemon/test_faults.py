"""What the alarm and the pins do when something fails: the real program, its models and a network camera.

The rows are observed, each time. benchmarks/results/faults.json holds those of one run, which docs/alerts.md shows;
another run must observe the same, but for the seconds. MASKWATCH_RECORD_FAULTS=1 writes it anew.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from faults import CASES, Case, Door, Scenes
from needed import BUNDLES, DEMO
from stand_ins.unit import LOUD, Row

from benchmarks import host
from benchmarks.report.readme import behaviour

pytestmark = [BUNDLES, DEMO]
RECORD = Path(__file__).parents[2] / "benchmarks" / "results" / "faults.json"
AT_ONCE = 4  # units that run at a time; each takes a good part of a core
SOON = 20.0  # seconds within which nothing is loud any more, on a machine that does other things as well
each_case = pytest.mark.parametrize("name", CASES)


@dataclass(frozen=True)
class Observed:
    """A case, and how its unit was left."""

    rows: list[Row]
    on: set[str]
    exit_code: int


def observe(case: Case, folder: Path, scenes: Scenes) -> Observed:
    """Run a case; what still runs then is ended by SIGTERM."""
    folder.mkdir()
    door = Door(folder, scenes)
    try:
        rows = list(case(door))
    finally:
        door.close()
    return Observed(rows, door.unit.on(), door.unit.ended())


Running = dict[str, Future[Observed]]


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Every case, some of them at a time."""
    folder, scenes = tmp_path_factory.mktemp("faults"), Scenes()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        running = {name: threads.submit(observe, case, folder / name, scenes) for name, case in CASES.items()}
        yield running
        for future in running.values():
            future.cancel()


@pytest.fixture(scope="module")
def record(observed: Running) -> dict[str, Any]:
    """The committed one; a new one when asked for."""
    if os.environ.get("MASKWATCH_RECORD_FAULTS"):
        rows = [{"case": name, **asdict(row)} for name, future in observed.items() for row in future.result().rows]
        temporary = RECORD.with_name(f".{RECORD.name}")
        temporary.write_text(json.dumps({"kind": "faults", "host": host.facts(), "rows": rows}, indent=1) + "\n")
        temporary.replace(RECORD)
    found: dict[str, Any] = json.loads(RECORD.read_text())
    return found


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """Everything but the case and the time it took."""
    return {key: value for key, value in row.items() if key not in ("case", "seconds")}


@each_case
def test_what_was_observed_is_on_record(name: str, observed: Running, record: dict[str, Any]) -> None:
    now = [facts(asdict(row)) for row in observed[name].result().rows]
    assert now == [facts(row) for row in record["rows"] if row["case"] == name]


def test_nothing_else_is_on_record(record: dict[str, Any]) -> None:
    assert list(dict.fromkeys(row["case"] for row in record["rows"])) == list(CASES)


@each_case
def test_in_the_end_every_pin_is_off(name: str, observed: Running) -> None:
    assert observed[name].result().on == set()


@each_case
def test_what_still_runs_ends_as_it_should(name: str, observed: Running) -> None:
    found = observed[name].result()
    if found.rows[-1].exit_code is None:
        assert found.exit_code == 0


@each_case
def test_nothing_is_loud_without_an_alarm_but_what_nobody_can_switch_off(name: str, observed: Running) -> None:
    for row in observed[name].result().rows:
        loud = {pin for pin in LOUD if row.pins[pin] != "off"}
        if row.alarm[-1:] != ["alert_on"]:
            assert loud == LEFT_ON.get(row.fault, set()), row
        assert row.seconds is None or row.seconds < SOON


LEFT_ON = {
    "the loudspeaker is unplugged in an alarm": LOUD,  # the alarm goes on
    "… and plugged in again": LOUD,
    "… and comes back, and the relay is on again": {"relay"},  # a door, not an alarm
    "kill −9 in an alarm": LOUD,  # nobody is there any more
    "the finder hangs in an alarm: the watchdog's signs of life stop, systemd aborts it": LOUD,
    "the relay's pin raises in an alarm, then everybody leaves": {"relay"},
    "the buzzer's driver hangs in an alarm, then everybody leaves": {"buzzer"},
    "… then SIGTERM": {"buzzer"},  # its driver still hangs
    "… and the buzzer works again": LOUD,
    "every output that tells of an alert raises for `[outputs] give_up`": LOUD,
    "a broken config is reloaded in an alarm": LOUD,  # the alarm goes on
    "a FIFO is in the config's place and reloaded in an alarm": LOUD,
    "an empty config is reloaded in an alarm": LOUD,
}


def test_the_table_tells_each_row_of_the_record(record: dict[str, Any]) -> None:
    lines = behaviour.faults().splitlines()[2:]
    assert len(lines) == len(record["rows"])
    assert "| kill −9 in an alarm | goes on | buzzer, led, lamp.red, relay on | – | −9 | – |" in lines
    vanished = next(line for line in lines if line.startswith("| the camera vanishes in an alarm | "))
    assert "| fault, alert_off, fault | led, lamp.red blinking | " in vanished
