"""A TOML file with the environment laid over it, and where each value came from. Knows nothing of the keys themselves.

MASKWATCH__ALERT__HOLD=2.5 is alert.hold: two underscores between the levels, because keys have single ones.
pydantic-settings was considered: it passes over variables of an unknown section and forgets where a value came from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.errors import ConfigError

PREFIX = "MASKWATCH__"
Place = tuple[str, ...]  # ("alert", "hold")


@dataclass(frozen=True, slots=True)
class Source:
    """What was read, not yet checked."""

    path: Path
    text: str  # of the file
    table: Mapping[str, Any]  # the file with the environment laid over it
    variables: Mapping[Place, str]  # the variable that set a place

    def variables_at(self, place: Place) -> list[str]:
        """The variables with a say in a place: those that set it, something in it, or something around it."""
        return [name for other, name in self.variables.items() if _is_within(place, other) or _is_within(other, place)]

    def is_of_variables(self, place: Place) -> bool:
        """Whether the file has no say in a place: a variable set it, or a section around it."""
        return any(_is_within(place, other) for other in self.variables)


def read(path: Path, environment: Mapping[str, str]) -> Source:
    """
    Raises:
        ConfigError: the file is missing or no TOML, or a variable with the prefix names nothing.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"config {path}: {error.strerror}; name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config {path}: not valid TOML: {error}") from error
    variables = {_place(name): name for name in environment if name.startswith(PREFIX)}
    for place in sorted(variables, key=len):  # a section first, then what is in it
        table = _laid_over(table, place, _value(environment[variables[place]]))
    return Source(path, text, table, variables)


def lines(text: str) -> dict[Place, int]:
    """The line of the file at which a key's value is complete; whole sections are places as well.

    The file is parsed as far as each of its lines, so that nothing here has to understand TOML: 26 ms for the shipped
    one on a workstation, spent only where a line is to be named.
    """
    found: dict[Place, int] = {}
    all_lines = text.split("\n")  # splitlines also cuts at characters that stand in strings
    for number, line in enumerate(all_lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            table = tomllib.loads("\n".join(all_lines[:number]))
        except tomllib.TOMLDecodeError:  # in the middle of a value of several lines
            continue
        for place in _places(table):
            found.setdefault(place, number)
    return found


def _is_within(place: Place, section: Place) -> bool:
    return place[: len(section)] == section


def _place(name: str) -> Place:
    place = tuple(name.removeprefix(PREFIX).lower().split("__"))
    if not all(place):
        raise ConfigError(f"environment {name}: names no key; expected e.g. {PREFIX}ALERT__HOLD for alert.hold")
    return place


def _value(text: str) -> Any:
    """A TOML value; what is none, such as a bare word, is a string."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text


def _laid_over(table: Mapping[str, Any], place: Place, value: Any) -> dict[str, Any]:
    key, *deeper = place
    if deeper:
        inner = table.get(key)
        value = _laid_over(inner if isinstance(inner, dict) else {}, tuple(deeper), value)
    return {**table, key: value}


def _places(table: Mapping[str, Any], above: Place = ()) -> Iterator[Place]:
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _places(value, (*above, key))
