"""Instructions are counted between two marks of each model, on the processor of each board."""

import json
import os
from pathlib import Path

import pytest
from measured import fake_program

pytest.importorskip("matplotlib", reason="needs extra `train`")

import cv2

from benchmarks.__main__ import cli
from benchmarks.instructions import emulator, measure
from benchmarks.instructions.emulator import BOARDS, Emulator
from benchmarks.report.readme import strangers
from maskwatch.errors import ConfigError, MaskwatchError
from maskwatch.records.speed import Instructions
from maskwatch.vision import bundle

MARKS = """
echo "COUNT mark 900000 total=100 simd=10 dot=1 fmla=0 mlal=0 ldst=5 sve=0 mmla=0" >&2
echo "COUNT mark 900001 total=350 simd=40 dot=1 fmla=0 mlal=7 ldst=9 sve=0 mmla=0" >&2
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "debian"
    for name in ("usr/bin", "lib", "etc"):
        (place / name).mkdir(parents=True)
    for name in ("python3.13", "python3.13-config", "python3"):
        (place / "usr" / "bin" / name).touch()
    return place


def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Stand-ins for qemu-aarch64 and gcc that do what the test sets; qemu's arguments are written to a file."""
    folder = tmp_path / "programs"
    folder.mkdir()
    fake_program(folder, "qemu-aarch64", f'echo "$@" >> {tmp_path}/words\n{script}')
    fake_program(folder, "gcc", "exit 0")
    for program in folder.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_model_executes_what_lies_between_its_two_marks(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch, MARKS)
    work = tmp_path / "work"
    work.mkdir()
    (counts,) = Emulator(root, tmp_path, tmp_path / "count.so").counts(BOARDS[2], ["mask.tflite"], work)
    assert {kind: counts[kind] for kind in ("total", "simd", "dot", "mlal", "ldst")} == {
        "total": 250,
        "simd": 30,
        "dot": 0,
        "mlal": 7,
        "ldst": 4,
    }
    words = (tmp_path / "words").read_text()
    assert "-cpu cortex-a76" in words
    assert f"{root}/usr/bin/python3.13 " in words
    assert words.split()[-1] == "mask.tflite"


@pytest.mark.parametrize("script", ["exit 0", f"{MARKS}exit 1", "echo 'no such plugin' >&2; exit 1"])
def test_an_emulation_that_fails_or_counts_nothing_is_an_error(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    programs(tmp_path, monkeypatch, script)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(MaskwatchError, match=r"emulation of Pi 4 \(Cortex-A72\): ended with"):
        Emulator(root, tmp_path, tmp_path / "count.so").counts(BOARDS[1], ["mask.tflite"], work)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.cpu)
def test_the_emulated_system_tells_the_boards_own_processor(tmp_path: Path, root: Path, board: emulator.Board) -> None:
    work = tmp_path / "work"
    work.mkdir()
    told = (emulator.prefix(board, root, work) / "proc" / "cpuinfo").read_text()
    assert told.count("processor\t:") == 4
    assert f"CPU part\t: {board.part}" in told
    assert ("asimddp" in told) == (board.cpu == "cortex-a76")  # the one that multiplies int8 by fours
    assert (work / "sys/devices/system/cpu/present").read_text() == "0-3\n"
    assert (work / "usr").resolve() == (root / "usr").resolve()


def test_the_command_writes_a_record_its_picture_and_its_table(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs(tmp_path, monkeypatch, f'[ "$1" = --version ] && echo "qemu-aarch64 version 7.2" && exit 0\n{MARKS}')
    words = [f"mask={bundle.default_path('mask')}", "--root", str(root), "--packages", str(tmp_path)]
    cli(["instructions", *words, "--results", str(tmp_path / "results")], standalone_mode=False)
    printed = capsys.readouterr().out
    assert all(f"{board.name} 0.0" in printed for board in BOARDS)
    made = json.loads((tmp_path / "results" / "instructions.json").read_text())
    assert made["emulator"] == "qemu-aarch64 version 7.2"
    (model,) = made["models"]
    assert model["bytes"] == bundle.default_path("mask").stat().st_size
    assert model["instructions"] == {board.name: [250, 30, 0, 7, 0, 4] for board in BOARDS}
    assert cv2.imread(str(tmp_path / "results" / "instructions.png")).shape[1] > 500
    monkeypatch.setattr(strangers, "counted", lambda: Instructions.model_validate(made))
    assert strangers.instructions().count("0.0 million") == len(BOARDS)


def test_nothing_to_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to count"):
        cli(["instructions", "--root", str(tmp_path), "--packages", str(tmp_path)], standalone_mode=False)


def test_yunet_is_counted_at_both_sides() -> None:
    asked = measure.yunets(Path("/peers/yunet.onnx"))
    assert [each.word for each in asked] == ["yunet:320:/peers/yunet.onnx", "yunet:640:/peers/yunet.onnx"]


def test_the_shapes_are_the_shipped_one_and_what_differs_from_it() -> None:
    pytest.importorskip("keras", reason="needs extra `train`")
    from convert import shapes

    found = shapes.shapes()
    assert found[0] == shapes.Finder()
    assert len({shape.name for shape in found}) == len(found)
    finders = [shape for shape in found if isinstance(shape, shapes.Finder)]
    for knob, values in (("alpha", shapes.ALPHAS), ("channels", shapes.CHANNELS), ("stem", shapes.STEMS)):
        others = {name for name in ("alpha", "channels", "size", "stem") if name != knob}
        alone = [each for each in finders if all(getattr(each, name) == getattr(finders[0], name) for name in others)]
        assert {getattr(shape, knob) for shape in alone} == set(values)
    assert {shape.name for shape in found if shapes.in_float_too(shape)} == {
        f"finder {size} px, alpha 0.35, neck 40, stem 8" for size in (320, 512, 640)
    }
