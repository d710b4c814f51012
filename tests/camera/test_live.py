"""A live camera that fails is opened again, says why it cannot see meanwhile, and is given up in the end."""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest

from maskwatch.camera import capture_thread, intake, live
from maskwatch.camera.failure import FailureDetector, FailureLimits
from maskwatch.camera.live import Live
from maskwatch.camera.pixels import FrameError
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

UNPLUGGED = SourceError("door: unplugged")
LIMITS = FailureLimits(stall=5, frozen=10, dark=30, give_up=120)
LONG = 10.0  # seconds; only a test that fails waits so long


@functools.cache
def picture(number: int, size: tuple[int, int] = (64, 36)) -> Image:
    """A picture of its own with features; its first byte is the number."""
    image = np.random.default_rng(number).integers(0, 255, (4, 4, 3)).repeat(9, 0).repeat(16, 1).astype(np.uint8)
    image = np.ascontiguousarray(image[: size[1], : size[0]])
    image[0, 0, 0] = number
    return image


class Camera:
    """Delivers what it is told to, one grab at a time; an error is raised, None ends it."""

    def __init__(self, closes: bool = True, words: str = "") -> None:
        self._feed: queue.Queue[Image | BaseException | None] = queue.Queue()
        self._requested_size = threading.Semaphore(0)
        self._free = threading.Event()  # close() may return
        if closes:
            self._free.set()
        self.closing = threading.Event()
        self.words = words

    def grab(self) -> Image | None:
        self._requested_size.release()
        item = self._feed.get()
        if isinstance(item, BaseException):
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
            assert self._requested_size.acquire(timeout=LONG)
            self._feed.put(image)
        assert self._requested_size.acquire(timeout=LONG)
        self._requested_size.release()

    def fail_with(self, image: Image) -> None:
        """Deliver one after which nobody grabs again."""
        self._feed.put(image)

    def end(self, error: BaseException | None = None) -> None:
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
        self._cameras: queue.Queue[Camera | BaseException] = queue.Queue()
        self._all: list[Camera] = []
        self._waiting, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._over = False
        self.source: Live

    def start(
        self,
        *cameras: Camera | BaseException,
        requested_size: tuple[int, int] | None = None,
        late: bool = False,
        prepare: Callable[[Image], object] | None = None,
    ) -> Live:
        """A source of the cameras; the first one is open already unless it is late."""
        for camera in cameras:
            self._cameras.put(camera)
        first = None if late else self._open()
        self.source = Live(self._open, "door", LIMITS, first, requested_size, lambda: self.now, self._pause, prepare)
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
        if isinstance(camera, BaseException):
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

    def prepare(image: Image) -> None:
        shown.append((int(image[0, 0, 0]), threading.current_thread().name, source.read(0.0)))

    source = Live(lambda: camera, "door", LIMITS, prepare=prepare)
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
    source = bench.start(camera, prepare=lambda image: shown.append(int(image[0, 0, 0])))
    camera.show(picture(1), picture(2))
    assert frame_of(source) == 2
    camera.show(picture(3))
    assert shown == [1, 3]


def test_a_defect_in_what_is_done_ahead_is_told_once_and_costs_no_frame(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    camera = Camera()
    source = bench.start(camera, prepare=lambda _: 1 / 0)
    for number in range(20):
        camera.show(picture(number))
        assert frame_of(source) == number
    assert source.trouble is None
    assert said(caplog) == ["WARNING door: preparing a frame failed: division by zero"]


def test_a_frozen_picture_is_not_shown_ahead(bench: Bench) -> None:
    camera, shown = Camera(), []
    source = bench.start(camera, Camera(), prepare=lambda image: shown.append(int(image[0, 0, 0])))
    camera.show(picture(1))
    assert frame_of(source) == 1  # none waits: it is the freezing alone that keeps the next one back
    bench.now = LIMITS.frozen
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
    assert list(islice(capture_thread.delays(), 8)) == [0.5, 1, 2, 4, 8, 16, 30, 30]


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


@pytest.mark.parametrize(
    ("requested_size", "note"), [((64, 36), ""), ((128, 72), "frames of 64x36, 128x72 were asked for")]
)
def test_a_size_that_was_not_asked_for_is_noted_but_no_trouble(
    bench: Bench, caplog: pytest.LogCaptureFixture, requested_size: tuple[int, int], note: str
) -> None:
    first, second = Camera(words="HD Webcam"), Camera(words="HD Webcam")
    source = bench.start(first, second, requested_size=requested_size)
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
    camera.show(picture(1), picture(2))
    assert frame_of(source) == 2
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
    for bench.now in (120.0, 125.0):
        second.show(picture(int(bench.now)))
        assert frame_of(source) == bench.now
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


ODD = (
    FrameError("door: half a picture"),
    ZeroDivisionError("a defect"),
    MemoryError(),
    OSError(5, "Input/output error"),
    RuntimeError("from a library"),
)


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_one_frame_that_raises_is_left_out_and_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    camera = Camera()
    source = bench.start(camera)
    for number in range(1, 30):
        camera.end(error)
        camera.show(picture(number))
        assert frame_of(source) == number
        assert source.trouble is None
    assert bench.openings == 1
    assert len([line for line in said(caplog) if "a frame was left out" in line]) == 1
    camera.end()
    source.close()
    assert said(caplog)[-1] == "INFO door: 29 frames were left out"


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_many_frames_in_a_row_that_raise_open_the_camera_again_and_are_given_up_in_the_end(
    bench: Bench, error: Exception
) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    for camera in (first, second):
        for _ in range(intake.MOST_SPOILT):
            camera.end(error)
        bench.failed()
        assert camera.closing.is_set()
        source.read(0)
        assert str(source.trouble).startswith("10 frames in a row cannot be used: ")
        if camera is first:
            bench.reopen()
    bench.now = 120.0
    with pytest.raises(SourceError, match=r"^door: 10 frames in a row cannot be used: .*; given up after 120 s$"):
        source.read(0)


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt()], ids=["SystemExit", "KeyboardInterrupt"])
def test_a_library_that_ends_its_thread_costs_an_opening_and_no_more(bench: Bench, error: BaseException) -> None:
    first, second = Camera(), Camera()
    source = bench.start(first, second)
    first.end(error)
    bench.failed()
    source.read(0)
    assert str(source.trouble).startswith("failed: ")
    assert not source.ended
    bench.reopen()
    second.show(picture(1))
    assert frame_of(source) == 1
    assert source.trouble is None


@pytest.mark.parametrize("error", [RuntimeError("libcamera"), SystemExit(1)], ids=["RuntimeError", "SystemExit"])
def test_what_opening_and_closing_raise_is_a_failed_opening(bench: Bench, error: BaseException) -> None:
    class Raising(Camera):
        def close(self) -> None:
            raise error

    first, third = Raising(), Camera()
    source = bench.start(first, error, third)
    first.end(UNPLUGGED)
    for _ in range(2):
        bench.failed()
        assert source.read(0) is None
        bench.reopen()
    third.show(picture(1))
    assert frame_of(source) == 1
    assert source.trouble is None


def test_a_defect_of_the_capture_itself_is_no_end_of_the_frames() -> None:
    def pause(_: float) -> None:
        raise ZeroDivisionError("a defect")

    camera = Camera()
    source = Live(lambda: camera, "door", LIMITS, camera, pause=pause)
    camera.end(UNPLUGGED)
    source._thread.join(LONG)
    with pytest.raises(SourceError, match=r"^door: capture ended: ZeroDivisionError$"):
        source.read(0)
    assert not source.ended


@pytest.mark.parametrize("rate", [0.2, 0.25, 0.5, 1, 5, 30, 60])
def test_a_slow_camera_is_well_and_a_silent_one_is_told_of_at_any_rate(bench: Bench, rate: float) -> None:
    camera = Camera()
    source = bench.start(camera)
    for number in range(1, 8):
        camera.show(picture(number))
        assert frame_of(source) == number
        for share in (0.5, 1.0, 1.3):  # a network's jitter
            bench.now = (number - 1 + share) / rate
            source.read(0)
            assert source.trouble is None
        bench.now = number / rate
    bench.now += 2 * LIMITS.stall + 0.1
    source.read(0)
    assert str(source.trouble).startswith("no frame for ")


@pytest.mark.parametrize("spell", [1, 2, 3])
def test_a_camera_that_gives_a_few_frames_an_opening_is_given_up(spell: int) -> None:
    given: dict[int, int] = {}

    def film(now: float) -> Image:
        given[flapping.openings] = given.get(flapping.openings, 0) + 1
        if given[flapping.openings] > spell:
            raise SourceError("door: unplugged")
        return picture(int(now) % 256)

    flapping = Played(film, 1.0)
    flapping.until(10_000.0)
    assert flapping.given_up == "door: unplugged; given up after 120 s"
    assert flapping.now < 200


def test_a_camera_is_never_given_up_where_that_is_asked(bench: Bench) -> None:
    bench.source = Live(bench._open, "door", FailureLimits(5, give_up=0), None, None, lambda: bench.now, bench._pause)
    bench._cameras.put(UNPLUGGED)
    bench.failed()
    for bench.now in (1.0, 1e4, 1e7):
        assert bench.source.read(0) is None
        assert bench.source.trouble == "unplugged"


class Played:
    """A camera, its clock and its daemon in one thread: each frame takes its time, and is judged as the loop does."""

    def __init__(self, film: Callable[[float], Image], rate: float, limits: FailureLimits = LIMITS) -> None:
        """
        Args:
            film: picture of a moment, seconds.
            rate: frames a second.
        """
        self.now, self.openings, self.troubles, self.given_up = 0.0, 0, [(0.0, "")], ""
        self._film, self._rate, self._closing = film, rate, threading.Event()
        self._news = intake.News(0.0)
        self._failure_detector = FailureDetector("door", limits, 0.0)
        self._capturing = capture_thread.Capturing(self._open, "door", limits, self._news, lambda: self.now)

    def until(self, end: float) -> None:
        """Play up to then, in seconds."""
        self._end = end
        self._capturing.run(None, self._closing, self._pass)

    def _open(self) -> Played:
        self.openings += 1
        return self

    def grab(self) -> Image | None:
        self._pass(1 / self._rate)
        return self._film(self.now) if self.now < self._end and not self.given_up else None

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        try:
            self._failure_detector.update(self._news.state, self.now)
        except SourceError as error:
            self.given_up = str(error)
            self._closing.set()
        trouble = self._failure_detector.trouble or ""
        if trouble != self.troubles[-1][1]:
            self.troubles.append((round(self.now), trouble))

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> str:
        return ""


BLACK, WHITE, DIM = (np.full((36, 64, 3), level, np.uint8) for level in (0, 255, 8))
COVERED = "covered: black or featureless for 30 s"


@pytest.mark.parametrize("dark", [BLACK, WHITE, DIM], ids=["black", "white", "dim"])
@pytest.mark.parametrize(("rate", "end"), [(0.2, 10_000.0), (1.0, 2000.0), (15.0, 650.0)])
def test_a_night_of_the_same_dark_picture_is_darkness_and_no_frozen_camera(
    dark: Image, rate: float, end: float
) -> None:
    night = Played(lambda _: dark.copy(), rate)
    night.until(end)
    assert [trouble for _, trouble in night.troubles] == ["", COVERED]
    # Opened anew once in ten minutes: a camera that froze in the dark would not see the morning.
    assert night.openings - 1 == pytest.approx(end / 600, abs=1.5)


@pytest.mark.parametrize("dark", [0.0, 30.0])
def test_a_camera_that_froze_in_the_dark_sees_the_morning(dark: float) -> None:
    def film(now: float) -> Image:
        since = night.openings  # it shows what it saw when it was opened, until it is opened again
        frozen[since] = frozen.get(since, BLACK if now < 3600 else picture(int(now) % 256))
        return frozen[since] if since < 7 else picture(int(now) % 256)

    frozen: dict[int, Image] = {}
    night = Played(film, 1.0, FailureLimits(5, 10, dark, 120))
    night.until(8000.0)
    assert night.troubles[-1][1] == ""
    assert night.openings >= 7


def test_only_a_lit_picture_is_frozen_and_given_up() -> None:
    still = Played(lambda _: picture(1), 15.0)
    still.until(1000.0)
    assert still.given_up == "door: frozen: the same picture for 10 s; given up after 120 s"
    assert [trouble for _, trouble in still.troubles] == ["", "frozen: the same picture for 10 s"]


def test_a_night_between_two_days_leaves_no_trace() -> None:
    days = Played(lambda now: BLACK if 1000 < now < 5000 else picture(int(now) % 256), 0.5)
    days.until(6000.0)
    assert [trouble for _, trouble in days.troubles] == ["", COVERED, ""]
    assert days.troubles[-1][0] == pytest.approx(5000, abs=4)


def test_closing_does_not_wait_for_the_next_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_thread, "FIRST_DELAY", LONG)
    camera = Camera()
    source = Live(lambda: camera, "door", LIMITS, camera)
    camera.end(UNPLUGGED)
    assert camera.closing.wait(LONG)
    source.close()
    assert "capture door" not in [thread.name for thread in threading.enumerate()]
