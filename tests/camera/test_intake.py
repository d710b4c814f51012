"""What becomes of each picture of a camera, in the test's own thread: no camera, no capture thread, no waiting."""

from __future__ import annotations

import numpy as np
import pytest

from maskwatch.camera.failure import FailureLimits
from maskwatch.camera.intake import MOST_SPOILT, Intake, News, StaleError
from maskwatch.errors import SourceError
from maskwatch.flow import Image


class Camera:
    """Nothing but its description."""

    def grab(self) -> Image | None:
        raise AssertionError("the intake never grabs")

    def close(self) -> None:
        raise AssertionError("the intake never closes")

    def describe(self) -> str:
        return "a camera"


class Bench:
    def __init__(self, requested_size: tuple[int, int] | None = None) -> None:
        self.now, self.news, self.prepared = 0.0, News(0.0), list[Image]()
        limits = FailureLimits(stall=5.0, frozen=3.0, dark=2.0)
        self.intake = Intake("door", limits, self.news, lambda: self.now, requested_size, self.prepared.append)
        self.intake.opened()

    def take(self, image: Image, now: float) -> None:
        self.now = now
        self.intake.take(Camera(), image)


def noise(seed: int, width: int = 64) -> Image:
    return np.random.default_rng(seed).integers(0, 255, (4, 4, 3)).astype(np.uint8).repeat(9, 0).repeat(width // 4, 1)


def test_a_picture_is_published_with_its_time_and_prepared_unless_an_older_one_waits() -> None:
    bench, first, second = Bench((64, 36)), noise(1), noise(2)
    bench.take(first, 1.0)
    bench.take(second, 1.5)
    assert bench.news.newest is not None
    assert (bench.news.newest.image is second, bench.news.newest.time) == (True, 1.5)
    assert [image is first for image in bench.prepared] == [True]
    assert (bench.news.last, bench.news.interval, bench.news.described) == (1.5, 0.5, "a camera")


def test_another_size_must_open_the_camera_again_and_is_usual_after_that() -> None:
    bench = Bench()
    bench.take(noise(1), 1.0)
    with pytest.raises(SourceError, match=r"^frames of 32x36, 64x36 until now$"):
        bench.take(noise(2, 32), 2.0)
    bench.intake.opened()
    bench.take(noise(2, 32), 3.0)
    assert bench.news.newest is not None
    assert bench.news.newest.time == 3.0


def test_a_frozen_picture_is_a_fault_and_is_not_published() -> None:
    bench, picture = Bench(), noise(1)
    bench.take(picture, 0.0)
    bench.news.newest = None
    with pytest.raises(SourceError, match=r"^frozen: the same picture for 3 s$"):
        bench.take(picture.copy(), 3.0)
    assert (bench.news.newest, bench.news.fault) == (None, "frozen: the same picture for 3 s")


def test_the_same_dark_picture_is_covered_and_opens_the_camera_again_after_ten_minutes() -> None:
    bench, dark = Bench(), np.zeros((36, 64, 3), np.uint8)
    for now in (0.0, 2.0, 599.0):
        bench.take(dark.copy(), now)
    assert bench.news.covered
    with pytest.raises(StaleError):
        bench.take(dark.copy(), 600.0)
    assert bench.news.covered


def test_only_unusable_frames_in_a_row_are_too_many() -> None:
    bench = Bench()
    for _ in range(MOST_SPOILT - 1):
        bench.intake.leave_out("16 bits", None)
    bench.take(noise(1), 1.0)
    for number in range(MOST_SPOILT - 1):
        bench.intake.leave_out(f"16 bits {number}", None)
    with pytest.raises(SourceError, match=r"frames in a row cannot be used: 16 bits$"):
        bench.intake.leave_out("16 bits", None)
    assert bench.intake.left_out == 2 * MOST_SPOILT - 1
