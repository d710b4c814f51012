"""The figures of the whole daemon: what is counted, what is left out, and when an alert is lost."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needed import BUNDLES, DEMO

from benchmarks import records
from benchmarks.__main__ import cli
from benchmarks.commands.options import RESULTS
from benchmarks.daemon import clip, counted_daemon, crowd, latency, pipeline, soak, throughput
from benchmarks.report.readme import speed, tables
from maskwatch.config import CameraSettings
from maskwatch.daemon import parts
from maskwatch.daemon.timing import STAGES, StageTimes
from maskwatch.flow import Box, Face, Frame, Image, Label, Verdict
from maskwatch.presence.stillness import STILL

FPS = 10.0
BLANK = np.zeros(clip.SHAPE, np.uint8)


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# -- the scenes -----------------------------------------------------------------------------------------------------


@DEMO
@BUNDLES
@pytest.mark.parametrize("people", pipeline.CROWDS)
def test_the_finder_finds_as_many_faces_as_there_are_people_and_their_masks_are_told_apart(people: int) -> None:
    models, hall, group = counted_daemon.counted(counted_daemon.default_settings()), crowd.Hall(), crowd.group(people)
    bare = 0
    for step in range(0, crowd.STEPS, 7):
        image = hall.draw(group, step)
        faces = models.find(image)
        verdicts = [models.verdict(models.crop(image, face)) for face in faces]
        bare += sum(verdict.label is Label.WITHOUT_MASK for verdict in verdicts)
    frames = len(models.faces)
    assert models.faces == [people] * frames
    assert bare == frames * sum(person.bare for person in group) == frames * ((people + 1) // 2)


@DEMO
def test_people_move_come_back_where_they_were_and_no_picture_comes_twice() -> None:
    hall, group = crowd.Hall(), crowd.group(1)
    first, later, again = (hall.draw(group, step).astype(int) for step in (0, crowd.STEPS // 4, crowd.STEPS))
    assert (np.abs(first - later).max(axis=2) > 60).mean() > 0.01
    assert (np.abs(first - again).max(axis=2) > 60).mean() == 0
    assert np.abs(first - again).mean() > 1  # grain


def test_a_sway_is_too_wide_for_a_picture_on_the_wall() -> None:
    width = 60.0  # pixels, the widest face the finder boxes in these scenes
    left, right = (Box(side * crowd.SWAY, 0, side * crowd.SWAY + width, width) for side in (-1, 1))
    assert left.iou(right) < STILL


# -- the clip as a camera -------------------------------------------------------------------------------------------


class Sleeps(threading.Event):
    """A stop request whose waiting moves the clock instead of taking time."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        self._time.now += timeout or 0.0
        return self.is_set()


def test_a_steady_camera_keeps_its_rate_and_who_is_late_misses_frames() -> None:
    time = Time()
    pace = clip.Steady(FPS, Sleeps(time), time)
    assert [(pace.next(), round(time.now, 6)) for _ in range(3)] == [(0, 100.0), (1, 100.1), (2, 100.2)]
    time.now += 0.55
    assert (pace.next(), round(time.now, 6)) == (7, 100.75)  # 3 to 6 were never captured
    assert (pace.next(), round(time.now, 6)) == (8, 100.8)


def test_a_steady_camera_ends_when_asked_to() -> None:
    stop = Sleeps(Time())
    pace = clip.Steady(FPS, stop, Time())
    stop.set()
    assert pace.next() is None


def test_a_camera_on_demand_counts_its_own_frames_or_the_time_a_slow_machine_needs_without_what_is_left_out() -> None:
    time = Time()
    pace = clip.OnDemand(FPS, threading.Event(), time)

    def after(seconds: float) -> float:
        time.now += seconds
        pace.taken()
        pace.next()
        return round(pace.clock(), 6)

    assert [after(0.01), after(0.01)] == [0.1, 0.2]
    assert after(0.5) == 0.52
    pace.leave_out(0.3)
    assert after(0.3) == 0.62
    assert after(0.4) == 0.92


def test_a_camera_on_demand_gives_no_frame_before_the_last_one_was_taken() -> None:
    stop = threading.Event()
    pace = clip.OnDemand(FPS, stop)
    assert pace.next() == 0
    waiting = threading.Thread(target=pace.next)
    waiting.start()
    waiting.join(3 * clip.POLL)
    assert waiting.is_alive()
    stop.set()
    waiting.join(5)
    assert not waiting.is_alive()


def test_elapsed_begins_at_its_first_reading() -> None:
    time = Time()
    elapsed = clip.Elapsed(time)
    time.now += 7
    assert elapsed() == 0.0
    time.now += 1.5
    assert elapsed() == 1.5


def test_the_loop_gets_the_clips_frames_in_their_order_over_and_over(tmp_path: Path) -> None:
    reel = clip.write(tmp_path / "reel.rgb", [BLANK + shade for shade in (10, 90, 200)], (2, 0, 0, 1))
    stop, seen = threading.Event(), list[Frame]()
    pace = clip.OnDemand(FPS, stop)
    player = clip.Player(reel, pace)
    source = clip.ObservedSource(
        clip.camera(player, pace, CameraSettings(), lambda _: None), lambda frame: (seen.append(frame), pace.taken())
    )
    for _ in range(6):
        assert source.read(5) is not None
    stop.set()
    source.close()
    assert [int(frame.image[0, 0, 0]) for frame in seen] == [200, 10, 10, 90, 200, 10]
    assert [round(frame.time, 6) for frame in seen] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert player.captured in (6, 7)  # the next one may have been on its way


# -- a separate process ---------------------------------------------------------------------------------------------


def tell(send: counted_daemon.Send, *words: str) -> None:
    for word in words:
        send(word)
    send(os.environ["GPIOZERO_PIN_FACTORY"])
    send(counted_daemon.memory_mb("VmHWM"))


def fail(send: counted_daemon.Send) -> None:
    send("before")
    raise SystemExit(3)


def test_what_a_process_sends_comes_in_order_from_mock_pins_and_the_memory_is_its_own() -> None:
    ballast = np.ones(300 << 20, np.uint8)
    *words, pins, peak = counted_daemon.in_separate_process(tell, "one", "two")
    assert ([*words, pins], ballast[-1]) == (["one", "two", "mock"], 1)
    assert 5 < peak < 250


def test_a_process_that_fails_is_no_measurement() -> None:
    told = counted_daemon.in_separate_process(fail)
    assert next(told) == "before"
    with pytest.raises(RuntimeError, match="ended with 3"):
        next(told)


class Finder:
    def find(self, image: Image) -> list[Face]:  # noqa: ARG002
        return [Face(Box(0, 0, 9, 9), 0.9)] * 2


class Judge:
    def crop(self, image: Image, face: Face) -> Image:  # noqa: ARG002
        return image

    def verdict(self, crop: Image) -> Verdict:  # noqa: ARG002
        return Verdict(Label.WITH_MASK, 0.9)


def test_faces_and_verdicts_are_counted_by_frame_and_handed_over_once() -> None:
    models = counted_daemon.Counted(Finder(), Judge())
    for verdicts in (2, 0, 1):
        models.find(BLANK)
        for _ in range(verdicts):
            models.verdict(BLANK)
    assert models.taken() == ([2, 2, 2], [2, 0, 1])
    assert models.taken() == ([], [])


@BUNDLES
def test_the_parts_are_those_that_the_daemon_is_built_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    settings = counted_daemon.default_settings(alert={"hold": 0.25})
    camera = settings.camera.model_copy(update={"source": f"images:{tmp_path}"})
    (tmp_path / "a.png").touch()
    built = parts.build(settings.model_copy(update={"camera": camera}))
    built.outputs.close()
    ours = counted_daemon.assembled(settings, counted_daemon.counted(settings), built.source)
    ours.outputs.close()
    assert ours.policy.rules == built.policy.rules
    assert ours.policy.rules.hold == 0.25
    assert ours.tracker.opinion == built.tracker.opinion
    assert (ours.zone, ours.motion_gate, ours.max_fps) == (built.zone, built.motion_gate, built.max_fps)


# -- throughput -----------------------------------------------------------------------------------------------------


def bench(seconds: float) -> tuple[throughput.Turns, list[Any], list[int], Time]:
    """Measured turns on a hand-moved clock; the models alone take 2 ms (finder) and 1 ms (classifier)."""
    time, sent, calls = Time(), list[Any](), list[int]()

    def bare(milliseconds: int) -> None:
        calls.append(milliseconds)
        time.now += milliseconds / 1e3

    turns = throughput.Turns(
        counted_daemon.Counted(Finder(), Judge()),
        StageTimes(time),
        clip.OnDemand(FPS, threading.Event(), time),
        threading.Event(),
        sent.append,
        seconds,
        lambda: throughput.Bare(lambda: bare(2), lambda: bare(1)),
        throughput.Clocks(time, lambda: 3 * time.now),
    )
    return turns, sent, calls, time


def daemon_frames(turns: throughput.Turns, time: Time, count: int) -> None:
    """Frames of 4 ms; every third one has a verdict."""
    for number in range(count):
        turns()
        turns.stages.begin()
        turns.models.find(BLANK)
        time.now += 0.004
        turns.stages.lap("find")
        if number % 3 == 0:
            turns.models.verdict(BLANK)
        turns.stages.end()


def test_the_bare_models_do_after_each_turn_what_the_daemon_did_and_each_half_is_timed_alone() -> None:
    turns, sent, calls, time = bench(seconds=0.0)
    daemon_frames(turns, time, throughput.WARM_UP)
    assert calls == []
    turns()
    warm = len(calls)
    daemon_frames(turns, time, throughput.TURN)
    turns()
    assert calls[warm:] == [2, 1, 2, 2] * (throughput.TURN // 3)
    memory, row = sent
    assert set(memory) == {"resident", "peak"}
    verdicts = row["judged"]
    assert (row["found"], verdicts) == (2.0, pytest.approx(1 / 3, abs=1e-3))
    assert row["daemon_ms"] == pytest.approx(4.0)
    assert row["bare_ms"] == pytest.approx(2 + 1 / 3, abs=1e-3)
    assert row["daemon_cpu_ms"] == pytest.approx(12.0)
    assert row["find_ms"] == pytest.approx(4.0)
    assert sum(row[f"{stage}_ms"] for stage in STAGES) == pytest.approx(4.0)


def test_the_frames_clock_stands_still_while_the_bare_models_work() -> None:
    turns, _, _, time = bench(seconds=9.0)
    daemon_frames(turns, time, throughput.WARM_UP + 2 * throughput.TURN)
    turns()
    turns.pace.next()
    assert turns.pace.clock() == pytest.approx(0.004 * (throughput.WARM_UP + 2 * throughput.TURN))


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, throughput.MIN_TURNS), (2.0, 11)])
def test_turns_go_on_until_the_time_is_over_but_for_a_few_at_least(seconds: float, expected: int) -> None:
    turns, sent, _, time = bench(seconds)
    daemon_frames(turns, time, throughput.WARM_UP)
    while not turns.stop.is_set():
        daemon_frames(turns, time, throughput.TURN)  # 120 ms, and 70 ms of the bare models
        turns()
    assert len(sent) - 1 == expected


def test_overhead_is_what_was_taken_beyond_the_bare_models_turn_by_turn() -> None:
    assert throughput.overhead({"daemon_ms": [11.0, 6.0, 4.0], "bare_ms": [10.0, 4.0, 5.0]}) == pytest.approx(
        [0.1, 0.5, -0.2]
    )


# -- latency --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switches", "pins", "expected"),
    [
        ([], [], []),
        ([1.0, 2.0], [1.1, 2.2], [1.1, 2.2]),
        ([1.0, 2.0, 3.0], [1.1, 3.3], [1.1, None, 3.3]),  # the second was lost: the third's edge is not its
        ([1.0, 2.0], [0.5, 1.1, 1.2, 2.1], [1.1, 2.1]),  # an edge nobody asked for, before; a pulse, after
        ([1.0], [], [None]),
    ],
)
def test_an_alert_is_answered_by_the_first_edge_before_the_next_alert(
    switches: list[float], pins: list[float], expected: list[float | None]
) -> None:
    assert latency.edges(switches, pins) == expected


def test_a_latencys_parts_add_up_to_it() -> None:
    row = {"capture": 9.0, "find": 0.004, "crop": 0.001, "classify": 0.002, "rest": 7.0}
    made = latency.parts_of(0.010, 0.001, row)
    assert made["edge"] == pytest.approx(0.002)
    assert sum(made[part] for part in latency.PARTS) == pytest.approx(made["total"])
    assert latency.columns([made])["find"] == [4.0]


@pytest.mark.parametrize(("share", "worst"), [(0.01, [100]), (0.02, [100, 99])])
def test_the_slowest_hundredth_says_what_it_is_made_of(share: float, worst: list[int]) -> None:
    totals = [float(number) for number in range(1, 101)]
    ms = {"total": totals, **dict.fromkeys(latency.PARTS[:-1], totals), "edge": [0.0] * 100}
    found = latency.slowest(ms, share)
    assert (found["wait"], found["edge"]) == (sum(worst) / len(worst), 0.0)


def test_an_alert_can_be_over_and_forgotten_before_the_next_visit() -> None:
    settings = counted_daemon.default_settings(**latency.SETTINGS)
    frame = 1 / settings.camera.fps
    assert settings.alert.clear < frame
    assert settings.opinion.forget < (latency.ABSENT + 1) * frame
    assert settings.alert.hold == 0


# -- whole ----------------------------------------------------------------------------------------------------------


@BUNDLES
@DEMO
def test_a_short_measurement_is_complete_and_its_tables_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CROWDS", (1,))
    monkeypatch.setattr(pipeline, "ROUNDS", 1)
    said: list[str] = []
    record = pipeline.measure(0.0, 4, said.append)
    assert said == ["pipeline: 1 faces", "pipeline: 4 alerts"]
    (one,) = record["crowds"]
    assert one["turns"]["found"] == [1.0] * throughput.MIN_TURNS
    assert 0 < min(one["turns"]["judged"]) <= max(one["turns"]["judged"]) < 0.5  # settled: not at every frame
    assert all(min(one["turns"][name]) > 0 for name in ("daemon_ms", "bare_ms", "daemon_cpu_ms", "bare_cpu_ms"))
    assert 30 < one["memory_mb"]["resident"] <= one["memory_mb"]["peak"] < 200
    late = record["latency"]
    assert (late["alerts"] >= 3, late["lost_edges"]) == (True, 0)
    assert late["frames"]["captured"] >= late["frames"]["looked_at"] == 4 * (latency.PRESENT + latency.ABSENT)
    assert min(late["ms"]["classify"]) > 0  # each was judged anew
    assert all(total >= wait >= 0 for total, wait in zip(late["ms"]["total"], late["ms"]["wait"], strict=True))
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    records.save(record, tmp_path / "benchmarks" / "results")
    assert [line.count("|") for line in speed.pipeline().splitlines()] == [10] * 3 + [0] + [8] * 3 + [0] + [9] * 3


@pytest.mark.parametrize(
    ("arguments", "module", "expected"),
    [
        (["pipeline"], pipeline, (pipeline.SECONDS, pipeline.ALERTS)),
        (["pipeline", "--seconds", "5", "--alerts", "9"], pipeline, (5.0, 9)),
        (["soak"], soak, (soak.MINUTES,)),
        (["soak", "--minutes", "2"], soak, (2.0,)),
    ],
)
def test_the_commands_measure_for_as_long_as_they_are_told_and_say_how_it_goes_on_stderr(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    module: Any,
    expected: tuple[float, ...],
) -> None:
    asked: list[Any] = []

    def measure(*given: Any) -> dict[str, Any]:
        *numbers, say = given
        asked.extend(numbers)
        say("it goes well")
        (known, *_) = (RESULTS / "intel-xeon-processor").glob(f"{arguments[0]}.json")
        record = json.loads(known.read_text())
        return {**record, "host": {**record["host"], "board": "A board", "load": 0.1}}

    monkeypatch.setattr(module, "measure", measure)
    cli([*arguments, "--results", str(tmp_path)], standalone_mode=False)
    told = capsys.readouterr()
    (path,) = tmp_path.rglob(f"{arguments[0]}.json")
    *table, last = told.out.splitlines()
    assert (last, told.err) == (f"wrote {path}", "it goes well\n")
    assert len(table) >= 3  # its head, a row, an empty line
    assert "A board" not in told.out  # one board alone needs no name
    assert asked == list(expected)
    assert json.loads(path.read_text())["host"]["board"] == "A board"
