"""An output that fails, hangs or dies is a fault of the unit: told, shown on what still works, and tried again."""

import logging
import threading
import time
from collections.abc import Callable

import pytest
from colour_door import GREY, SKIN, Reel, shown
from told_outputs import Clock, Part, watched

from maskwatch.errors import OutputError
from maskwatch.flow import Frame, Signal
from maskwatch.outputs import Outputs, worker

PATIENCE = 20.0  # seconds; only a test that fails waits so long
BROKEN = "output buzzer failed: OSError: [Errno 5] Input/output error"


def broken() -> None:
    raise OSError(5, "Input/output error")


def well() -> None:
    pass


def again(part: Part) -> None:
    """Wait until it was called twice more: the second call began after now."""
    calls = part.calls
    until(lambda: part.calls > calls + 1)


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RETRY", 0.005)  # seconds, by the wall's clock
    monkeypatch.setattr(worker, "IDLE", 0.01)


@pytest.fixture(params=[OSError(5, "Input/output error"), SystemExit(1), MemoryError(), AssertionError("no")], ids=repr)
def failure(request: pytest.FixtureRequest) -> BaseException:
    error: BaseException = request.param
    return error


def test_a_failing_output_is_told_once_and_once_more_when_it_is_over(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise failure

    caplog.set_level(logging.INFO)
    clock, buzzer = Clock(), Part(act=fail)
    outputs = Outputs([buzzer, Part("lamp")], clock)
    outputs.show(Signal.WATCHING)
    until(lambda: outputs.check() is not None)
    reason = " ".join(f"{type(failure).__name__}: {failure}".split())
    for _ in range(5):
        clock.now += 1.0
        again(buzzer)
        assert outputs.check() == f"output buzzer failed: {reason}"
    buzzer.act = well
    until(lambda: outputs._threads[0].failing(clock.now) is None)
    assert outputs.check() is not None  # it has not worked for long enough
    clock.now += worker.SETTLED
    until(lambda: outputs.check() is None)
    outputs.close()
    assert buzzer.closed == 1
    assert caplog.messages == [
        f"output buzzer failed: {reason}; the others go on",
        "output buzzer works again, after 8 s",
    ]


def test_a_buzzer_that_recovers_sounds_on() -> None:
    buzzer = Part(act=broken)
    outputs = Outputs([buzzer])
    outputs.show(Signal.WATCHING)
    outputs.show(Signal.ALERT)
    until(lambda: outputs.check() is not None)
    buzzer.act = well
    until(lambda: Signal.ALERT in buzzer.shown)
    outputs.close()
    assert buzzer.shown[-1] is Signal.ALERT


def test_a_call_that_does_not_return_counts_as_failed_until_it_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    release, clock = threading.Event(), Clock()
    buzzer = Part(act=lambda: release.wait(PATIENCE))
    outputs = Outputs([buzzer], clock)
    outputs.show(Signal.WATCHING)
    until(lambda: outputs._threads[0]._called is not None)
    assert outputs.check() is None
    clock.now += worker.HUNG
    assert outputs.check() == "output buzzer failed: no answer for 5 s"
    clock.now += 60.0
    release.set()
    until(lambda: buzzer.beats > 1)
    assert outputs.check() == "output buzzer failed: no answer for 5 s"
    clock.now += worker.SETTLED
    assert outputs.check() is None
    outputs.close()
    assert caplog.messages[1:] == ["output buzzer works again, after 63 s"]


def test_what_fails_now_and_then_is_one_episode(caplog: pytest.LogCaptureFixture) -> None:
    clock, buzzer = Clock(), Part()
    outputs = Outputs([buzzer], clock)
    for _ in range(10):
        buzzer.act = broken
        again(buzzer)
        outputs.check()
        buzzer.act = well
        until(lambda: outputs._threads[0].failing(clock.now) is None)
        clock.now += 1.0
        assert outputs.check() is not None
    outputs.close()
    assert len(caplog.messages) == 1


def test_without_a_message_an_output_is_asked_all_the_same() -> None:
    buzzer = Part()
    outputs = Outputs([buzzer])
    until(lambda: buzzer.beats > 2)
    assert outputs.check() is None
    buzzer.act = broken
    until(lambda: outputs.check() is not None)
    buzzer.act = well
    until(lambda: outputs.check() is None)
    assert buzzer.beats > 3, "it was asked again while it failed"
    outputs.close()


def test_a_hung_output_gathers_no_more_than_a_bound_and_then_gets_the_newest_state(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "QUEUED", 10)
    release, clock = threading.Event(), Clock()
    buzzer = Part(act=lambda: release.wait(PATIENCE))
    outputs = Outputs([buzzer], clock)
    outputs.show(Signal.WATCHING)
    until(lambda: outputs._threads[0]._called is not None)
    for _ in range(1000):
        outputs.show(Signal.WATCHING)
    outputs.show(Signal.ALERT)
    assert outputs._threads[0]._queue.qsize() <= 10
    clock.now += worker.HUNG
    outputs.check()
    release.set()
    until(lambda: outputs._threads[0]._queue.empty() and buzzer.beats > 12)
    assert buzzer.shown[-1] is Signal.ALERT
    clock.now += worker.SETTLED
    outputs.check()
    outputs.close()
    assert "; 991 messages were lost" in caplog.text


# -- when nothing tells ---------------------------------------------------------------------------------------------


class Quiet(Part):
    shows_alerts = False


def test_when_nothing_tells_of_an_alert_for_too_long_the_daemon_ends_with_the_reason() -> None:
    clock, buzzer = Clock(), Part(act=broken)
    outputs = Outputs([buzzer, Quiet("log")], clock, give_up=60.0)
    outputs.show(Signal.WATCHING)
    until(lambda: outputs.check() is not None)
    clock.now += 59.0
    outputs.check()
    clock.now += 1.0
    expected = r"no output could tell of an alert for 60 s \(buzzer: OSError: \[Errno 5\] Input/output error\)"
    with pytest.raises(OutputError, match=expected):
        outputs.check()
    outputs.close()


def test_as_long_as_one_output_tells_or_none_was_ever_meant_to_the_daemon_goes_on() -> None:
    for parts in ([Part("buzzer", broken), Part("lamp")], [Quiet("log", broken)]):
        clock = Clock()
        outputs = Outputs(parts, clock, give_up=60.0)
        outputs.show(Signal.WATCHING)
        again(parts[0])
        for _ in range(2):
            assert outputs.check() is not None
            clock.now += 1000.0
        outputs.close()


def test_a_moment_in_which_one_tells_begins_the_time_anew() -> None:
    clock, buzzer = Clock(), Part(act=broken)
    outputs = Outputs([buzzer], clock, give_up=60.0)
    for _ in range(3):
        buzzer.act = broken
        until(lambda: outputs._threads[0].failing(clock.now) is not None)
        outputs.check()
        clock.now += 59.0
        outputs.check()
        buzzer.act = well
        until(lambda: outputs._threads[0].failing(clock.now) is None)
        assert outputs.check() is None
    outputs.close()


# -- the whole daemon -----------------------------------------------------------------------------------------------


class Waiting(Reel):
    """A reel whose frame at `at` seconds waits until something happened."""

    def __init__(self, moments: list, at: dict[float, Callable[[], bool]]) -> None:  # type: ignore[type-arg]
        super().__init__(moments)
        self._at = at

    def read(self, wait: float) -> Frame | None:
        frame = super().read(wait)
        assert frame
        if frame.time in self._at:
            until(self._at.pop(frame.time))
        return frame


def test_a_dead_buzzer_is_a_fault_of_the_unit_but_the_lamp_still_tells_of_the_alert() -> None:
    buzzer, lamp = Part("buzzer", broken), Part("lamp")
    reel = Waiting(
        [*shown(GREY, 0, 2), *shown(SKIN, 2, 5), *shown(GREY, 5, 12)],
        {1.0: lambda: buzzer.calls > 1, 1.5: lambda: Signal.FAULT in lamp.shown},
    )
    statuses = [text for text in watched(reel, buzzer, lamp) if text.startswith("STATUS")]
    assert statuses == ["STATUS=watching", f"STATUS={BROKEN}"]
    assert [each for each in lamp.shown if each is not Signal.WATCHING] == [Signal.FAULT, Signal.ALERT, Signal.FAULT]
    assert lamp.faults == [BROKEN]


def test_a_thread_that_was_to_end_by_sysexit_leaves_no_pin_on() -> None:
    def leave() -> None:
        raise SystemExit(0)

    buzzer = Part("buzzer", leave)
    watched(Reel(shown(SKIN, 0, 3)), buzzer, Part("lamp"))
    assert buzzer.closed >= 1
