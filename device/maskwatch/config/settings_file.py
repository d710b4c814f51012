"""A TOML file with the environment's values over it, and the origin of each value. It does not know the keys.

MASKWATCH__ALERT__HOLD=2.5 is alert.hold: two underscores between the levels, because keys have single ones.
pydantic-settings was considered: it ignores variables of an unknown section and does not keep the origin of a value.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwatch.config.toml_lines import Place, line_numbers
from maskwatch.config.toml_text import TomlError, table_of, text_of
from maskwatch.errors import ConfigError, UnreadableConfigError
from maskwatch.system import regular_file
from maskwatch.text.printable import one_line
from maskwatch.text.redaction import HIDDEN

__all__ = ["PREFIX", "Place", "RawSettings", "line_numbers", "named", "read", "with_source"]
PREFIX = "MASKWATCH__"
OPTION = "--source"  # treated as a variable, so that it stays in effect when the file is read again
OPTION_PLACE = ("camera", "source")
LONGEST = 64 * 1024  # bytes of a config file; the shipped one with its comments has 7 thousand
DEEPEST = 6  # levels in a variable's name; the deepest key, inside a pattern, has four


@dataclass(frozen=True, slots=True)
class RawSettings:
    """What was read from the file and the environment, not yet checked."""

    path: Path
    text: str  # of the file
    table: Mapping[str, Any]  # the file with the environment's values over it
    variables: Mapping[Place, str]  # path of a key -> name of the variable that set it

    def variables_at(self, place: Place) -> list[str]:
        """The environment variables that affect a key or section: they set it, a part of it, or the section around
        it."""
        return [name for other, name in self.variables.items() if _is_within(place, other) or _is_within(other, place)]

    def is_of_variables(self, place: Place) -> bool:
        """Whether the file does not affect a key: a variable set it, or the section around it."""
        return any(_is_within(place, other) for other in self.variables)


def read(path: Path, environment: Mapping[str, str]) -> RawSettings:
    """
    Raises:
        ConfigError: the file is not TOML, or a variable with the prefix names no key.
        UnreadableConfigError: the file cannot be read now.
    """
    text, table = _file(path)
    variables = _variables(environment)
    for place in sorted(variables, key=len):  # a section first, then what is in it
        table = _laid_over(table, place, _value(variables[place], environment[variables[place]]))
    return RawSettings(path, text, table, variables)


def with_source(environment: Mapping[str, str], source: str | None) -> dict[str, str]:
    """The environment and the command line's --source, in the form that `read` takes; None: the option was not
    given."""
    return {**environment, OPTION: source} if source is not None else dict(environment)


def named(variable: str) -> str:
    """A variable as a message calls it: `environment MASKWATCH__ALERT__HOLD`, or `option --source`."""
    if variable == OPTION:
        return f"option {OPTION}"
    return f"environment {variable}" if re.fullmatch(r"\w{1,80}", variable) else f"environment {PREFIX}{HIDDEN}"


def _file(path: Path) -> tuple[str, dict[str, Any]]:
    name = one_line(path)
    where = f"config {name if len(name) <= 200 else name[:200] + HIDDEN}"
    try:
        text = text_of(regular_file.read(path, LONGEST))
        return text, table_of(text)
    except OSError as error:
        of_name_or_size = "\0" in str(path) or error.errno in (errno.ENAMETOOLONG, errno.EFBIG)
        kind = ConfigError if of_name_or_size else UnreadableConfigError  # the others may be over soon
        raise kind(f"{where}: {error.strerror}; name a TOML file") from None
    except TomlError as error:
        line = f":{error.line}" if error.line else ""
        raise ConfigError(f"{where}{line}: not valid TOML: {error}") from None


def _variables(environment: Mapping[str, str]) -> dict[Place, str]:
    """Path of the key -> name of the variable, for each variable with our prefix.

    Raises:
        ConfigError: two variables set the same key, or a name cannot be a key.
    """
    variables: dict[Place, str] = {}
    for name in environment:
        if name == OPTION or name.startswith(PREFIX):
            place = OPTION_PLACE if name == OPTION else _place(name)
            other = variables.get(place)
            if other is not None and OPTION not in (name, other):
                raise ConfigError(f"{named(name)} and {named(other)}: both are {'.'.join(place)}; take one away")
            variables[place] = OPTION if OPTION in (name, other) else name
    return variables


def _is_within(place: Place, section: Place) -> bool:
    return place[: len(section)] == section


def _place(name: str) -> Place:
    place = tuple(name.removeprefix(PREFIX).lower().split("__"))
    if not all(place) or len(place) > DEEPEST:
        raise ConfigError(f"{named(name)}: names no key; expected e.g. {PREFIX}ALERT__HOLD for alert.hold")
    return place


def _value(variable: str, text: str) -> Any:
    """The variable's value as TOML; text that is not TOML, such as a bare word, is a string. The command line's
    --source is always a string.

    Raises:
        ConfigError: the text exceeds a limit of TOML texts here.
    """
    if variable == OPTION:
        return text
    try:
        table = table_of(f"value = {text}")
    except TomlError as error:
        if error.is_limit:
            raise ConfigError(f"{named(variable)}: {error}") from None
        return text
    return table["value"] if len(table) == 1 else text


def _laid_over(table: Mapping[str, Any], place: Place, value: Any) -> dict[str, Any]:
    key, *deeper = place
    if deeper:
        inner = table.get(key)
        value = _laid_over(inner if isinstance(inner, dict) else {}, tuple(deeper), value)
    return {**table, key: value}
