"""What pydantic finds wrong -> one line a person can act on: the key, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from maskwatch.found import KINDS, found, key_shown
from maskwatch.nearest import Loc, nearest

SECRET_SECTION = "camera"  # noqa: S105 - where an address may have got into any key
WORDS = ("focus", "format", "rotation")  # of that section: what it holds is one of a few words
EXPECTED = {  # pydantic's words for these are Python's, not TOML's
    "model_type": "a table",
    "tuple_type": "an array",
    "too_long": "a pair",  # corners are the only arrays of a fixed length
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a string",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """The most telling one of a file's mistakes."""

    place: tuple[str, ...]  # where it stands, as far as it has names: ("alert", "quiet") for alert.quiet[0].since
    text: str


def complaint(error: ValidationError, schema: type[BaseModel]) -> Complaint:
    """The first mistake, an unknown key before others: misspelt, it is missing as well. And how many more there are."""
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    loc: Loc = first["loc"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    names = [part for part in loc if isinstance(part, str)]
    index = next((at for at, part in enumerate(loc) if isinstance(part, int)), len(loc))
    if first["type"] == "missing":
        index = min(index, len(loc) - 1)  # it stands nowhere, its section does
    key = f"{_key(loc)}: " if loc else ""  # without one where sections contradict each other
    return Complaint(tuple(names[:index]), f"{key}{_what(first, schema)}{more}")


def _key(loc: Loc) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{key_shown(part)}" for part in loc).lstrip(".")


def _what(error: Mapping[str, Any], schema: type[BaseModel]) -> str:
    kind, loc = error["type"], error["loc"]
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(loc, schema)}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "missing":
        return "missing; this key has no default"
    expected = EXPECTED.get(kind) or error["msg"].removeprefix("Input should be ")
    value = error["input"]
    if loc[:1] == (SECRET_SECTION,) and loc[-1] not in WORDS and isinstance(value, str | list | dict):
        return f"found {KINDS[type(value)]}, expected {expected}"
    return f"found {found(value)}, expected {expected}"
