"""What pydantic finds wrong -> one line a person can act on: the key, what was found, what was expected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

Loc = tuple[int | str, ...]
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
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _what(error: Mapping[str, Any], schema: type[BaseModel]) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"unknown key; {_nearest(error['loc'], schema)}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "missing":
        return "missing; this key has no default"
    expected = EXPECTED.get(kind) or error["msg"].removeprefix("Input should be ")
    return f"found {found(error['input'])}, expected {expected}"


def found(value: Any) -> str:
    """A value as a message shows it: short, with its type, and without a password that stands in it."""
    text = re.sub(r"://.*@", "://…@", repr(value))
    return f"{text[:40]}{'…' if len(text) > 40 else ''} ({type(value).__name__})"


def _nearest(loc: Loc, schema: type[BaseModel]) -> str:
    """A hint for a key that does not exist: the likeliest one in its section, or all of them."""
    section = schema
    for name in loc[:-1]:
        if isinstance(name, str):
            section = _model_of(section.model_fields[name].annotation)
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"expected one of: {', '.join(known)}"


def _model_of(annotation: Any) -> type[BaseModel]:
    """The section behind `Section`, `Section | None`, `"word" | Section` or `tuple[Section, ...]`."""
    choices = getattr(annotation, "__args__", (annotation,))
    return next(kind for kind in choices if isinstance(kind, type) and issubclass(kind, BaseModel))
