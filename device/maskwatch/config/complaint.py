"""pydantic's errors -> one line that names the key, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from maskwatch.config.nearest_key import Loc, nearest
from maskwatch.config.value_shown import KINDS, found, key_shown

SECRET_SECTION = "camera"  # noqa: S105 - any of its keys may hold an address by mistake
WORDS = ("focus", "format", "rotation")  # keys of that section whose values are one of a few words
EXPECTED = {  # pydantic uses Python's words, we use TOML's
    "model_type": "a table",
    "tuple_type": "an array",
    "too_long": "a pair",  # corners are the only arrays with a fixed length
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a string",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake of a file, for the message."""

    place: tuple[str, ...]  # the key's path up to the first index: ("alert", "quiet") for alert.quiet[0].since
    text: str


def complaint(error: ValidationError, schema: type[BaseModel]) -> Complaint:
    """The mistake to report, and how many more there are.

    An unknown key comes first: if it is misspelt, the right key is reported as missing too. Otherwise the first one.
    """
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    loc: Loc = first["loc"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    names = [part for part in loc if isinstance(part, str)]
    index = next((at for at, part in enumerate(loc) if isinstance(part, int)), len(loc))
    if first["type"] == "missing":
        index = min(index, len(loc) - 1)  # the key has no line, its section has
    key = f"{_key(loc)}: " if loc else ""  # none if two sections contradict each other
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
