"""Pictures on the wall outlive a restart, and the file they are kept in can harm nobody."""

import json
import logging
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskwatch.daemon.kept_pictures import EVERY, NAME, Wall
from maskwatch.flow import Box
from maskwatch.presence.tracker import THINGS, Picture
from maskwatch.system import whole_file

PICTURES = (Picture(Box(10.25, 20, 110.5, 140), 7000.5, 12.0), Picture(Box(-3, 0, 40, 50), 700.0))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    Wall(tmp_path, "door").save(PICTURES)
    assert Wall(tmp_path, "door").load() == PICTURES
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_without_a_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = Wall.from_environment("door", {})
    nowhere.save(PICTURES)
    nowhere.keep(PICTURES, 0.0)
    assert nowhere.load() == ()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_first_that_systemd_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Wall.from_environment("door", {"STATE_DIRECTORY": f"{tmp_path / 'a'}:{tmp_path / 'b'}"}).save(PICTURES)
    assert (tmp_path / "a" / NAME).exists()


def test_the_first_start_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Wall(tmp_path, "door").load() == ()
    assert not caplog.records


def pictures_json(rows: object, schema: object = 1) -> str:
    camera = Wall(None, "door")._camera
    return json.dumps({"schema": schema, "camera": camera, "pictures": rows})


BROKEN = {
    "empty": "",
    "cut short": pictures_json([[0, 0, 9, 9, 700, 0]])[:-9],
    "no JSON": "<xml>",
    "another kind": "[1, 2]",
    "another schema": pictures_json([], schema=2),
    "no list": pictures_json({"a": 1}),
    "too many": pictures_json([[0, 0, 9, 9, 700, 0]] * (THINGS + 1)),
    "a word": pictures_json([[0, 0, 9, "9", 700, 0]]),
    "a truth": pictures_json([[0, 0, 9, True, 700, 0]]),
    "five numbers": pictures_json([[0, 0, 9, 9, 700]]),
    "not a number": pictures_json([[0, 0, float("nan"), 9, 700, 0]]),
    "infinite": pictures_json([[0, 0, 9, 9, float("inf"), 0]]),
    "inside out": pictures_json([[9, 0, 0, 9, 700, 0]]),
    "before the beginning": pictures_json([[0, 0, 9, 9, -700, 0]]),
    "long numbers": pictures_json([]).replace("[]", "[[" + "9" * 5000 + "]]"),
    "deep": "[" * 20000,
    "large": pictures_json([]) + " " * 70000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_ignored_with_one_line(text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).write_text(text)
    kept = Wall(tmp_path, "door")
    assert kept.load() == ()
    (record,) = caplog.records
    assert record.message.startswith(f"{tmp_path / NAME}: not used (")
    assert "\n" not in record.message
    assert len(record.message) < 400
    kept.save(PICTURES)
    assert Wall(tmp_path, "door").load() == PICTURES


def test_pictures_of_another_camera_are_not_this_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Wall(tmp_path, "v4l2:/dev/video0 1280x720").save(PICTURES)
    assert Wall(tmp_path, "v4l2:/dev/video0 640x480").load() == ()
    assert "of another camera or frame size" in caplog.text


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_ignored_at_once(make: object, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make(tmp_path / NAME)  # type: ignore[operator]
    assert Wall(tmp_path, "door").load() == ()
    assert len(caplog.records) == 1


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 60))
def test_whatever_the_file_holds_the_watch_begins(tmp_path: Path, junk: bytes, start: int, cut: int) -> None:
    whole = pictures_json([[0, 0, 9, 9, 700, 0]]).encode()
    (tmp_path / NAME).write_bytes(whole[:start] + junk + whole[start + cut :])
    assert all(isinstance(each, Picture) for each in Wall(tmp_path, "door").load())


# -- how often, and by whom -----------------------------------------------------------------------------------------


class Disk:
    """Counts what is written, and may take its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes = 0
        self.threads: set[str] = set()
        self.ready = threading.Event()
        self.ready.set()
        real = whole_file.write

        def replace(path: Path, text: str) -> None:
            assert self.ready.wait(20)
            self.writes += 1
            self.threads.add(threading.current_thread().name)
            real(path, text)

        monkeypatch.setattr(whole_file, "write", replace)


def settled(kept: Wall) -> None:
    if kept._writer:
        kept._writer.join(20)


def test_the_card_is_written_seldom_and_only_for_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, kept = Disk(monkeypatch), Wall(tmp_path, "door")
    for step in range(24 * 60):  # a day, each minute
        known = PICTURES[: 1 + (step > 720)]
        older = [Picture(each.box, each.seen + 60 * step) for each in known]
        kept.keep(older, 60.0 * step)
        settled(kept)
    assert 2 <= disk.writes <= 8  # the second picture, and a time that has doubled
    assert disk.threads == {"pictures"}
    for step in range(60):  # a face that keeps coming and going
        kept.keep(PICTURES[: step % 2], 1e6 + 60.0 * step)
        settled(kept)
    assert disk.writes <= 8 + 60 * 60 / EVERY + 1


def test_a_card_that_hangs_does_not_hold_up_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, kept = Disk(monkeypatch), Wall(tmp_path, "door")
    disk.ready.clear()
    began = time.monotonic()
    for step in range(50):
        kept.keep(PICTURES[: step % 2], 1000.0 * step)
    assert time.monotonic() - began < 5
    assert sum(thread.name == "pictures" for thread in threading.enumerate()) == 1
    disk.ready.set()
    settled(kept)


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Wall(tmp_path / "gone", "door")
    for step in range(5):
        kept.save(PICTURES[: 1 + step % 2])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "not written" in record.message


def test_a_write_that_is_cut_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Wall(tmp_path, "door")
    kept.save(PICTURES[:1])

    def power_fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", power_fails)
    kept.save(PICTURES)
    assert Wall(tmp_path, "door").load() == PICTURES[:1]
