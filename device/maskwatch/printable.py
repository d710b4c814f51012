"""Names and messages that come from outside, made safe to print."""

from __future__ import annotations


def one_line(text: object) -> str:
    """The text with every character escaped that a terminal would obey or that is none.

    A file's name may hold a line break, a terminal's command, or bytes that are no UTF-8 (Python's surrogates): a line
    break becomes `\\n`, the byte 0xFF becomes `\\xff`.
    """
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in str(text))


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # how Python keeps a byte that is no UTF-8: PEP 383
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
