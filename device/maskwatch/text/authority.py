"""Parses user:password@host:port/path, also if the password contains characters that should be encoded.

urllib.parse and FFmpeg end the password at the first / ? or #, and then use a wrong host. Here all readings of the text
are tried, and it is accepted if there is exactly one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

HOST = r"(?P<host>[\w-]+(?:\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+(?:%25[\w.]+)?\])(?::(?P<port>\d{1,5}))?(?P<tail>[/?#].*)?"
STRICT_HOST = re.compile(HOST, re.DOTALL)
ENDS_AUTHORITY = re.compile(r"[/?#]")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
LONGEST = 4096  # characters; longer texts, or those with more than MOST @, are refused
MOST = 16
# Not encoded in a path: the characters that RFC 3986 allows there, and the percent sign of an encoded one.
PATH_SAFE = "/?#[]@!$&'()*+,;=:%{}|~-._"


@dataclass(frozen=True, slots=True)
class Authority:
    """The parts of an address after `scheme://`."""

    user: str | None  # percent-encoded; None: there is none
    password: str | None  # percent-encoded; None: there is none
    host: str
    port: int | None
    tail: str  # path, query and fragment; "" or from the first / ? or # on

    @property
    def at(self) -> str:
        """host:port."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The whole text, correctly encoded."""
        password = "" if self.password is None else f":{self.password}"
        return ("" if self.user is None else f"{self.user}{password}@") + self.at + self.tail


def readings(text: str) -> list[Authority]:
    """All readings of the text after `scheme://`. None: it contains no host. Several: the user must encode an @."""
    if len(text) > LONGEST or text.count("@") > MOST:
        return []
    ways = [None, *(at.start() for at in re.finditer("@", text))]
    return [found for at in ways if (found := _read(text, at)) is not None]


def encoded(text: str) -> str:
    """A user or password percent-encoded. Encoded characters stay; a % that encodes nothing becomes %25."""
    return quote_from_bytes(unquote_to_bytes(BAD_PERCENT.sub("%25", text).encode("utf-8", "surrogatepass")), safe="")


def decoded(text: str) -> str:
    """The reverse of `encoded`."""
    return unquote(text)


def _read(text: str, at: int | None) -> Authority | None:
    """The reading in which user and password end at the @ with index `at` (None: there are none); None: not
    possible."""
    info, rest = ("", text) if at is None else (text[:at], text[at + 1 :])
    found = STRICT_HOST.fullmatch(rest)
    if found is None:
        return None
    if ENDS_AUTHORITY.search(info) and ":" not in _first_part(info):
        return None  # the @ belongs to the path, because a password starts after a colon
    port = found["port"]
    if port is not None and not 0 < int(port) < 65536:
        return None
    user, colon, password = info.partition(":")
    return Authority(
        None if at is None else encoded(user),
        encoded(password) if colon else None,
        found["host"],
        None if port is None else int(port),
        quote(found["tail"] or "", safe=PATH_SAFE, errors="surrogatepass"),
    )


def _first_part(text: str) -> str:
    return ENDS_AUTHORITY.split(text, maxsplit=1)[0]
