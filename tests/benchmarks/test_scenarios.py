"""The scripts say what is true, the scores compare alerts with it, and the record equals what the code does now."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import measured as measured_board
import numpy as np
import pytest

from benchmarks import records
from benchmarks.__main__ import cli
from benchmarks.behaviour.scenes import rehearsal, scenarios, scripts
from benchmarks.behaviour.scenes.scenarios import OPINION, RULES, WATCHERS, Score, score
from benchmarks.behaviour.scenes.scripts import FPS, SCRIPTS, Actor, Script
from benchmarks.report.readme import behaviour, tables
from maskwatch.flow import Box, Face, Label, Verdict

BY_NAME = {script.name: script for script in SCRIPTS}
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
RECORD = json.loads((tables.ROOT / "benchmarks/results/scenarios.json").read_text())


# -- the truth ------------------------------------------------------------------------------------------------------

DUE = {
    "one bare": [(2, 28)],
    "one bare, far off": [(2, 28)],
    "mask off, on, off": [(1, 8), (18, 29)],
    "verdicts flicker, bare": [(2, 28)],
    "verdicts wrong for a while, bare": [(2, 28)],
    "bare and masked cross": [(2, 12)],
    "leaves and returns": [(1, 8), (16, 24)],
    "hurries past, bare": [(2, 4.5)],
    "a poster; nine masked pass, then one bare": [(280, 288)],
    "ten, one of them bare": [(0, 30)],
    **{
        f"{name}, {fps:g} frames a second": due
        for fps in scripts.RATES
        for name, due in {
            "one bare": [(2.0, 58.0)],
            "takes the mask off": [(30, 58.0)],
            "walks to and fro, bare": [(2.0, 58.0)],
        }.items()
    },
}


@each_script
def test_an_alert_is_due_while_somebody_in_view_is_bare_and_no_thing_is_somebody(script: Script) -> None:
    assert list(script.due) == DUE.get(script.name, [])


def test_stretches_that_touch_are_one() -> None:
    stops = [(0.0, 100.0, 60.0), (20.0, 200.0, 60.0)]
    script = Script("two", [Actor(stops, [(2, 6), (9, 11)]), Actor(stops, [(5, 8), (18, 40)])])
    assert script.due == ((2, 8), (9, 11), (18, 20))


@each_script
def test_finder_and_classifier_that_do_not_err_say_the_truth(script: Script) -> None:
    people = [replace(actor, flicker=0.0, missed=0.0) for actor in script.actors if not actor.thing]
    found = scripts.frames(replace(script, actors=people), 0)
    bare = {time for time, judged in found if any(v.label is Label.WITHOUT_MASK for _, v in judged)}
    due = {time for time, _ in found if any(start <= time < end for start, end in script.due)}
    assert bare <= due
    assert len(bare) >= 0.9 * len(due)  # one who crosses is hidden for a moment


@each_script
def test_a_seed_makes_the_same_scene_again_and_another_seed_another(script: Script) -> None:
    if script.actors:
        assert scripts.frames(script, 3) == scripts.frames(script, 3) != scripts.frames(script, 4)


def test_scenes_of_the_same_people_have_chances_of_their_own() -> None:
    bare = BY_NAME["one bare"]
    assert scripts.frames(bare, 0) != scripts.frames(replace(bare, name="another"), 0)


@pytest.mark.parametrize(("lasting", "shortest", "longest"), [(0.0, 1.2, 1.5), (0.5, 5.0, 9.0)])
def test_wrong_verdicts_are_as_many_as_the_script_says_and_last(
    lasting: float, shortest: float, longest: float
) -> None:
    stops = [(0.0, 100.0, 60.0), (5000.0, 100.0, 60.0)]
    script = Script("long", [Actor(stops, flicker=0.25, lasting=lasting, missed=0.1)], 5000.0)
    found = [judged for _, judged in scripts.frames(script, 0)]
    assert np.mean([not judged for judged in found]) == pytest.approx(0.1, abs=0.01)
    wrong = np.array([judged[0][1].label is Label.WITHOUT_MASK for judged in found if judged])
    assert wrong.mean() == pytest.approx(0.25, abs=0.02)
    runs = np.sum(wrong[1:] & ~wrong[:-1])
    assert shortest < wrong.sum() / runs < longest  # frames


# -- the score ------------------------------------------------------------------------------------------------------


def switched(*spans: tuple[float, float], seconds: float = 30.0) -> list[tuple[float, bool]]:
    """An alert that is on in these spans of seconds: (time, on) for each frame."""
    times = [step / FPS for step in range(round(seconds * FPS))]
    return [(time, any(start <= time < end for start, end in spans)) for time in times]


STANDS = [(2.0, 100.0, 60.0), (22.0, 100.0, 60.0)]
ONCE = Script("bare from 2 to 12", [Actor(STANDS, [(2, 12)])])
TWICE = Script("bare from 2 to 8 and from 14 to 20", [Actor(STANDS, [(2, 8), (14, 20)])])
BRIEFLY = Script("bare from 2 to 3.5", [Actor(STANDS, [(2, 3.5)])])


@pytest.mark.parametrize(
    ("script", "spans", "expected"),
    [
        pytest.param(ONCE, [(3, 12)], Score(1, 0, 0, 0, 0.0, (1.0,)), id="in time"),
        pytest.param(ONCE, [(6, 12)], Score(1, 0, 0, 0, 0.0, (4.0,)), id="at the last moment"),
        pytest.param(ONCE, [(6.1, 12)], Score(0, 1, 0, 1, 0.0, ()), id="late"),
        pytest.param(ONCE, [], Score(0, 1, 0, 0, 0.0, ()), id="never"),
        pytest.param(ONCE, [(0, 30)], Score(0, 1, 1, 0, 19.9, ()), id="on since before"),
        pytest.param(ONCE, [(3, 14)], Score(1, 0, 0, 0, 1.9, (1.0,)), id="goes on after"),
        pytest.param(ONCE, [(3, 5), (6, 8), (9, 9.5)], Score(1, 0, 0, 2, 0.0, (1.0,)), id="begins again"),
        pytest.param(ONCE, [(1, 1.5), (3, 5)], Score(1, 0, 1, 0, 0.5, (1.0,)), id="false, then true"),
        pytest.param(ONCE, [(20, 21)], Score(0, 1, 1, 0, 1.0, ()), id="after all is over"),
        pytest.param(TWICE, [(3, 8), (15.5, 16)], Score(2, 0, 0, 0, 0.0, (1.0, 1.5)), id="both"),
        pytest.param(TWICE, [(3, 16)], Score(1, 1, 0, 0, 5.9, (1.0,)), id="one for both"),
        pytest.param(BRIEFLY, [(3.6, 5)], Score(0, 1, 1, 0, 1.4, ()), id="in time, but it is over"),
    ],
)
def test_alerts_are_held_against_the_truth(
    script: Script, spans: Sequence[tuple[float, float]], expected: Score
) -> None:
    found = score(script, switched(*spans))
    assert replace(found, vain_s=0, delays=()) == replace(expected, vain_s=0, delays=())
    assert found.vain_s == pytest.approx(expected.vain_s)
    assert found.delays == pytest.approx(expected.delays)


@each_script
def test_who_never_alerts_misses_all_and_who_always_does_tells_nothing(script: Script) -> None:
    never, always = ([(step / script.fps, on) for step in range(script.steps)] for on in (False, True))
    due = len(script.due)
    assert score(script, never) == Score(0, due, 0, 0, 0.0, ())
    at_once = sum(start == 0 for start, _ in script.due)  # bare as the scene begins
    found = score(script, always)
    assert (found.true, found.missed, found.false, found.again) == (at_once, due - at_once, 1 - at_once, 0)


def test_runs_are_summed_and_delays_told_with_their_spread() -> None:
    runs = [Score(1, 0, 2, 3, 1.5, (1.0,)), Score(1, 1, 0, 0, 0.0, (3.0,)), Score(0, 2, 1, 0, 2.0, ())]
    assert scenarios.summed(runs) == {
        "runs": 3, "true": 2, "missed": 3, "false": 3, "again": 3,
        "runs_with_false": 2, "vain_s": 3.5, "delays_s": [2.0, 1.2, 2.8, 3.0],
    }  # fmt: skip
    assert scenarios.summed([runs[2]])["delays_s"] is None


# -- the ways of watching -------------------------------------------------------------------------------------------

BARE, MASKED = Verdict(Label.WITHOUT_MASK, 1.0), Verdict(Label.WITH_MASK, 1.0)
HERE, *_ = THREE = [Face(Box(x, 0, x + 50, 60), 0.9) for x in (0.0, 200.0, 400.0)]


def alerts(name: str, film: Sequence[scripts.Judged]) -> bool:
    """Whether a watcher alerts at all."""
    watch = WATCHERS[name](RULES, replace(OPINION, recheck=0.0))
    return any(watch(judged, step / FPS) for step, judged in enumerate(film))


def only(*names: str) -> dict[str, bool]:
    return {name: name in names for name in WATCHERS}


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        pytest.param([[(HERE, BARE)]] * 20, only(*WATCHERS), id="bare for long"),
        pytest.param([[(HERE, MASKED)]] * 20, only(), id="masked for long"),
        pytest.param(
            [[(HERE, MASKED)]] * 20 + [[(HERE, BARE)]] + [[(HERE, MASKED)]] * 20, only("single frames"), id="once"
        ),
        pytest.param(
            [[(face, BARE if turn == place else MASKED) for place, face in enumerate(THREE)] for turn in range(3)] * 20,
            only("single frames", "hold", "hold, voting"),
            id="three who seem bare by turns",
        ),
        pytest.param(
            [[(HERE, BARE)]] * 4 + ([[(HERE, MASKED)]] + [[(HERE, BARE)]] * 6) * 6,
            only("single frames", "hold, voting", "maskwatch"),
            id="bare but for a verdict now and then",
        ),
    ],
)
def test_what_each_way_of_watching_remembers(film: Sequence[scripts.Judged], expected: dict[str, bool]) -> None:
    assert {name: alerts(name, film) for name in WATCHERS} == expected


def test_half_a_face_hardly_ever_counts() -> None:
    """No script needs a second zone: all have the same."""
    script = BY_NAME["half a face at the edge, masked"]
    counted, found = (sum(len(judged) for _, judged in film(script, 0)) for film in (scenarios.seen, scripts.frames))
    assert counted < 0.2 * found


def test_a_crowd_without_voting_is_judged_whole() -> None:
    """Judging faces in turns saves time; it must not cause more alerts."""
    crowd = [Face(Box(x, 0, x + 50, 60), 0.9) for x in range(0, 640, 64)]
    film = [[(face, BARE if face is crowd[-1] else MASKED) for face in crowd]] * 11
    assert alerts("hold, tracking", film)
    assert not alerts("hold, tracking", film[:10])


# -- the record -----------------------------------------------------------------------------------------------------


def test_the_record_is_whole_and_of_the_present_settings() -> None:
    names = [script.name for script in SCRIPTS]
    assert [*dict.fromkeys(row["scene"] for row in RECORD["rows"])] == [*names, "all"]
    assert {(row["scene"], row["watcher"]) for row in RECORD["rows"]} == {
        (s, w) for s in [*names, "all"] for w in WATCHERS
    }
    assert {(row["scene"], row["way"]) for row in RECORD["ways"]} == {
        (scene, way) for scene in [*(each.name for each in scripts.AT_FPS), "all"] for way in rehearsal.WAYS
    }
    assert RECORD["settings"] == json.loads(json.dumps(scenarios.measure([], range(1))["settings"]))


@pytest.mark.parametrize(
    "name", ["one bare", "hurries past, bare", "verdicts flicker, masked", "one bare, 0.5 frames a second"]
)
def test_the_record_says_what_the_code_does_now(name: str) -> None:
    fresh = [row for row in scenarios.measure([BY_NAME[name]])["rows"] if row["scene"] == name]
    assert fresh == [row for row in RECORD["rows"] if row["scene"] == name], "python -m benchmarks scenarios"


def test_the_command_writes_the_record_and_prints_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich", reason="needs extra `train`")
    monkeypatch.setattr(scripts, "SCRIPTS", [BY_NAME["hurries past, bare"]])
    cli(["scenarios", "--runs", "1", "--results", str(tmp_path)], standalone_mode=False)
    record = json.loads((tmp_path / "scenarios.json").read_text())
    assert {row["scene"] for row in (*record["rows"], *record["ways"])} == {"hurries past, bare", "all"}
    printed = capsys.readouterr().out
    assert f"wrote {tmp_path / 'scenarios.json'}" in printed
    assert "maskwatch" in printed


def row(scene: str, **more: Any) -> dict[str, Any]:
    sums = {"runs": 20, "true": 39, "missed": 1, "false": 4, "again": 2, "runs_with_false": 3, "vain_s": 9.5}
    return {"scene": scene, **sums, "delays_s": [1.0, 0.9, 1.26, 3.0], **more}


def test_the_readmes_tables_tell_counts_spread_and_cpu_seconds_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    results = tmp_path / "benchmarks" / "results"
    silent = {"true": 0, "missed": 0, "false": 0, "again": 0, "runs_with_false": 0, "vain_s": 0.0, "delays_s": None}
    rows = [row("nobody", watcher="maskwatch", **silent), row("all", watcher="maskwatch")]
    record = {
        "schema": 1,
        "kind": "scenarios",
        "settings": {},
        "rows": rows,
        "ways": [row("all", way="gate", looked_share=0.254)],
    }
    records.save_anywhere(record, results)
    measured = {"clip": "nobody", "way": "gate", "looked": 9, "frames": 150, "seconds": 10.0, "cpu_s": [0.1, 0.1, 0.1]}
    power = {
        "schema": 1,
        "kind": "power",
        "host": measured_board.record(board="A board")["host"],
        "models": {},
        "threads": {},
        "frame_pixels": [640, 480],
        "frames_a_second": 15.0,
        "rows": [measured],
    }
    records.save(power, results)
    delay = "1.0 (0.9–1.3) s, at most 3.0"
    lines = behaviour.scenarios().splitlines()
    assert lines[2] == f"| maskwatch | 1 of 40 | 4 in 3 of 20 runs | 2 | 10 s | {delay} |"
    assert lines[-1] == "| nobody | 0 | 0 / 0 / 0 | – |"
    lines = behaviour.power().splitlines()
    assert lines[2] == f"| gate | 1 of 40 | 4 in 3 of 20 runs | {delay} | 25 % |"
    assert lines[-1] == "| nobody | gate | 9 of 150 | 0.60 (0.60–0.60) |"
