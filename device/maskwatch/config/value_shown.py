"""A value or key of the config as messages show it: shortened, and only if it cannot contain a password."""

from __future__ import annotations

import math
import re
from typing import Any

from maskwatch.text.redaction import HIDDEN, is_suspect

LONGEST = 40  # characters
HARMLESS = re.compile(r"(?!.*(?://|[^\d]:|:[^\d]))[\w .,:/+-]*")  # a word, number, time or file name, no address
KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
KINDS: dict[type, str] = {str: "a string", list: "an array", dict: "a table"}
MOST = 8  # values in a list or table, nested ones included, that are shown


def found(value: Any) -> str:
    """E.g. `'long' (str)`, or `a string of 23 characters`."""
    if isinstance(value, bool):
        return f"{value} (bool)"
    if isinstance(value, int) and value.bit_length() > 64:  # Python refuses to print thousands of digits
        return f"a number of {math.ceil(value.bit_length() * math.log10(2))} digits"
    if not _is_harmless(value, [MOST]):
        return f"{KINDS.get(type(value), 'a value')} of {_size(value)}"
    text = repr(value)
    return f"{text[:LONGEST]}{HIDDEN if len(text) > LONGEST else ''} ({type(value).__name__})"


def key_shown(key: str) -> str:
    """A key as it may be shown; some people write an address where a key belongs."""
    return key if KEY.fullmatch(key) else HIDDEN


def _size(value: Any) -> str:
    number, part = len(value), "character" if isinstance(value, str) else "key" if isinstance(value, dict) else "value"
    return f"{number} {part}{'' if number == 1 else 's'}"


def _is_harmless(value: Any, left: list[int]) -> bool:
    """Whether a value may be shown. `left` counts down, because a value may be deeply nested or have a million
    parts."""
    left[0] -= 1
    if left[0] < 0:
        return False
    if isinstance(value, str):
        return len(value) <= LONGEST and HARMLESS.fullmatch(value) is not None and not is_suspect(value)
    if isinstance(value, dict):
        return all(KEY.fullmatch(key) and _is_harmless(one, left) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(_is_harmless(one, left) for one in value)
    return not isinstance(value, int) or value.bit_length() <= 64
