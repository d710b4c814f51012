"""The whole daemon, through fake parts passed in: a finder and a judge that go by colour."""

import io
import json
import math
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import cv2
import pytest
from colour_door import (
    CLOTH,
    GREY,
    SKIN,
    ColourFinder,
    Flaky,
    Reel,
    changes,
    events,
    parts,
    scene,
    shown,
    switches,
)
from defaults import opinion, rules
from gpiozero.pins.mock import MockFactory

from maskwatch.camera import open_source
from maskwatch.config import CameraSettings, Settings
from maskwatch.daemon import loop
from maskwatch.daemon.kept_pictures import Wall
from maskwatch.daemon.parts import Preparation, adjust, build
from maskwatch.daemon.systemd import Notifier
from maskwatch.daemon.timing import STAGES, StageTimes
from maskwatch.errors import SourceError
from maskwatch.flow import Face, Image
from maskwatch.presence.motion import MotionGate
from maskwatch.presence.quiet_hours import QuietHours


@pytest.mark.usefixtures("pins")
def test_bare_then_masked_switches_on_then_off_and_the_pins_follow() -> None:
    stream = io.StringIO()
    reel = Reel([*shown(GREY, 0, 1), *shown(SKIN, 1, 4), *shown(CLOTH, 4, 9)])
    loop.run(parts(reel, stream), threading.Event())
    assert [name for name, _ in switches(stream)] == ["alert_on", "alert_off"]
    (_, on), (_, off) = switches(stream)
    assert on == 2.0  # hold = 1 s after the first bare frame
    assert 6.0 < float(str(off)) < 7.5  # the opinion turns, then clear = 2 s
    assert changes(stream, "buzzer") == changes(stream, "led") == [True, False]
    assert reel.closed == 1


def test_a_source_that_ends_in_an_alert_leaves_everything_off(pins: MockFactory) -> None:
    stream = io.StringIO()
    loop.run(parts(Reel(shown(SKIN, 0, 3)), stream), threading.Event())
    assert switches(stream) == [("alert_on", 1.0), ("alert_off", 2.9)]
    assert [pins.pin(number).function for number in (17, 27)] == ["input", "input"]
    assert changes(stream, "buzzer") == [True, False]


@pytest.mark.usefixtures("pins")
def test_a_source_that_fails_in_an_alert_leaves_everything_off() -> None:
    stream = io.StringIO()
    reel = Reel(shown(SKIN, 0, 3), then=SourceError("unplugged"))
    with pytest.raises(SourceError, match="unplugged"):
        loop.run(parts(reel, stream), threading.Event())
    assert [name for name, _ in switches(stream)] == ["alert_on", "alert_off"]
    assert changes(stream, "led") == [True, False]
    assert reel.closed == 1


@pytest.mark.usefixtures("pins")
def test_a_stop_request_ends_the_loop() -> None:
    stop, stream = threading.Event(), io.StringIO()
    stop.set()
    reel = Reel(shown(SKIN, 0, 3))
    loop.run(parts(reel, stream), stop)
    assert (reel.place, reel.closed, events(stream)) == (0, 1, [])


@pytest.mark.usefixtures("pins")
def test_duration_counts_the_frames_own_seconds() -> None:
    reel = Reel(shown(GREY, 0, 9))
    loop.run(parts(reel, io.StringIO()), threading.Event(), duration=2.0)
    assert reel.place == 21  # the frame at 2.0 s is the first one not looked at


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(("min_size", "alerts"), [(24.0, 2), (24.5, 0)])  # the face is 24 pixels wide
def test_faces_under_min_size_are_ignored(min_size: float, alerts: int) -> None:
    stream = io.StringIO()
    loop.run(parts(Reel(shown(SKIN, 0, 3)), stream, min_size), threading.Event())
    assert len(switches(stream)) == alerts


@pytest.mark.usefixtures("pins")
def test_a_video_gives_the_same_switches_at_every_run(tmp_path: Path) -> None:
    path = tmp_path / "door.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for _, colour in [*shown(SKIN, 0, 3), *shown(CLOTH, 3, 8)]:
        writer.write(scene(colour)[..., ::-1])
    writer.release()
    runs = []
    for _ in range(2):
        stream = io.StringIO()
        loop.run(parts(open_source(CameraSettings(source=f"video:{path}")), stream), threading.Event())
        runs.append(switches(stream))
    assert runs[0] == runs[1]
    assert [name for name, _ in runs[0]] == ["alert_on", "alert_off"]
    assert runs[0][0] == ("alert_on", 1.0)


@pytest.mark.usefixtures("pins")
def test_the_stages_of_a_frame_add_up_to_its_time() -> None:
    ticks = iter(range(1_000_000))
    stages = StageTimes(clock=lambda: next(ticks) / 1000)  # every look at the clock is a millisecond later
    made = parts(Reel(shown(SKIN, 0, 2)), io.StringIO())
    made.tracker.opinion = opinion(recheck=0)  # everybody is judged in every frame
    loop.run(made, threading.Event(), math.inf, stages)
    rows = [line.split() for line in stages.table().splitlines()]
    assert [row[0] for row in rows] == ["stage", *STAGES, "total"]
    assert [row[1] for row in rows[1:]] == ["1.00"] * 5 + ["5.00"]
    assert "(20 frames)" in stages.table()


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize("covered", [False, True])
def test_a_camera_lost_in_an_alert_ends_it_shows_a_fault_and_the_watch_begins_anew(covered: bool) -> None:
    stream = io.StringIO()
    loop.run(parts(Flaky(shown(SKIN, 0, 12), (3.0, 6.0), "it hangs", covered), stream), threading.Event())
    told = [event for event in events(stream) if event["event"] != "pin"]
    names = [event["event"] for event in told]
    assert names == ["alert_on", "fault", "alert_off", "fault_over", "alert_on", "alert_off"]
    assert told[1]["reason"] == "it hangs"
    off, over, on = (float(str(told[place]["time"])) for place in (2, 3, 4))
    assert (off <= 3.0, over, on) == (True, 5.9 if covered else 2.9, 6.0)  # the same person, who is not forgotten
    assert changes(stream, "buzzer") == [True, False, True, False]


@pytest.mark.usefixtures("pins")
def test_in_quiet_hours_nothing_sounds_and_who_is_still_there_is_alerted_of_after_them() -> None:
    stream = io.StringIO()
    reel = Reel(shown(SKIN, 0, 8))
    made = parts(reel, stream)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    made.quiet_hours = QuietHours.of(
        [("11:00", "12:01")], "UTC", lambda: noon + timedelta(seconds=20 * reel.place / 10)
    )
    loop.run(made, threading.Event())
    assert switches(stream)[0] == ("alert_on", 2.9)  # the 30th frame is read at 12:01 of that fast clock


@pytest.mark.usefixtures("pins")
def test_the_frame_rate_is_capped_and_the_alert_comes_all_the_same() -> None:
    stream, finder = io.StringIO(), Counting()
    made = parts(Reel(shown(SKIN, 0, 6)), stream)
    made.finder, made.max_fps = finder, 2.0
    loop.run(made, threading.Event())
    assert finder.calls == 12
    assert switches(stream)[0] == ("alert_on", 1.0)


@pytest.mark.usefixtures("pins")
def test_while_nothing_moves_nobody_looks_and_who_comes_is_seen() -> None:
    stream, finder = io.StringIO(), Counting()
    made = parts(Reel([*shown(GREY, 0, 30), *shown(SKIN, 30, 34)]), stream)
    made.finder, made.motion_gate = finder, MotionGate()
    loop.run(made, threading.Event())
    assert finder.calls < 20 + 6 + 40 + 2  # the beginning, a look each 5 s, and while somebody is there
    assert switches(stream)[0] == ("alert_on", 31.0)


class Counting(ColourFinder):
    calls = aheads = input_size = 0

    def prepare(self, image: Image) -> None:  # noqa: ARG002
        self.aheads += 1

    def find(self, image: Image) -> list[Face]:
        self.calls += 1
        return super().find(image)


@pytest.mark.usefixtures("pins")
def test_settings_that_change_while_it_runs_are_followed() -> None:
    stream = io.StringIO()
    made = parts(Reel(shown(SKIN, 0, 9)), stream)
    turns = iter(range(1000))

    def change() -> None:
        if next(turns) == 30:
            adjust(made, Settings.model_validate({"face": {"min_size": 200.0}}))

    loop.run(made, threading.Event(), before_each=change)
    assert [name for name, _ in switches(stream)] == ["alert_on", "alert_off"]
    assert float(str(switches(stream)[1][1])) == pytest.approx(5.0, abs=0.2)  # last seen at 2.9, clear = 2 s


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("power", "ahead"), [({}, True), ({"gate": True}, False), ({"max_fps": 5.0}, False)], ids=["usual", "gate", "cap"]
)
def test_what_is_made_ahead_is_not_made_for_frames_that_are_spared(power: dict[str, Any], ahead: bool) -> None:
    finder = Counting()
    made = parts(Reel(()), io.StringIO())
    made.preparation = Preparation(finder)
    adjust(made, Settings.model_validate({"power": power}))
    made.preparation(GREY)
    assert (finder.aheads == 1) is ahead


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(("rotation", "ahead"), [(0, True), (90, False)])
def test_a_live_camera_works_ahead_unless_its_frames_are_turned(
    monkeypatch: pytest.MonkeyPatch, rotation: int, ahead: bool
) -> None:
    finder = Counting()
    monkeypatch.setattr("maskwatch.daemon.parts.build_finder", lambda _: finder)
    monkeypatch.setattr("maskwatch.daemon.parts.build_classifier", lambda _: finder)
    settings = Settings.model_validate({"camera": {"source": "demo", "rotation": rotation}})
    made = build(settings)
    try:
        assert made.source.read(5.0) is not None
    finally:
        made.source.close()
        made.outputs.close()
    assert (finder.aheads > 0) is ahead


@pytest.mark.usefixtures("pins")
def test_every_turn_is_a_sign_of_life_also_while_no_frame_comes() -> None:
    class Fed(Notifier):
        told: ClassVar[list[str]] = []

        def _send(self, text: str) -> bool:
            self.told.append(text)
            return True

    ticks = iter(range(10_000))
    fed = Fed("x", 1.0, lambda: float(next(ticks)))
    loop.run(
        parts(Flaky(shown(GREY, 0, 3), (1.0, 2.0), "it hangs", False), io.StringIO()), threading.Event(), notifier=fed
    )
    assert fed.told[0] == "READY=1"
    assert fed.told.count("WATCHDOG=1") == 30
    assert [text for text in fed.told if text.startswith("STATUS")] == [
        "STATUS=watching",
        "STATUS=it hangs",
        "STATUS=watching",
    ]
    assert fed.told[-1] == "STOPPING=1"


SIGNALLED = """
import sys; sys.path.insert(0, sys.argv[1])
import itertools, time
from colour_door import SKIN, Reel, parts
from maskwatch.daemon import loop as daemon, signals

class Endless(Reel):
    def read(self, wait):
        time.sleep(0.005)
        return super().read(wait)

stop = signals.stand().stop
reel = Endless([(step / 10, SKIN) for step in range(100_000)])
daemon.run(parts(reel, sys.stdout), stop)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_an_alert_ends_it_with_every_pin_off(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNALLED, str(Path(__file__).parents[1] / "support")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock"},
    )
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]  # the alert and both pins
    process.send_signal(number)
    lines += [json.loads(line) for line in process.communicate(timeout=20)[0].splitlines()]
    assert process.returncode == 0
    for name in ("buzzer", "led"):
        assert [line["on"] for line in lines if line.get("name") == name] == [True, False]
    assert [line["event"] for line in lines if line["event"] != "pin"] == ["alert_on", "alert_off"]


# -- hours, restarts and slow boards --------------------------------------------------------------------------------


@pytest.mark.usefixtures("pins")
def test_a_loop_too_slow_for_its_settings_alerts_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = io.StringIO()
    reel = Reel([(2.0 * step, SKIN) for step in range(30)])
    loop.run(parts(reel, stream), threading.Event())
    assert switches(stream)[0] == ("alert_on", 2.0)
    (told,) = [record.message for record in caplog.records if "too rarely" in record.message]
    assert told.startswith("a frame is processed only every 2 s, too rarely for [alert] hold = 1")


@pytest.mark.usefixtures("pins")
def test_a_picture_that_was_learnt_is_known_after_a_restart(tmp_path: Path) -> None:
    told = []
    for _ in range(2):
        stream = io.StringIO()
        made = parts(Reel(shown(SKIN, 0, 90)), stream)
        made.tracker.opinion, made.wall = opinion(motionless=60.0), Wall(tmp_path, "door")
        made.tracker.hang(made.wall.load())
        loop.run(made, threading.Event())
        told.append([name for name, _ in switches(stream)])
    assert told == [["alert_on", "alert_off"], []]


@pytest.mark.usefixtures("pins")
def test_a_camera_that_drops_out_each_minute_gives_nobody_a_new_alarm() -> None:
    class Dropping(Flaky):
        @property
        def trouble(self) -> str | None:
            return "it hangs" if self._now % 60 > 58 else None

    stream = io.StringIO()
    made = parts(Dropping(shown(SKIN, 0, 300), (0, 0), "", covered=True), stream)
    made.policy.rules = rules(longest=30.0)
    loop.run(made, threading.Event())
    assert [name for name, _ in switches(stream)].count("alert_on") == 1
