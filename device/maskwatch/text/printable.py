"""Names and messages that come from outside, made safe to print."""

from __future__ import annotations


def one_line(text: object) -> str:
    """The text with all control characters and undecodable bytes escaped.

    A file's name may contain a line break, a terminal command, or bytes that are not UTF-8 (surrogates in Python). A
    line break becomes `\\n`, the byte 0xFF becomes `\\xff`.
    """
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte that is not UTF-8, see PEP 383
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
