"""Untrusted bytes or text -> a TOML table, or one line of error; always quickly.

tomllib is written in Python: it recurses for each bracket, and its time grows with the square of the number of parts of
a dotted key. Both are limited here before tomllib sees the text.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from typing import Any

LONGEST_LINE = 4096  # characters; a zone with 100 corners has 2,000. A dotted key of this length takes 10 ms
UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlError(ValueError):
    """What is wrong with the text, without the text itself."""

    def __init__(self, reason: str, line: int | None = None, is_limit: bool = False) -> None:
        super().__init__(reason)
        self.line = line  # from 1; None: the whole text, or its end
        self.is_limit = is_limit  # it may be TOML, but exceeds a limit here


def text_of(content: bytes) -> str:
    """A file's content as text: UTF-8 with or without a byte order mark, or UTF-16 with one, as Windows saves it.

    Raises:
        TomlError: it has another encoding.
    """
    if content.startswith(UTF_32):
        raise TomlError("saved as UTF-32; save it as UTF-8")
    encoding = "utf-16" if content.startswith(UTF_16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TomlError(f"not {encoding[:6].upper().rstrip('-')} text; save it as UTF-8", line) from None
    if "\0" in text:
        raise TomlError("it contains a NUL character: not text, or UTF-16 without its mark; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")  # old Macs end lines with \r alone, which TOML refuses


def table_of(text: str) -> dict[str, Any]:
    """The TOML of a text.

    Raises:
        TomlError: it is not TOML, or its nesting, line length or numbers exceed the limits here.
    """
    long = next((number for number, line in enumerate(text.split("\n"), 1) if len(line) > LONGEST_LINE), None)
    if long is not None:
        raise TomlError(f"a line of more than {LONGEST_LINE} characters; break it", long, is_limit=True)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _without_the_text(str(error)) from None
    except RecursionError:
        raise TomlError("hundreds of nested brackets; no setting has more than three", is_limit=True) from None
    except (ValueError, OverflowError):
        raise TomlError("a number has too many digits; no setting has more than five", is_limit=True) from None


def _without_the_text(message: str) -> TomlError:
    """tomllib's message as our reason and the line number. Its own text may repeat a key, which may be a misplaced
    value."""
    found = PLACE.search(message)
    reason = PLACE.sub("", message)
    if reason.startswith(("Cannot declare", "Duplicate inline table key", "Cannot mutate")):
        reason = "a key or section is there twice"
    elif reason == "Invalid value":
        reason = 'no value after the "="; text needs quotes'
    elif reason == "Invalid statement":
        reason = "no key = value and no [section]"
    line, column = (found[1], found[2]) if found else (None, None)
    at_column = f" (column {column})" if column else " (at its end)" if found else ""
    return TomlError(f"{reason[:1].lower()}{reason[1:]}{at_column}", int(line) if line else None)
