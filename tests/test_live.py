"""A live camera that fails is opened again, says why it cannot see meanwhile, and is given up in the end."""

import logging
import queue
import threading
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from maskwatch.camera import live
from maskwatch.camera.live import Live, Patience
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

UNPLUGGED = SourceError("door: unplugged")
PATIENCE = Patience(stall=5, frozen=10, dark=30, give_up=120)
LONG = 10.0  # seconds; only a test that fails waits so long


def picture(number: int, size: tuple[int, int] = (64, 36)) -> Image:
    """A picture of its own with features; its first byte is the number."""
    image = np.random.default_rng(number).integers(0, 255, (4, 4, 3)).repeat(9, 0).repeat(16, 1).astype(np.uint8)
    image = np.ascontiguousarray(image[: size[1], : size[0]])
    image[0, 0, 0] = number
    return image


class Camera:
    """Delivers what it is told to, one grab at a time; an error is raised, None ends it."""

    def __init__(self, closes: bool = True, words: str = "") -> None:
        self._feed: queue.Queue[Image | Exception | None] = queue.Queue()
        self._asked = threading.Semaphore(0)
        self._free = threading.Event()  # close() may return
        if closes:
            self._free.set()
        self.closing = threading.Event()
        self.words = words

    def grab(self) -> Image | None:
        self._asked.release()
        item = self._feed.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.closing.set()
        self._free.wait(LONG)

    def describe(self) -> str:
        return self.words

    def show(self, *images: Image) -> None:
        """Deliver them and wait until the last was taken in."""
        for image in images:
            assert self._asked.acquire(timeout=LONG)
            self._feed.put(image)
        assert self._asked.acquire(timeout=LONG)
        self._asked.release()

    def fail_with(self, image: Image) -> None:
        """Deliver one after which nobody grabs again."""
        self._feed.put(image)

    def end(self, error: Exception | None = None) -> None:
        self._feed.put(error)

    def let_go(self) -> None:
        self._free.set()
        self.end()


class Bench:
    """A clock that stands still, and cameras to be had one after the other; an error is a failing opening."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []  # seconds before each opening
        self.openings = 0
        self._cameras: queue.Queue[Camera | Exception] = queue.Queue()
        self._all: list[Camera] = []
        self._waiting, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._over = False
        self.source: Live

    def start(self, *cameras: Camera | Exception, asked: tuple[int, int] | None = None, late: bool = False) -> Live:
        """A source of the cameras; the first one is open already unless it is late."""
        for camera in cameras:
            self._cameras.put(camera)
        first = None if late else self._open()
        self.source = Live(self._open, "door", PATIENCE, first, asked, lambda: self.now, self._pause)
        return self.source

    def failed(self) -> None:
        """Wait until an opening, or what came of it, has failed and was closed."""
        assert self._waiting.acquire(timeout=LONG)

    def reopen(self) -> None:
        self._go.release()

    def end(self) -> None:
        self._over = True
        for camera in self._all:
            camera.let_go()
        self._cameras.put(SourceError("over"))
        self._go.release()
        self.source.close()
        self.source.close()

    def _open(self) -> Camera:
        self.openings += 1
        camera = self._cameras.get()
        if isinstance(camera, Exception):
            raise camera
        self._all.append(camera)
        return camera

    def _pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._waiting.release()
        if not self._over:
            self._go.acquire(timeout=LONG)


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Iterator[Bench]:
    caplog.set_level(logging.INFO, "maskwatch")
    bench = Bench()
    yield bench
    bench.end()


def frame_of(source: Live) -> int:
    """The number of the frame that is there."""
    frame = source.read(LONG)
    assert isinstance(frame, Frame)
    return int(frame.image[0, 0, 0])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_only_the_newest_frame_is_kept(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    camera.show(picture(1), picture(2), picture(3))
    assert frame_of(source) == 3
    assert source.read(0) is None
    camera.end()
    assert source.read(LONG) is None
    assert source.ended
    assert camera.closing.wait(LONG)


def test_each_frame_is_shown_ahead_on_the_capturing_thread_before_it_can_be_read() -> None:
    camera, shown = Camera(), []
    source: Live

    def ahead(image: Image) -> None:
        shown.append((int(image[0, 0, 0]), threading.current_thread().name, source.read(0.0)))

    source = Live(lambda: camera, "door", PATIENCE, ahead=ahead)
    try:
        for number in (1, 2):
            camera.show(picture(number))
            assert frame_of(source) == number
    finally:
        camera.end()
        source.close()
    assert shown == [(1, "capture door", None), (2, "capture door", None)]


def test_no_frame_is_shown_ahead_while_another_waits_to_be_read(bench: Bench) -> None:
    camera, shown = Camera(), []
    source = bench.start(camera)
    source._ahead = lambda image: shown.append(int(image[0, 0, 0]))
    camera.show(picture(1), picture(2))
    assert frame_of(source) == 2
    camera.show(picture(3))
    assert shown == [1, 3]


def test_a_defect_in_what_is_done_ahead_reaches_the_reader(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    source._ahead = lambda _: 1 / 0
    camera.fail_with(picture(1))
    with pytest.raises(ZeroDivisionError):
        source.read(LONG)


def test_a_frozen_picture_is_not_shown_ahead(bench: Bench) -> None:
    camera, shown = Camera(), []
    source = bench.start(camera, Camera())
    source._ahead = lambda image: shown.append(int(image[0, 0, 0]))
    camera.show(picture(1))
    assert frame_of(source) == 1  # none waits: it is the freezing alone that keeps the next one back
    bench.now = PATIENCE.frozen
    camera.fail_with(picture(1))
    bench.failed()
    bench.reopen()
    assert shown == [1]


def test_times_run_on_over_an_opening(bench: Bench) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    times = []
    for camera, now in ((first, 1.0), (first, 2.0), (second, 9.0)):
        bench.now = now
        camera.show(picture(int(now)))
        frame = source.read(LONG)
        assert frame is not None
        times.append(frame.time)
        if now == 2.0:
            first.end(UNPLUGGED)
            bench.failed()
            bench.reopen()
    assert times == [1.0, 2.0, 9.0]


def test_a_camera_that_vanishes_is_opened_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    first.show(picture(1))
    assert frame_of(source) == 1
    first.end(UNPLUGGED)
    bench.failed()
    assert first.closing.is_set()
    for _ in range(3):
        assert source.read(0) is None
        assert source.trouble == "unplugged"
    bench.now = 4.0
    bench.reopen()
    second.show(picture(2))
    assert frame_of(source) == 2
    assert source.trouble is None
    assert said(caplog) == ["WARNING door: unplugged", "INFO door: sees again, after 4 s"]


def test_a_failure_ends_one_waiting_read_and_no_more(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    camera.end(UNPLUGGED)
    begun = time.monotonic()
    assert source.read(LONG) is None
    assert time.monotonic() - begun < LONG / 4
    assert source.trouble == "unplugged"
    begun = time.monotonic()
    assert source.read(0.05) is None
    assert time.monotonic() - begun >= 0.05  # or the daemon's loop would spin


def test_an_opening_that_fails_is_tried_again_with_growing_delays(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    camera, gone, busy = Camera(), SourceError("door: no such device"), SourceError("door: busy")
    source = bench.start(Camera(), gone, gone, busy, gone, camera)
    bench._all[0].end(UNPLUGGED)
    for reason in ("unplugged", "no such device", "no such device", "busy", "no such device"):
        bench.failed()
        source.read(0)
        assert source.trouble == reason
        bench.reopen()
    camera.show(picture(1))
    assert frame_of(source) == 1
    assert bench.waits == [0.5, 1, 2, 4, 8]
    lines = [f"WARNING door: {reason}" for reason in ("unplugged", "no such device", "busy")]  # each once
    assert said(caplog) == [*lines, "INFO door: sees again, after 0 s"]


def test_delays_double_up_to_half_a_minute() -> None:
    assert list(islice(live.delays(), 8)) == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("held", "wait"), [(59.0, 1.0), (60.0, 0.5)])
def test_delays_begin_anew_once_an_opening_has_held(bench: Bench, held: float, wait: float) -> None:
    first, second = Camera(), Camera()
    bench.start(first, second)
    first.end(UNPLUGGED)
    bench.failed()
    bench.reopen()
    second.show(picture(1))
    bench.now = held
    second.end(UNPLUGGED)
    bench.failed()
    assert bench.waits == [0.5, wait]


def test_a_frozen_camera_is_opened_again_and_seen_only_when_its_picture_changes(bench: Bench) -> None:
    first, second, third = Camera(), Camera(), Camera()
    source = bench.start(first, second, third)
    for bench.now in (0.0, 9.0):
        first.show(picture(1))
        assert frame_of(source) == 1
    bench.now = 10.0
    first.fail_with(picture(1))
    bench.failed()
    bench.reopen()
    for bench.now in (20.0, 29.0):  # not before it had its 10 s, counted from the opening
        second.show(picture(1))
        assert source.read(0) is None
        assert source.trouble == "frozen: the same picture for 10 s"
    assert not second.closing.is_set()
    bench.now = 30.0
    second.fail_with(picture(1))
    bench.failed()
    bench.reopen()
    third.show(picture(2))
    assert frame_of(source) == 2
    assert source.trouble is None


def test_a_covered_lens_is_told_for_as_long_as_it_lasts_and_frames_go_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    camera = Camera()
    source = bench.start(camera)
    for bench.now in (0.0, 29.0, 30.0, 1e3, 1e6):
        cap = np.zeros((36, 64, 3), np.uint8)
        cap[0, 0, 0] = len(str(bench.now))  # sensors are never still
        camera.show(cap)
        frame_of(source)
        assert source.trouble == (None if bench.now < 30 else "covered: black or featureless for 30 s")
    camera.show(picture(1))
    assert frame_of(source) == 1
    assert source.trouble is None
    assert (bench.openings, camera.closing.is_set()) == (1, False)
    assert [line.split()[0] for line in said(caplog)] == ["WARNING", "INFO"]


def test_a_covered_camera_that_vanishes_is_told_as_vanished_and_given_up(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    for bench.now in (0.0, 30.0):
        camera.show(np.full((36, 64, 3), int(bench.now) // 15, np.uint8))
        source.read(LONG)
    assert str(source.trouble).startswith("covered")
    camera.end(UNPLUGGED)
    bench.failed()
    bench.now = 200.0
    source.read(0)
    assert source.trouble == "unplugged"
    bench.now = 320.0  # 120 s after it was noticed; the cover does not count
    with pytest.raises(SourceError, match="unplugged; given up"):
        source.read(0)


def test_a_size_that_changes_is_trouble_until_the_camera_is_opened_again(bench: Bench) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    first.show(picture(1))
    assert frame_of(source) == 1
    first.fail_with(picture(2, (32, 18)))
    bench.failed()
    assert source.read(0) is None
    assert source.trouble == "frames of 32x18, 64x36 until now"
    bench.reopen()
    second.show(picture(3, (32, 18)))
    assert frame_of(source) == 3
    assert source.trouble is None


@pytest.mark.parametrize(("asked", "note"), [((64, 36), ""), ((128, 72), "frames of 64x36, 128x72 were asked for")])
def test_a_size_that_was_not_asked_for_is_noted_but_no_trouble(
    bench: Bench, caplog: pytest.LogCaptureFixture, asked: tuple[int, int], note: str
) -> None:
    first, second = Camera(words="HD Webcam"), Camera(words="HD Webcam")
    source = bench.start(first, second, asked=asked)
    for camera in (first, second):
        camera.show(picture(1 if camera is first else 2))
        frame_of(source)
        assert source.trouble is None
        assert source.describe() == ", ".join(filter(None, ["HD Webcam", note]))
        if camera is first:
            first.end(UNPLUGGED)
            bench.failed()
            bench.reopen()
    assert said(caplog).count(f"WARNING door: {note}") == bool(note)  # once, not at each opening


def test_a_driver_that_hangs_holds_nobody_up_and_is_given_up(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera, Camera())
    camera.show(picture(1))
    assert frame_of(source) == 1
    for bench.now, trouble in ((5.0, None), (5.1, "no frame for 5 s"), (125.0, "no frame for 5 s")):
        assert source.read(0) is None
        assert source.trouble == trouble
    bench.now = 125.2
    with pytest.raises(SourceError, match=r"^door: no frame for 5 s; given up after 120 s$"):
        source.read(0)
    assert bench.openings == 1  # no second driver hangs beside it


def test_a_driver_that_comes_back_is_followed_again(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    bench.now = 100.0
    source.read(0)
    assert source.trouble == "no frame for 5 s"
    camera.show(picture(1))
    assert frame_of(source) == 1
    assert source.trouble is None


def test_a_driver_that_hangs_when_it_is_closed_is_given_up_and_left_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = Camera(closes=False)
    source = bench.start(camera, Camera())
    camera.end(UNPLUGGED)
    assert camera.closing.wait(LONG)
    source.read(0)
    assert source.trouble == "unplugged"
    bench.now = 120.0
    with pytest.raises(SourceError, match="unplugged; given up"):
        source.read(0)
    assert bench.openings == 1
    monkeypatch.setattr(live, "CLOSE_WITHIN", 0.01)
    begun = time.monotonic()
    source.close()
    assert time.monotonic() - begun < LONG / 4


def test_an_opening_that_takes_long_holds_nobody_up(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(late=True)
    assert source.read(0) is None
    assert source.trouble is None
    bench.now = 5.1
    source.read(0)
    assert source.trouble == "no frame for 5 s"
    bench._cameras.put(camera)
    camera.show(picture(1))
    assert frame_of(source) == 1
    assert source.trouble is None


def test_every_trouble_has_its_own_time_until_it_is_given_up(bench: Bench) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    first.end(UNPLUGGED)
    bench.failed()
    source.read(0)
    bench.now = 119.0
    source.read(0)
    bench.reopen()
    second.show(picture(1))
    assert frame_of(source) == 1
    second.end(UNPLUGGED)
    bench.failed()
    bench.now = 130.0
    source.read(0)
    bench.now = 249.0
    source.read(0)
    bench.now = 250.0
    with pytest.raises(SourceError):
        source.read(0)


def test_a_camera_that_cannot_be_closed_is_opened_again_all_the_same(bench: Bench) -> None:
    class Stuck(Camera):
        def close(self) -> None:
            raise SourceError("door: cannot be closed")

    first, second = Stuck(), Camera()
    source = bench.start(first, second)
    first.end(UNPLUGGED)
    bench.failed()
    bench.reopen()
    second.show(picture(1))
    assert frame_of(source) == 1


def test_a_defect_is_no_failing_camera_and_keeps_its_traceback(bench: Bench) -> None:
    camera = Camera()
    source = bench.start(camera)
    camera.end(ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        source.read(LONG)
    assert source.ended
    assert camera.closing.is_set()


def test_closing_does_not_wait_for_the_next_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_DELAY", LONG)
    camera = Camera()
    source = Live(lambda: camera, "door", PATIENCE, camera)
    camera.end(UNPLUGGED)
    assert camera.closing.wait(LONG)
    source.close()
    assert "capture door" not in [thread.name for thread in threading.enumerate()]
