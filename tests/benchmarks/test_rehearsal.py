"""The scripts are played to the device's loop, and the power-saving rules lose no alarm in them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from needed import BUNDLES, DEMO

from benchmarks.__main__ import cli
from benchmarks.behaviour.scenes import power, rehearsal, scenarios
from benchmarks.behaviour.scenes.drawn import NOISE, Drawn
from benchmarks.behaviour.scenes.rehearsal import WAYS, play
from benchmarks.behaviour.scenes.scenarios import OPINION, RULES, SETTINGS, WATCHERS, score
from benchmarks.behaviour.scenes.scripts import ALWAYS, AT_FPS, FPS, POSTER, SCRIPTS, Actor, Script
from maskwatch.presence.motion import MotionGate

SOMEBODY_BARE = [script for script in AT_FPS if script.due and script.seconds <= 60]
SHORT = Script("somebody bare", [Actor([(1, 200, 60), (5, 300, 60)], ALWAYS)], 6.0)


@pytest.mark.parametrize("script", [s for s in SCRIPTS if s.seconds <= 60], ids=lambda script: script.name)
def test_the_scenarios_maskwatch_is_the_device(script: Script) -> None:
    watched = scenarios.watched(scenarios.seen(script, 0), WATCHERS["maskwatch"](RULES, OPINION))
    assert play(script, 0) == (score(script, watched), script.steps)


@pytest.mark.parametrize("script", SOMEBODY_BARE, ids=lambda script: script.name)
def test_the_gate_loses_no_alarm(script: Script) -> None:
    (every, looked_at_every), (gated, looked) = play(script, 1), play(script, 1, gate=True)
    assert (gated.missed, gated.false) == (every.missed, every.false)
    assert looked <= looked_at_every
    assert max(gated.delays) <= max(every.delays) + 1.0  # seconds


def test_a_gate_that_stays_shut_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MotionGate, "open", lambda *_: False)
    told, looked = play(SHORT, 0, gate=True)
    assert (told.missed, looked) == (1, 0)


def test_where_nobody_is_little_is_looked_at_in_spite_of_noise_and_daylight() -> None:
    (script,) = [script for script in SCRIPTS if script.name == "nobody"]
    _, looked = play(script, 0, gate=True)
    assert 0 < looked < 0.05 * script.steps


def test_a_picture_on_the_wall_does_not_hold_the_gate_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opinion = SETTINGS.opinion.model_copy(update={"motionless": 10.0})  # below what a config may say
    monkeypatch.setattr(rehearsal, "SETTINGS", SETTINGS.model_copy(update={"opinion": opinion}))
    poster = replace(POSTER, stops=[(0, 500, 70), (30, 500, 70)])
    _, looked = play(Script("a poster", [poster], 30.0), 0, gate=True)
    assert 9.5 < looked / FPS < 12  # seconds


def test_the_cap_halves_what_is_looked_at() -> None:
    assert play(SHORT, 0, max_fps=FPS / 2)[1] == pytest.approx(SHORT.steps / 2, abs=1)


def test_every_way_of_saving_is_summed_for_each_scene_and_for_all() -> None:
    rows = rehearsal.measure([SHORT, replace(SHORT, name="again")], range(1))
    assert [(row["scene"], row["way"]) for row in rows] == [
        (scene, way) for scene in ("somebody bare", "again", "all") for way in WAYS
    ]
    assert [row["true"] for row in rows] == [1] * 8 + [2] * 4
    assert [row["looked_share"] for row in rows if row["way"] == "every frame"] == [1.0] * 3


# -- the pictures ---------------------------------------------------------------------------------------------------


def test_a_picture_shows_a_head_where_the_face_is_and_else_the_hall_with_noise() -> None:
    drawn, empty = Drawn(SHORT, 0), Drawn(replace(SHORT, actors=[]), 0)
    box = SHORT.actors[0].at(3.0)
    assert box
    difference = np.abs(drawn.at(30).astype(float) - empty.at(30))[..., 1]
    inside = np.zeros(difference.shape, bool)
    inside[round(box.top) : round(box.bottom), round(box.left) : round(box.right)] = True
    assert difference[inside].mean() > 3 * NOISE
    assert difference[~inside].mean() < 3 * NOISE


def test_a_head_half_out_of_the_picture_is_drawn_as_far_as_it_is_in() -> None:
    away = [Actor([(0, x, 60), (9, x, 60)], down=down) for x, down in [(0, 0), (640, 480), (-99, 200), (800, 200)]]
    assert Drawn(Script("edges", away), 0).at(5).shape == (480, 640, 3)


def test_the_same_seed_draws_the_same_pictures() -> None:
    assert np.array_equal(Drawn(SHORT, 1).at(7), Drawn(SHORT, 1).at(7))
    assert not np.array_equal(Drawn(SHORT, 1).at(7), Drawn(SHORT, 2).at(7))


# -- the CPU seconds ------------------------------------------------------------------------------------------------


@BUNDLES
@DEMO
def test_cpu_seconds_are_measured_in_turns_and_the_gate_saves_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(power, "CLIPS", {"nobody": (-6.0, 0.0), "a visit": (5.0, 6.0)})
    cli(["power", "--rounds", "1", "--results", str(tmp_path)], standalone_mode=False)
    (path,) = tmp_path.rglob("power.json")
    assert f"wrote {path}" in capsys.readouterr().out
    record = json.loads(path.read_text())
    rows = {(row["clip"], row["way"]): row for row in record["rows"]}
    assert rows.keys() == {(clip, way) for clip in power.CLIPS for way in WAYS}
    frames = 6 * record["frames_a_second"]
    every, gated, capped = (rows["nobody", way] for way in ("every frame", "gate", "max_fps = 5"))
    assert (every["frames"], every["looked"]) == (frames, frames)
    assert gated["looked"] < 0.6 * frames
    assert capped["looked"] == pytest.approx(frames / 3, abs=2)
    assert 0 < gated["cpu_s"][0] < every["cpu_s"][0]
    assert rows["a visit", "gate"]["looked"] == rows["a visit", "every frame"]["looked"] == record["frames_a_second"]


def test_what_drawing_takes_is_not_counted() -> None:
    class Slow:
        def at(self, moment: float) -> np.ndarray:
            np.sort(np.random.default_rng(int(moment)).random(300_000))
            return np.zeros((48, 64, 3), np.uint8)

    projector = power.Projector(Slow(), (0.0, 1.0), 10.0)  # type: ignore[arg-type]
    frames = [projector.read(0.5).time for _ in range(10)]
    assert frames == [step / 10 for step in range(10)]
    assert projector.ended
    assert projector.drawing_s > 0.01
