"""Quiet hours go by the clock on the site's wall."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from maskwatch.hours import QuietHours

NIGHT = [("22:00", "06:30")]


def quiet(windows: list[tuple[str, str]], now: str, timezone: str | None = "UTC") -> bool:
    return QuietHours.of(windows, timezone, now=lambda: datetime.fromisoformat(now))()


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
    told = [QuietHours.of(NIGHT, "Europe/Berlin", now=lambda now=now: now)() for now in minutes]
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
    hours = QuietHours.of(NIGHT, "UTC", now=lambda: datetime.fromisoformat(next(times)).replace(tzinfo=UTC))
    assert [hours(), hours(), hours()] == [False, True, False]
