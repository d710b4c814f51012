"""What a record says of its machine and its time, the doubts that it names, and how it is read."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import fake_program, record, row, with_calls

from benchmarks import host, records
from benchmarks.networks import doubts, figures, run
from maskwatch.errors import MaskwatchError

# -- the machine ----------------------------------------------------------------------------------------------------


def pi(root: Path) -> Path:
    """The files of a Pi 5 under root."""
    for name, text in {
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd asimddp\n",
        "proc/meminfo": "MemTotal:        4147200 kB\n",
        "proc/stat": "cpu  100 50 25 1000 10 5 5 20 0 0\ncpu0 1 1 1 1\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
        f"{host.CPU}/scaling_governor": "ondemand\n",
        f"{host.CPU}/cpuinfo_max_freq": "2400000\n",
        f"{host.CPU}/scaling_cur_freq": "1500000\n",
        "sys/class/thermal/thermal_zone0/temp": "61750\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_boards_facts_are_read(tmp_path: Path) -> None:
    found = host.facts(pi(tmp_path))
    expected = {
        "board": "Raspberry Pi 5 Model B Rev 1.0",
        "os": "Debian GNU/Linux 13 (trixie)",
        "virtual": False,
        "memory_mb": 4050,
        "int8_dot_products": ["asimddp"],
        "governor": "ondemand",
        "clock_max_mhz": 2400.0,
    }
    assert {name: found[name] for name in expected} == expected


def test_a_processor_is_named_without_its_trade_marks(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("model name\t: Intel(R) Xeon(R) Processor\nmodel name\t: the other core\n")
    assert host.board(tmp_path) == "Intel Xeon Processor"


def test_a_moment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fake_program(tmp_path, "vcgencmd", '[ "$1" = get_throttled ] && echo throttled=0x50005')
    found = host.moment(pi(tmp_path))
    assert (found["clock_mhz"], found["temperature_c"], found["throttled"]) == (1500.0, 61.8, 0x50005)
    assert found["cpu_s"] == {"busy": 1.85, "idle": 10.1, "stolen": 0.2}


def test_a_machine_that_tells_nothing_has_facts_all_the_same(tmp_path: Path) -> None:
    found, now = host.facts(tmp_path), host.moment(tmp_path)
    assert (found["governor"], found["memory_mb"], found["int8_dot_products"]) == (None, None, [])
    assert now["cpu_s"] == {"busy": 0.0, "idle": 0.0, "stolen": 0.0}


# -- doubts ---------------------------------------------------------------------------------------------------------


def test_a_quiet_board_is_not_doubted() -> None:
    assert doubts.of(record()) == []


def change(where: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda made: made[where].update(values)


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (change("after", throttled=0x4), "the board throttled (throttled)"),
        (change("after", throttled=0x50000), "the board throttled (under-voltage, throttled)"),
        (change("before", throttled=0x1), "the board throttled (under-voltage)"),
        (change("host", governor="ondemand"), "governor ondemand: the clock moves"),
        (change("host", load=1.5), "load 1.5 before the start"),
        (change("host", virtual=True), "a virtual machine"),
        (change("after", clock_mhz=1500.0), "clock 1500 MHz at the end, of 2400"),
        (change("after", own_s=31.0), "other processes took 18 %"),
        (change("after", cpu_s={"busy": 200.0, "idle": 1200.0, "stolen": 20.0}), "the hypervisor took 5 %"),
    ],
)
def test_what_was_wrong_while_measuring_is_told(alter: Callable[[dict[str, Any]], None], expected: str) -> None:
    made = record()
    alter(made)
    (told,) = doubts.of(made)
    assert told.startswith(expected)


def test_throttling_before_is_told_apart_from_throttling_now() -> None:
    made = record()
    for when in ("before", "after"):
        made[when]["throttled"] = 0x20000
    assert doubts.of(made) == ["the board throttled some time before (clock capped), not while measuring"]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (
            [[5, 10, 20]] * 5,
            "1 of 1 worthless, p10 to p90 is more than the median: mask/int8 on ai-edge-litert, 1 thread",
        ),
        ([[9, 10, 13]] * 5, "1 of 1 wide, p10 to p90 over 25%"),
        ([[10] * 99] * 4 + [[12] * 5], "1 of 1 rounds disagree by over 15%"),
    ],
)
def test_values_too_far_apart_are_told(calls: list[list[float]], expected: str) -> None:
    (told,) = doubts.of(record(with_calls(calls)))
    assert told.startswith(expected)


# -- figures and records --------------------------------------------------------------------------------------------


def test_percentiles_memory_and_rounds_are_read_out() -> None:
    found = figures.figure(with_calls([[value / 10 for value in range(1, 102)], [5.1]]))
    assert (found.n, found.p50, found.first, found.load) == (102, 5.1, 12.0, 80.0)
    assert (found.p10, found.p90, found.p99) == pytest.approx((1.12, 9.08, 9.998), abs=0.02)
    assert (found.peak_mb, found.own_mb) == (57.0, 17.0)
    assert found.round_medians == (5.1, 5.1)


@pytest.mark.parametrize(("calls", "told"), [(1023, False), (1024, True)])
def test_single_stream_wants_1024_queries(calls: int, told: bool) -> None:
    found = figures.figure(with_calls([[2.0] * calls]))
    assert found.single_stream == (2.0 if told else None)


def test_the_full_plan_has_as_many_and_the_usual_one_200() -> None:
    assert run.FULL.rounds * run.FULL.calls >= figures.SINGLE_STREAM
    assert run.USUAL.rounds * run.USUAL.calls >= 200


def test_a_quantized_network_is_held_against_its_own_float_self() -> None:
    found = figures.measured(record(row("float32", 20), row("int8", 10), row("int8", 10, model="face")))
    ratios = figures.against_float(found)
    assert list(ratios) == [("mask", "int8", "ai-edge-litert", 1)]
    assert ratios["mask", "int8", "ai-edge-litert", 1] == pytest.approx(0.5, abs=0.02)


def test_the_slowest_operators_come_with_their_share() -> None:
    made = row(profile={"operators": [["Add", 2, 100.0], ["Conv", 0, 300.0], ["Add", 4, 100.0]]})
    assert figures.operators(made, 1) == [("Conv", 0, 0.3, 0.6)]
    assert figures.kinds(made) == {"Conv": 0.3, "Add": 0.2}
    assert figures.operators(row(profile={"not_measured": "no profiler"})) == []


JSON = st.recursive(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_a_record_reads_back_as_it_was(made: dict[str, Any]) -> None:
    assert json.loads(records.text(made)) == made


def test_a_flat_array_is_a_line() -> None:
    assert '"us": [1, 2.5, -3]' in records.text({"us": [1, 2.5, -3]})
    assert '["Fully Connected (NC, F32)", 3, 1.5]' in records.text(
        {"operators": [["Fully Connected (NC, F32)", 3, 1.5]]}
    )


def test_a_full_run_of_all_networks_stays_below_a_megabyte() -> None:
    values = [[12_345] * run.FULL.calls] * run.FULL.rounds
    rows = [row(model=f"{index}", us=values) for index in range(7 * 5 * 2)]
    assert len(records.text(record(*rows))) < 1_000_000


def test_a_record_in_another_boards_folder_is_refused(tmp_path: Path) -> None:
    place = records.save(record(), tmp_path)
    assert records.of_boards(tmp_path, run.KIND, run.SCHEMA) == [record()]
    place.parent.rename(tmp_path / "raspberry-pi-4")
    with pytest.raises(MaskwatchError, match=r"measured on Raspberry Pi 5 .* boards are not mixed"):
        records.of_boards(tmp_path, run.KIND, run.SCHEMA)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "unreadable"),
        ("{}", "unreadable"),
        (
            json.dumps({"kind": "run", "schema": 99, "host": {"board": "x"}}),
            "run of schema 99; expected run of schema 1",
        ),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    place = tmp_path / "run.json"
    place.write_text(content)
    with pytest.raises(MaskwatchError, match=expected):
        records.load(place, run.KIND, run.SCHEMA)
