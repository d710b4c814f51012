"""`maskwatch config`: every effective value, and where it comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from maskwatch import config
from maskwatch.config import settings_file
from maskwatch.config.settings_file import Place, RawSettings
from maskwatch.text import address
from maskwatch.text.printable import one_line
from maskwatch.text.redaction import redacted


@dataclass(frozen=True, slots=True)
class Entry:
    """One key, or one section that is absent."""

    key: str  # dotted
    value: Any  # as in TOML: a table is a dict; None: absent. Passwords are removed
    origin: str  # file PATH:LINE, environment NAME, both, or default


def entries(path: Path | None, environment: Mapping[str, str] = os.environ) -> list[Entry]:
    """Every key in the order of the shipped file.

    Raises:
        ConfigError: see config.load.
    """
    source = settings_file.read(path or config.default_path(), environment)
    lines = settings_file.line_numbers(source.text)
    return [
        Entry(".".join(place), _printable(place, value), _origin(place, source, lines))
        for place, value in flat(config.checked(source))
    ]


def flat(section: BaseModel, above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every key's path and value; an absent section is one path with the value None."""
    for name, value in section:
        if config.is_section(value):
            yield from flat(value, (*above, name))
        else:
            yield (*above, name), value


def text_line(entry: Entry) -> str:
    """E.g. `alert.hold = 2.5   # environment MASKWATCH__ALERT__HOLD`. All lines together form a valid config file."""
    value = f"# {entry.key} is absent" if entry.value is None else f"{entry.key} = {_toml(entry.value)}"
    return f"{value}   # {entry.origin}"


def json_line(entry: Entry) -> str:
    """E.g. `{"key": "alert.hold", "value": 2.5, "origin": "environment MASKWATCH__ALERT__HOLD"}`."""
    return json.dumps({"key": entry.key, "value": entry.value, "origin": entry.origin}, ensure_ascii=False)


def _origin(place: Place, source: RawSettings, lines: Mapping[Place, int]) -> str:
    named = [settings_file.named(name) for name in source.variables_at(place)]
    if place in lines and not source.is_of_variables(place):
        named.insert(0, f"file {one_line(source.path)}:{lines[place]}")
    return " and ".join(named) or "default"


def _printable(place: Place, value: Any) -> Any:
    """The value without secrets: of a network camera only the host, other sources as they were written."""
    if place == ("camera", "source"):
        source = address.parse(value)
        return source.shown if source.authority else redacted(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return redacted(value) if isinstance(value, str) else value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON and TOML write strings, numbers and booleans alike, except one character that TOML requires to be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
