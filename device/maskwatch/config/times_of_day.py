"""Times of day: how they may be written, and how much of a day is outside some windows."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from maskwatch.config.value_shown import found

WRITTEN = re.compile(r"(\d{1,2}):([0-5]\d)(?::00)?", re.ASCII)
DAY = 24 * 60  # minutes


def _a_time(value: Any) -> str:
    """The time as HH:MM. TOML's own times (`22:00:00` without quotes) are accepted; 24:00 is the midnight at a day's
    end."""
    text = value.isoformat() if isinstance(value, datetime.time) else value
    match = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) > 24 or (int(match[1]) == 24 and match[2] != "00"):
        raise ValueError(f'found {found(value)}, expected a time of day such as "22:00"')
    return f"{int(match[1]) % 24:02}:{match[2]}"


TimeOfDay = Annotated[str, BeforeValidator(_a_time)]


def awake(windows: Sequence[tuple[str, str]]) -> int:
    """Minutes of a day that are in none of the windows (HH:MM, HH:MM). A window spans midnight if its end is
    earlier."""
    free = set(range(DAY))
    for since, until in windows:
        first, last = _minute(since), _minute(until)
        free -= set(range(first, last)) if first <= last else {*range(first, DAY), *range(last)}
    return len(free)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
