"""Models are timed in processes of their own; what cannot be measured says why; a record tells what it is not worth."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import record, row, with_calls
from test_cli import BUNDLES

from benchmarks import doubts, figures, host, records, run, runtimes
from benchmarks.__main__ import cli
from benchmarks.child import litert_profiler
from benchmarks.run import Plan
from maskwatch import bundle
from maskwatch.errors import ConfigError, MaskwatchError, ModelError

LITERT, TFLITE, _, ONNX = runtimes.RUNTIMES
ROOT = Path(__file__).parents[1]
TINY = Plan("tiny", rounds=2, calls=3, warm_ups=1, profile_calls=2)
HERE = runtimes.Found(LITERT, Path(sys.executable))
MASK = run.Subject("mask", "int8", bundle.default_path("mask"))


# -- the children ---------------------------------------------------------------------------------------------------


@BUNDLES
def test_the_shipped_classifier_is_really_run() -> None:
    found = run.measure(run.cells([MASK], [HERE], [1, 2]), TINY)
    one, two = found["rows"]
    assert (one["threads"], two["threads"]) == (1, 2)
    for each in (one, two):
        assert [len(values) for values in each["us"]] == [3, 3]
        assert [len(values) for values in each["warm_up_us"]] == [1, 1]
        assert min(value for values in each["us"] for value in values) > 100  # µs: it is a network, not a stub
        assert len(each["load_us"]) == len(each["first_us"]) == len(each["peak_kb"]) == 2
        assert min(each["imported_kb"]) < min(each["peak_kb"]) < 1_000_000
        assert each["input"] == {"shape": [1, 128, 128, 3], "dtype": "uint8"}
        assert each["delegate"] == "XNNPACK, 1 part"
    operators = one["profile"]["operators"]
    assert len(operators) > 50  # MobileNetV2 has 52 convolutions
    assert any("Convolution" in kind for kind, _, _ in operators)
    assert sum(us for _, _, us in operators) > 100
    assert "profile" not in two  # on the fewest threads alone: kernels are told one by one


@BUNDLES
def test_memory_is_the_childs_own_however_large_the_parent_is() -> None:
    ballast = bytearray(400 * 2**20)
    (only,) = run.measure(run.cells([MASK], [HERE], [1]), Plan("one", 1, 1, 0, 1))["rows"]
    assert only["peak_kb"][0] < len(ballast) / 1024


def test_a_model_the_runtime_cannot_run_says_why_and_is_not_tried_again(tmp_path: Path) -> None:
    broken = tmp_path / "x.tflite"
    broken.write_bytes(b"\0\0\0\0TFL3 and nothing")
    tried: list[run.Cell] = []
    found = run.measure(run.cells([run.Subject("x", "int8", broken)], [HERE], [1]), TINY, tried.append)
    assert figures.measured(found) == {}
    (why,) = figures.missing(found).values()
    assert why.startswith(("ValueError: ", "RuntimeError: ", "ended by signal"))


def test_turns_are_taken_in_another_order_each_round_and_the_record_keeps_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subjects = []
    for index in range(4):
        file = tmp_path / f"{index}.tflite"
        file.write_bytes(b"\0\0\0\0TFL3")
        subjects.append(run.Subject(f"{index}", "int8", file))
    monkeypatch.setattr(run, "_answer", lambda *_, profile: {"us": [1]} if not profile else {"operators": []})
    order: list[str] = []
    found = run.measure(run.cells(subjects, [HERE], [1]), TINY, lambda cell: order.append(cell.subject.model))
    assert sorted(order[:4]) == sorted(order[4:8]) == ["0", "1", "2", "3"]
    assert order[:4] != order[4:8]
    assert [each["model"] for each in found["rows"]] == ["0", "1", "2", "3"]
    assert [each["us"] for each in found["rows"]] == [[[1], [1]]] * 4


@pytest.mark.parametrize(
    ("code", "stderr", "expected"),
    [
        (
            1,
            "INFO: hello\nTraceback\nRuntimeError: no such operator\nRegistration failed.\n",
            "RuntimeError: no such operator",
        ),
        (1, "\n", "no reason given"),
        (1, "killed\n", "killed"),
        (-11, "anything", "ended by signal 11"),
    ],
)
def test_a_failed_child_is_told_in_a_line(code: int, stderr: str, expected: str) -> None:
    assert run.reason(code, stderr) == expected


@pytest.mark.parametrize("path", sorted(run.SCRIPT.parent.glob("*.py")), ids=lambda path: path.name)
def test_the_child_is_python_39_and_knows_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith(("maskwatch", "benchmarks"))}


SUMMARY = """=== Run Order ===
      [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]   [Name]
         QUANTIZE      0.000      0.088      0.066     1.473%     1.473%      0.000             30   [Builtin]:0
   Delegate/Convolution (NHWC, QC8) DWConv   0.000   0.127   0.131   2.922%   15.039%   0.000   30   [Delegate]:2

=== Top by Computation Time ===
         QUANTIZE      0.000      0.088      0.066     1.473%     1.473%      0.000             30   [Builtin]:0
"""


def test_the_runtimes_profile_is_read_once_in_the_order_of_the_run() -> None:
    expected = [["QUANTIZE", 0, 66], ["Convolution (NHWC, QC8) DWConv", 2, 131]]
    assert litert_profiler.parsed(SUMMARY) == expected


def test_a_profile_that_looks_otherwise_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not the one that is known here"):
        litert_profiler.parsed("Profiling information not available")


def test_an_operator_that_was_interrupted_once_keeps_its_median() -> None:
    calls = [[["Add", 3, 10]], [["Add", 3, 9000]], [["Add", 3, 12]]]
    assert litert_profiler.medians(calls) == [["Add", 3, 12]]


BLOCKED = ("matplotlib", "scipy", "jinja2", "rich", "tensorflow", "keras", "sklearn")
IMPORT = f"""
import sys
for name in {BLOCKED}:
    sys.modules[name] = None  # an import of it fails
import benchmarks.__main__
"""


def test_the_device_can_measure_with_its_own_packages() -> None:
    subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, check=True, timeout=120)


# -- what is measured -----------------------------------------------------------------------------------------------


def test_a_runtime_gets_the_files_it_runs() -> None:
    onnx = run.Subject("yunet", "float32", Path("yunet.onnx"))
    found = [HERE, runtimes.Found(ONNX, Path("python"))]
    cells = run.cells([MASK, onnx], found, [1, 4])
    assert [(each.subject.model, each.found.runtime.name, each.threads) for each in cells] == [
        ("mask", "ai-edge-litert", 1),
        ("mask", "ai-edge-litert", 4),
        ("yunet", "onnxruntime", 1),
        ("yunet", "onnxruntime", 4),
    ]


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("alexnet", ConfigError, "model alexnet: expected NAME/VARIANT=FILE"),
        ("alexnet=x.tflite", ConfigError, "expected NAME/VARIANT=FILE"),
        ("a/int4=x.tflite", ConfigError, "variant int4; expected one of float32, float16"),
        ("a/int8=nowhere.tflite", ModelError, "model nowhere.tflite: No such file"),
        ("a/int8=x.keras", ModelError, "model x.keras: expected a file that ends in .tflite or .onnx"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(text: str, error: type[MaskwatchError], expected: str) -> None:
    with pytest.raises(error, match=expected):
        run.subject(text)


def test_a_file_that_is_no_model_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"junk junk junk")
    with pytest.raises(ModelError, match=r"not a \.tflite file, or cut short"):
        run.subject(f"a/int8={path}")


# -- the runtimes ---------------------------------------------------------------------------------------------------


def missing(**changes: Any) -> runtimes.Runtime:
    made = {"name": "absent", "module": "absent_runtime", "suffix": ".tflite", "requirements": ("./nowhere-at-all",)}
    return runtimes.Runtime(**{**made, "pythons": (f"3.{sys.version_info.minor}",), **changes})


def test_a_missing_runtime_is_told_with_the_way_to_have_it(tmp_path: Path) -> None:
    found = runtimes.find(missing(), environments=tmp_path)
    assert found.why_not == "not installed; --runtime absent puts it into an environment of its own"
    assert found.python is None


@BUNDLES
def test_a_missing_runtimes_row_says_so_and_starts_no_process() -> None:
    tried: list[run.Cell] = []
    gone = runtimes.Found(missing(), None, "not installed")
    found = run.measure(run.cells([MASK], [gone], [1]), TINY, tried.append)
    assert figures.missing(found) == {("mask", "int8", "absent", 1): "not installed"}
    assert "us" not in found["rows"][0]


def test_a_runtime_no_python_here_can_have_is_told(tmp_path: Path) -> None:
    found = runtimes.find(missing(pythons=("2.4",)), make=True, environments=tmp_path)
    assert found.why_not == "it needs Python 2.4, and none is on the PATH"


def fake_program(folder: Path, name: str, script: str) -> Path:
    """A program that stands on the PATH under that name."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "bin"


def test_an_environment_that_cannot_be_made_is_not_left_behind(tmp_path: Path, on_path: Path) -> None:
    venv = 'mkdir -p "$3"; echo "ERROR: the disk is full" >&2; echo "Hint: a larger one" >&2; exit 1'
    fake_program(on_path, "python2.8", f'if [ "$2" = venv ]; then {venv}; fi; echo 2.8')
    found = runtimes.find(missing(pythons=("2.8",)), make=True, environments=tmp_path / "made")
    assert found.python is None
    assert found.why_not == "its environment could not be made: ERROR: the disk is full"
    assert list((tmp_path / "made").iterdir()) == []


def test_an_environment_made_once_is_found_again(tmp_path: Path, on_path: Path) -> None:
    inside = 'printf "#!/bin/sh\\n" > "$3/bin/python"; chmod +x "$3/bin/python"'
    fake_program(on_path, "python2.8", f'if [ "$2" = venv ]; then mkdir -p "$3/bin"; {inside}; fi; echo 2.8')
    runtime = missing(pythons=("2.8",))
    made = runtimes.find(runtime, make=True, environments=tmp_path)
    assert made.python == tmp_path / "absent" / "bin" / "python"
    assert runtimes.find(runtime, environments=tmp_path) == made


def test_a_python_is_taken_for_what_it_says_it_is(on_path: Path) -> None:
    fake_program(on_path, "python2.9", "echo 2.8")  # a shim that answers with another version
    assert runtimes.suitable(("2.9",)) is None
    assert runtimes.suitable(("2.9", "2.8")) == on_path / "python2.9"
    right = fake_program(on_path, "python2.7", "echo 2.7")
    assert runtimes.suitable(("2.7", "2.9")) == right


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(ConfigError, match="runtime torch: unknown; expected one of ai-edge-litert, tflite-runtime"):
        runtimes.named("torch")


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


def test_a_moment_is_read(tmp_path: Path, on_path: Path) -> None:
    fake_program(on_path, "vcgencmd", '[ "$1" = get_throttled ] && echo throttled=0x50005')
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


@BUNDLES
def test_the_command_writes_the_boards_record_and_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "QUICK", TINY)
    mask = bundle.default_path("mask")
    arguments = ["run", "--quick", "--no-shipped", f"mask/int8={mask}", "--threads", "1", "--results", str(tmp_path)]
    cli([*arguments, "--runtime", "ai-edge-litert"], standalone_mode=False)
    (path,) = tmp_path.rglob("run.json")
    made = json.loads(path.read_text())
    assert path.parent.name == host.slug(made["host"]["board"])
    assert {len(values) for values in made["rows"][0]["us"]} == {3}
    printed = capsys.readouterr().out
    assert "mask/int8" in printed
    assert f"wrote {path}" in printed


def test_nothing_to_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to measure"):
        cli(["run", "--no-shipped", "--results", str(tmp_path)], standalone_mode=False)
