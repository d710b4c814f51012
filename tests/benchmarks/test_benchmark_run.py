"""Models are timed in separate processes by any Python with the runtime; a failed measurement gives its reason."""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from measured import fake_program
from needed import BUNDLES

from benchmarks import host
from benchmarks.__main__ import cli
from benchmarks.networks import figures, run, runtimes
from benchmarks.networks.child import litert_profiler
from benchmarks.networks.run import Plan
from maskwatch.errors import ConfigError, MaskwatchError, ModelError
from maskwatch.vision import bundle

LITERT, TFLITE, _, ONNX = runtimes.RUNTIMES
ROOT = Path(__file__).parents[2]
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
        assert len(each["load_us"]) == len(each["first_us"]) == len(each["peak_kb"]) == 2
        assert min(each["imported_kb"]) < min(each["peak_kb"]) < 1_000_000
        assert each["input"] == {"shape": [1, 128, 128, 3], "dtype": "uint8"}
        assert each["delegate"] == "XNNPACK, 1 part"
    operators = one["profile"]["operators"]
    assert len(operators) > 50  # MobileNetV2 has 52 convolutions
    assert any("Convolution" in kind for kind, _, _ in operators)
    assert sum(us for _, _, us in operators) > 0
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


@BUNDLES
def test_what_takes_longer_than_one_will_wait_is_left_out_and_says_how_long_it_would_take() -> None:
    found = run.measure(run.cells([MASK], [HERE], [1]), replace(TINY, patience=1e-6))
    (why,) = figures.missing(found).values()
    assert re.fullmatch(r"a call takes 0\.\d\d s, 3 of them \d+ s", why)
    assert found["plan"]["patience"] == 1e-6


def test_turns_are_taken_in_another_order_each_round_and_the_record_keeps_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subjects = []
    for index in range(4):
        file = tmp_path / f"{index}.tflite"
        file.write_bytes(b"\0\0\0\0TFL3")
        subjects.append(run.Subject(f"{index}", "int8", file))
    monkeypatch.setattr(run, "_answer", lambda *_, profile=False, **__: {"operators": []} if profile else {"us": [1]})
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
    with pytest.raises(RuntimeError, match="has an unknown form"):
        litert_profiler.parsed("Profiling information not available")


def test_an_operator_that_was_interrupted_once_keeps_its_median() -> None:
    calls = [[["Add", 3, 10]], [["Add", 3, 9000]], [["Add", 3, 12]]]
    assert litert_profiler.medians(calls) == [["Add", 3, 12]]


BLOCKED = ("matplotlib", "scipy", "jinja2", "rich", "tensorflow", "keras", "sklearn")
IMPORT = f"""
import sys
for name in {BLOCKED}:
    sys.modules[name] = None  # an import of it fails
from benchmarks.__main__ import cli
print(*cli.commands)
"""


def test_the_device_can_measure_with_its_own_packages() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {"device", "models", "pipeline", "soak", "run", "power"} <= set(done.stdout.split())


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
    assert found.why_not == "not installed; --runtime absent puts it into a separate environment"
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


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH."""
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


# -- the command ---------------------------------------------------------------------------------------------------


@BUNDLES
def test_the_command_writes_the_boards_record_and_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "QUICK", TINY)
    mask = bundle.default_path("mask")
    arguments = ["run", "--quick", "--no-shipped", f"mask/int8={mask}", "--threads", "1", "--results", str(tmp_path)]
    cli([*arguments, "--runtime", "ai-edge-litert", "--note", "made of cloth"], standalone_mode=False)
    (path,) = tmp_path.rglob("run.json")
    made = json.loads(path.read_text())
    assert path.parent.name == host.slug(made["host"]["board"])
    assert {len(values) for values in made["rows"][0]["us"]} == {3}
    assert made["notes"] == ["made of cloth"]
    printed = capsys.readouterr().out
    assert "mask/int8" in printed
    assert f"wrote {path}" in printed


def test_nothing_to_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to measure"):
        cli(["run", "--no-shipped", "--results", str(tmp_path)], standalone_mode=False)
