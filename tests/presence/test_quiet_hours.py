"""Quiet hours go by the clock on the site's wall."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from maskwatch.presence.quiet_hours import QuietHours
from maskwatch.system import wall_clock as clock
from maskwatch.system.wall_clock import Clock

NIGHT = [("22:00", "06:30")]


def quiet(windows: list[tuple[str, str]], now: str, timezone: str | None = "UTC") -> bool:
    return QuietHours.of(windows, timezone, lambda: datetime.fromisoformat(now), lambda: True)()


@pytest.mark.parametrize(
    ("windows", "clock", "expected"),
    [
        ([], "12:00", False),
        (NIGHT, "21:59", False),
        (NIGHT, "22:00", True),
        (NIGHT, "00:00", True),
        (NIGHT, "06:29", True),
        (NIGHT, "06:30", False),
        ([("12:00", "13:00")], "12:30", True),
        ([("12:00", "13:00")], "13:00", False),
        ([("12:00", "13:00"), *NIGHT], "23:00", True),
        ([("12:00", "12:00")], "12:00", False),
    ],
)
def test_a_window_holds_from_its_first_minute_to_its_end(
    windows: list[tuple[str, str]], clock: str, expected: bool
) -> None:
    assert quiet(windows, f"2026-07-01T{clock}:00+00:00") is expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-07-01T20:00:00+00:00", True),  # 22:00 in summer
        ("2026-07-01T04:29:00+00:00", True),
        ("2026-07-01T04:30:00+00:00", False),
        ("2026-12-01T20:00:00+00:00", False),  # 21:00 in winter
        ("2026-12-01T21:00:00+00:00", True),
        ("2026-12-01T05:29:00+00:00", True),
        ("2026-12-01T05:30:00+00:00", False),
    ],
)
def test_the_site_keeps_its_own_summer_time(now: str, expected: bool) -> None:
    assert quiet(NIGHT, now, "Europe/Berlin") is expected


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])  # 02:30 does not exist, or comes twice
def test_over_the_change_of_clocks_the_night_has_one_beginning_and_one_end(day: str) -> None:
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(hours=12)
    minutes = [start + timedelta(minutes=minute) for minute in range(24 * 60)]
    told = [QuietHours.of(NIGHT, "Europe/Berlin", lambda now=now: now, lambda: True)() for now in minutes]
    changes = [minute for minute in range(1, len(told)) if told[minute] != told[minute - 1]]
    shown = [minutes[minute].astimezone(ZoneInfo("Europe/Berlin")) for minute in changes]
    assert [each.strftime("%H:%M") for each in shown] == ["22:00", "06:30"]


def test_without_a_time_zone_the_machines_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert quiet(NIGHT, "2026-07-01T13:30:00+00:00", None)  # 22:30
        assert not quiet(NIGHT, "2026-07-01T22:30:00+00:00", None)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_clock_that_jumps_is_believed_at_once() -> None:
    times = iter(["2026-01-01T12:00", "2026-01-01T23:00", "2026-01-01T12:01"])
    hours = QuietHours.of(NIGHT, "UTC", lambda: datetime.fromisoformat(next(times)).replace(tzinfo=UTC), lambda: True)
    assert [hours(), hours(), hours()] == [False, True, False]


# -- a clock that is not set ----------------------------------------------------------------------------------------


def test_quiet_hours_wait_for_a_set_clock_and_say_so_once(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([False] * 50 + [True] * 50)
    night = datetime(2026, 7, 1, 23, tzinfo=UTC)
    hours = QuietHours.of(NIGHT, "UTC", lambda: night, lambda: next(answers))
    assert [hours() for _ in range(100)] == [False] * 50 + [True] * 50
    assert [record.message.split(": ", 1)[1] for record in caplog.records] == [
        "this machine's clock is not set yet (no NTP, no battery clock): alerts sound",
        "the clock is set, quiet hours are in effect from now on",
    ]


def test_without_quiet_hours_nobody_asks_whether_the_clock_is_set(caplog: pytest.LogCaptureFixture) -> None:
    def never() -> bool:
        raise AssertionError

    assert not QuietHours.of([], None, clock_is_set=never)()
    assert not caplog.records


def test_a_clock_that_was_set_is_not_asked_again_and_one_that_was_not_now_and_then() -> None:
    asked, now = [], [0.0]
    evidence = iter([False, False, True])

    def find() -> bool:
        asked.append(now[0])
        return next(evidence)

    is_set = Clock(find, lambda: now[0])
    told = []
    for step in range(100):
        now[0] = step / 2
        told.append(is_set())
    assert asked == [0.0, 5.0, 10.0]
    assert told == [False] * 20 + [True] * 80


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with systemd and a battery clock that was never set."""
    monkeypatch.setattr(clock, "_kept_right", lambda: False)
    (tmp_path / "systemd").mkdir()
    (tmp_path / "rtc" / "rtc0").mkdir(parents=True)
    (tmp_path / "rtc" / "rtc0" / "since_epoch").write_text("1234\n")
    return tmp_path


def is_set(machine: Path) -> bool:
    return clock.is_set(machine / "synchronized", machine / "systemd", machine / "rtc")


def test_a_clock_is_set_by_ntp_or_by_a_battery(machine: Path) -> None:
    assert not is_set(machine)
    (machine / "rtc" / "rtc0" / "since_epoch").write_text(f"{int(time.time()) + 2}\n")
    assert is_set(machine)
    (machine / "rtc" / "rtc0" / "since_epoch").write_text("junk")
    assert not is_set(machine)
    (machine / "synchronized").touch()
    assert is_set(machine)


def test_what_keeps_the_clock_right_without_systemd_timesyncd_is_believed(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_kept_right", lambda: True)
    assert is_set(machine)


def test_without_systemd_the_clock_is_believed(tmp_path: Path) -> None:
    assert is_set(tmp_path)


def test_the_kernel_can_be_asked() -> None:
    assert clock._kept_right() in (True, False)
