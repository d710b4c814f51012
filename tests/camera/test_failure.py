"""When a camera counts as failed, told from times and states alone: no thread, no clock, no camera."""

import logging

import pytest

from maskwatch.camera.failure import CameraState, FailureDetector, FailureLimits
from maskwatch.errors import SourceError

LIMITS = FailureLimits(stall=5.0, frozen=10.0, dark=30.0, give_up=120.0)


def seen(last: float, interval: float | None = 0.1, covered: bool = False) -> CameraState:
    return CameraState(None, covered, last, interval)


def failed(reason: str, last: float = 0.0) -> CameraState:
    return CameraState(reason, False, last, None)


@pytest.mark.parametrize(
    ("interval", "limit"),
    [(None, 5.0), (0.1, 5.0), (2.0, 5.0), (4.0, 8.0), (60.0, 10.0)],  # seconds; twice `stall` at most
)
def test_a_slow_camera_may_take_twice_its_interval(interval: float | None, limit: float) -> None:
    detector = FailureDetector("door", LIMITS, 0.0)
    detector.update(seen(0.0, interval), limit)
    assert detector.trouble is None
    detector.update(seen(0.0, interval), limit + 0.1)
    assert detector.trouble == f"no frame for {limit:g} s"


def test_a_camera_that_stays_failed_is_given_up_and_one_that_recovers_is_not() -> None:
    detector = FailureDetector("door", LIMITS, 0.0)
    detector.update(failed("unplugged"), 0.0)
    detector.update(failed("unplugged"), 119.0)
    for now in (119.5, 122.0, 125.0):  # frames for `stall` seconds: the failure is over
        detector.update(seen(now), now)
    detector.update(failed("unplugged", 125.0), 126.0)
    detector.update(failed("unplugged", 125.0), 245.0)
    with pytest.raises(SourceError, match=r"^door: unplugged; given up after 120 s$"):
        detector.update(failed("unplugged", 125.0), 246.0)


def test_a_single_frame_does_not_end_a_failure() -> None:
    detector = FailureDetector("door", LIMITS, 0.0)
    detector.update(failed("unplugged"), 0.0)
    detector.update(seen(60.0), 60.0)
    detector.update(failed("unplugged", 60.0), 61.0)
    with pytest.raises(SourceError, match=r"given up"):
        detector.update(failed("unplugged", 60.0), 120.0)


def test_a_covered_lens_is_trouble_but_never_given_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    detector = FailureDetector("door", LIMITS, 0.0)
    for now in (1.0, 500.0, 1000.0):
        detector.update(seen(now, covered=True), now)
        assert detector.trouble == "covered: black or featureless for 30 s"
    detector.update(seen(1001.0), 1001.0)
    assert caplog.messages == [
        "door: covered: black or featureless for 30 s",
        "door: sees again, after 1000 s",
    ]
