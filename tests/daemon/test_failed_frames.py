"""A frame that raises is skipped and told once; many in a row are a fault, and in the end the daemon's end."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from colour_door import CLOTH, GREY, SKIN, ColourFinder, ColourJudge, Reel, shown
from defaults import unit
from told_outputs import Part, watched

from maskwatch.daemon import failed_frames, loop
from maskwatch.errors import MaskwatchError, ModelError
from maskwatch.flow import Alert, Face, Frame, Image, Signal, Verdict


class Ear(Part):
    def __init__(self) -> None:
        super().__init__("ear")
        self.alerts: list[tuple[bool, float]] = []

    def switch(self, alert: Alert) -> None:
        self.alerts.append((alert.on, round(alert.time, 2)))


class Odd(Reel):
    """A reel whose frames at some times, in seconds, are changed."""

    def __init__(self, moments: list[Any], change: dict[float, Callable[[Image], Any]]) -> None:
        super().__init__(moments)
        self._change = change

    def read(self, wait: float) -> Frame | None:
        frame = super().read(wait)
        assert frame
        return Frame(self._change.get(frame.time, lambda image: image)(frame.image), frame.time)


class Failing(ColourJudge):
    """A judge that raises at some calls."""

    def __init__(self, error: Exception, calls: set[int]) -> None:
        self._error, self._calls, self._call = error, calls, 0

    def verdict(self, crop: Image) -> Verdict:
        self._call += 1
        if self._call in self._calls:
            raise self._error
        return super().verdict(crop)


def run(reel: Reel, judge: ColourJudge | None = None, finder: ColourFinder | None = None) -> Ear:
    ear = Ear()
    loop.run(unit(reel, [ear], finder, judge), threading.Event())
    return ear


ODD = {
    "grey": lambda image: image[..., 0],
    "RGBA": lambda image: np.dstack([image, image[..., :1]]),
    "16 bits": lambda image: image.astype(np.uint16) * 257,
    "floats": lambda image: image / 255,
    "empty": lambda image: image[:0],
    "none": lambda _: None,
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_an_odd_frame_in_an_alert_is_skipped_and_the_alert_goes_on(
    change: Callable[[Image], Any], caplog: pytest.LogCaptureFixture
) -> None:
    ear = run(Odd([*shown(SKIN, 0, 4), *shown(CLOTH, 4, 9)], {2.0: change}))
    assert [on for on, _ in ear.alerts] == [True, False]
    assert ear.alerts[0] == (True, 1.0)
    assert ear.alerts[1][1] > 4.0
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("a frame cannot be processed and is skipped: ")


@pytest.mark.parametrize(
    "error", [ValueError("one odd crop"), MemoryError(), AssertionError(), ModelError("mask: broken")], ids=repr
)
def test_a_part_that_raises_now_and_then_is_told_once(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ear = run(Reel([*shown(SKIN, 0, 2), *shown(GREY, 2, 15)]), Failing(error, {2, 4, 5, 8}))
    assert ear.alerts[0][0]
    assert len(caplog.messages) == 2
    assert type(error).__name__ in caplog.messages[0]
    assert caplog.messages[1] == "all frames can be processed again; 4 were skipped"


def test_a_second_episode_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    run(Odd(shown(GREY, 0, 30), {2.0: ODD["grey"], 20.0: ODD["grey"]}))
    told = [message.partition(":")[0] for message in caplog.messages]
    assert told == [
        "a frame cannot be processed and is skipped",
        "all frames can be processed again; 1 were skipped",
        "a frame cannot be processed and is skipped",
    ]


def test_some_in_a_row_are_a_fault_that_ends_the_alert_and_is_over_with_the_first_good_one() -> None:
    change = {step / 10: ODD["grey"] for step in range(20, 25)}
    ear = run(Odd(shown(SKIN, 0, 6), change))
    # The trouble is short, so nobody is forgotten: the first good frame begins the alert again, once.
    assert ear.alerts == [(True, 1.0), (False, 2.2), (True, 2.5), (False, 5.9)]
    assert Signal.FAULT in ear.shown
    assert [bool(reason) for reason in ear.faults] == [True, False]
    assert str(ear.faults[0]).startswith(
        "frames cannot be processed: ValueError: a frame of shape (48, 64), uint8; expected"
    )


@pytest.mark.parametrize("error", [ValueError("no kernel"), ModelError("mask: broken")], ids=repr)
def test_too_many_in_a_row_end_the_daemon_with_the_reason_and_everything_off(error: Exception) -> None:
    class Broken(ColourFinder):
        def find(self, image: Image) -> list[Face]:  # noqa: ARG002
            raise error

    reel, ear = Reel(shown(GREY, 0, 60)), Ear()
    with pytest.raises(MaskwatchError, match=str(error)) as caught:
        loop.run(unit(reel, [ear], Broken()), threading.Event())
    assert caught.value.exit_code == (4 if isinstance(error, ModelError) else 1)
    assert reel.place == failed_frames.GIVE_UP
    assert (ear.closed, reel.closed) == (1, 1)


def test_fewer_never_end_it() -> None:
    good = range(0, 600, failed_frames.GIVE_UP)
    change = {step / 10: ODD["grey"] for step in range(600) if step not in good}
    reel = Odd(shown(GREY, 0, 60), change)
    run(reel)
    assert reel.place == 600


def test_systemd_is_told_of_the_fault_and_of_its_end() -> None:
    change = {step / 10: ODD["grey"] for step in range(20, 25)}
    statuses = [text for text in watched(Odd(shown(GREY, 0, 6), change), Ear()) if text.startswith("STATUS")]
    assert [text.partition(":")[0] for text in statuses] == [
        "STATUS=watching",
        "STATUS=frames cannot be processed",
        "STATUS=watching",
    ]
