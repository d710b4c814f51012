"""scheme://user:password@host:port/path, also with characters in the password that a strict reader trips over.

urllib.parse and FFmpeg end the password at the first / ? or #, and then look for a host that does not exist. Here every
way to read the text is tried, and it is taken when there is exactly one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes

HOST = r"(?P<host>[\w-]+(?:\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+(?:%25[\w.]+)?\])(?::(?P<port>\d{1,5}))?(?P<tail>[/?#].*)?"
STRICT_HOST = re.compile(HOST, re.DOTALL)
ENDS_AUTHORITY = re.compile(r"[/?#]")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
LONGEST = 4096  # characters; what is longer, or has more @ than MOST, is no address that a camera has
MOST = 16
# Left as they are in a path: what RFC 3986 allows there, and the percent sign of what is encoded already.
PATH_SAFE = "/?#[]@!$&'()*+,;=:%{}|~-._"


@dataclass(frozen=True, slots=True)
class Authority:
    """What follows `scheme://`, in its parts."""

    user: str | None  # percent-encoded; None: nobody is named
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
        """Everything, as a strict reader wants it."""
        password = "" if self.password is None else f":{self.password}"
        return ("" if self.user is None else f"{self.user}{password}@") + self.at + self.tail


def readings(text: str) -> list[Authority]:
    """Every way to read what follows `scheme://`; none: there is no host in it, several: it must be written clearer."""
    if len(text) > LONGEST or text.count("@") > MOST:
        return []
    ways = [None, *(at.start() for at in re.finditer("@", text))]
    return [found for at in ways if (found := _read(text, at)) is not None]


def encoded(text: str) -> str:
    """User or password percent-encoded; what is encoded already stays, a % that encodes nothing becomes %25."""
    return quote_from_bytes(unquote_to_bytes(BAD_PERCENT.sub("%25", text).encode("utf-8", "surrogatepass")), safe="")


def decoded(text: str) -> str:
    """What `encoded` made, as the camera's owner typed it."""
    return unquote(text)


def _read(text: str, at: int | None) -> Authority | None:
    """The text with its user's part ending at an @; None: without such a part."""
    info, rest = ("", text) if at is None else (text[:at], text[at + 1 :])
    found = STRICT_HOST.fullmatch(rest)
    if found is None:
        return None
    if ENDS_AUTHORITY.search(info) and ":" not in _first_part(info):
        return None  # the @ is one of the path's: a password begins after a colon
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
