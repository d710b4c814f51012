"""The line of each key in a TOML text, which tomllib does not tell. The time grows only with the text's length."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[str, ...]  # ("alert", "hold")
DEEPEST = 6  # levels below a section that are recorded; keys have three at most, and deeper ones are refused anyway
# Strings and comments are matched first, because brackets and line breaks inside them do not end a statement.
TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<end>\n)",
    re.DOTALL,
)


def line_numbers(text: str) -> dict[Place, int]:
    """Path of each key or section -> the line, from 1, in which its value ends.

    Args:
        text: valid TOML.
    """
    found: dict[Place, int] = {}
    section: Place = ()
    arrays: set[Place] = set()  # sections that may occur several times, so that their keys have no single line
    for statement, number in _statements(text):
        table = tomllib.loads(statement)
        if statement.startswith("["):
            section = _deepest(table)
            places = [section[:depth] for depth in range(1, len(section) + 1)]
            arrays |= {section} if statement.startswith("[[") else set()
        else:
            places = [(*section, *place) for place in _places(table)]
        in_array = any(section[:depth] in arrays for depth in range(len(section) + 1))
        for place in places if statement.startswith("[[") or not in_array else []:
            found.setdefault(place, number)
    return found


def _statements(text: str) -> Iterator[tuple[str, int]]:
    """Each section header and each key with its value (which may span lines), and the line in which it ends."""
    start = depth = 0
    number = 1
    for token in TOKEN.finditer(text + "\n"):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if token.lastgroup == "end" and depth == 0:
            statement = text[start : token.start()].strip()
            start = token.end()
            if statement and not statement.startswith("#"):
                yield statement, number
        number += token[0].count("\n")


def _deepest(table: Mapping[str, Any]) -> Place:
    """The path in a parsed section header, e.g. ("outputs", "led")."""
    place: Place = ()
    inner: Any = table
    while isinstance(inner, dict) and inner:
        ((key, inner),) = inner.items()
        place = (*place, key)
    return place


def _places(table: Mapping[str, Any], above: Place = ()) -> Iterator[Place]:
    for key, value in table.items():
        yield (*above, key)
        if isinstance(value, dict) and len(above) < DEEPEST:
            yield from _places(value, (*above, key))
