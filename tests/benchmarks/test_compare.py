"""A change is reported only when it is larger than the noise."""

import json
from pathlib import Path
from typing import Any

import pytest
from measured import record, row

from benchmarks.__main__ import cli
from benchmarks.networks import compare
from maskwatch.errors import MaskwatchError

KEY = ("mask", "int8", "ai-edge-litert", 1)


def verdicts(before: dict[str, Any], after: dict[str, Any], min_share: float = compare.MIN_SHARE) -> list[str]:
    return [each.verdict for each in compare.changes(before, after, min_share)]


def test_ten_percent_slower_is_found_and_so_is_ten_percent_quicker() -> None:
    before, after = record(row(ms=10.0, seed=1)), record(row(ms=11.0, seed=2))
    assert verdicts(before, after) == ["slower"]
    assert verdicts(after, before) == ["quicker"]
    (change,) = compare.changes(before, after)
    assert change.key == KEY
    assert change.low < change.ratio < change.high
    assert change.ratio == pytest.approx(1.1, abs=0.02)


def test_noise_is_no_change() -> None:
    """Forty pairs of runs of the same model: rounds and calls vary, but no change is reported."""
    found = [verdicts(record(row(seed=seed)), record(row(seed=100 + seed))) for seed in range(40)]
    assert {each for one in found for each in one} == {"same"}


def test_one_bad_round_is_no_change() -> None:
    before, after = record(row(seed=1)), record(row(seed=2))
    after["rows"][0]["us"][3] = [value * 2 for value in after["rows"][0]["us"][3]]
    assert verdicts(before, after) == ["same"]


def test_rounds_that_disagree_are_noise() -> None:
    """The medians are 8 % apart, but so are rounds of one run."""
    before = [[ms * 1000] * 40 for ms in (10.0, 10.9, 9.6, 10.8, 10.1)]
    after = [[ms * 1000] * 40 for ms in (10.9, 10.1, 11.3, 10.2, 11.0)]
    (change,) = compare.changes(record(row(us=before)), record(row(us=after)))
    assert change.ratio == pytest.approx(1.08, abs=0.01)
    assert change.verdict == "same"


def test_a_change_too_small_to_speak_of_is_none_however_sure() -> None:
    steady = [[10_000] * 40] * 5
    slower = [[10_200] * 40] * 5
    before, after = record(row(us=steady)), record(row(us=slower))
    assert verdicts(before, after) == ["same"]
    assert verdicts(before, after, min_share=0.01) == ["slower"]


def test_two_boards_are_not_compared() -> None:
    with pytest.raises(
        MaskwatchError, match=r"one run is of Raspberry Pi 5 .*, the other of Zero; expected two runs of one board"
    ):
        compare.changes(record(), record(board="Zero"))


def test_runs_without_anything_in_common_are_refused() -> None:
    with pytest.raises(MaskwatchError, match="no combination of model, variant, runtime and threads is in both"):
        compare.changes(record(row(threads=1)), record(row(threads=4)))


def test_what_could_not_be_measured_is_not_compared() -> None:
    gone = {key: value for key, value in row().items() if key != "us"} | {"not_measured": "why"}
    both = record(row(variant="float32"), gone)
    assert [each.key[1] for each in compare.changes(both, both)] == ["float32"]


def test_what_else_differs_is_told_first() -> None:
    before = record(row(seed=1))
    after = record(row(seed=1, version="2.4.0", sha256="other"), governor="ondemand", commit="def")
    told = list(compare.lines(before, after, compare.changes(before, after)))
    assert told[:4] == [
        "differs: governor: performance before, ondemand after",
        "differs: commit: abc before, def after",
        "differs: version of mask/int8 on ai-edge-litert: 2.3.0 before, 2.4.0 after",
        "differs: sha256 of mask/int8 on ai-edge-litert: maskint8 before, other after",
    ]
    assert told[4].startswith("after: governor ondemand: the clock moves")
    assert told[5].startswith("same ")


def test_what_only_one_run_has_is_told() -> None:
    before, after = record(row(), row(threads=2), row(threads=8)), record(row(), row(threads=4))
    assert list(compare.alone(before, after)) == [
        "mask/int8 only before: on ai-edge-litert, threads 2, 8",
        "mask/int8 only after: on ai-edge-litert, threads 4",
    ]


@pytest.mark.parametrize(("ms", "fail", "code"), [(11.0, True, 1), (11.0, False, 0), (9.0, True, 0), (10.0, True, 0)])
def test_the_command_fails_on_slower_when_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ms: float, fail: bool, code: int
) -> None:
    for name, made in (("before", record(row(seed=1))), ("after", record(row(ms=ms, seed=2)))):
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    arguments = ["compare", str(tmp_path / "before.json"), str(tmp_path / "after.json"), *(["--fail"] if fail else [])]
    try:
        cli(arguments, standalone_mode=False)
        found = 0
    except SystemExit as ended:
        found = int(ended.code or 0)
    assert found == code
    assert "mask/int8 on ai-edge-litert, 1 thread\n" in capsys.readouterr().out
