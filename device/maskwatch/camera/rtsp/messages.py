"""Splits the bytes of an RTSP connection into messages (RFC 2326) and the packets between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Headers
from email.parser import HeaderParser

MOST_HEADERS, MOST_BODY = 65_536, 1_000_000  # bytes
STATUS = re.compile(r"RTSP/\d\.\d (\d{3})\b ?(.*)")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")
CREDENTIALS = re.compile(r"(?im)^authorization:.*\r?\n")


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or an answer."""

    first: str  # the first line
    header_lines: str  # the headers, each with its line end
    body: bytes = b""

    @property
    def headers(self) -> Headers:
        return HeaderParser().parsestr(self.header_lines)

    @property
    def status(self) -> int | None:
        """Status code of an answer; None: it is not an answer."""
        found = STATUS.match(self.first)
        return int(found[1]) if found else None

    @property
    def method_and_target(self) -> tuple[str, str]:
        """Method and target of a request."""
        method, target, *_ = [*self.first.split(" "), "", ""]
        return method, target

    def asked_of(self, target: str, proof: str | None) -> Message:
        """The request with another target and our Authorization header instead of any other."""
        method, version = self.first.split(" ")[0], self.first.split(" ")[-1]
        ours = f"Authorization: {proof}\r\n" if proof else ""
        return Message(f"{method} {target} {version}", CREDENTIALS.sub("", self.header_lines) + ours, self.body)

    def __bytes__(self) -> bytes:
        return f"{self.first}\r\n{self.header_lines}\r\n".encode("latin-1") + self.body


class Splitter:
    """One direction of a connection."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Message | bytes]:
        """Add bytes; yields complete messages, and packets ($ channel length …) unchanged.

        Raises:
            ValueError: the bytes are not RTSP.
        """
        self._data += data
        while True:
            while self._data.startswith((b"\r", b"\n")):
                del self._data[:1]
            item = self._packet() if self._data.startswith(b"$") else self._message()
            if item is None:
                return
            yield item

    def _packet(self) -> bytes | None:
        length = 4 + int.from_bytes(self._data[2:4], "big")
        return self._cut(length) if 4 <= len(self._data) >= length else None

    def _message(self) -> Message | None:
        blank = BLANK_LINE.search(self._data, 0, MOST_HEADERS)
        if blank is None:
            if len(self._data) >= MOST_HEADERS:
                raise ValueError("headers without end")
            return None
        first, _, lines = self._data[: blank.start()].decode("latin-1").partition("\n")
        lines = "".join(f"{line.rstrip()}\r\n" for line in lines.split("\n") if line.strip())
        head = Message(first.rstrip("\r"), lines)
        length = head.headers.get("Content-Length", "0").strip()
        if not length.isdecimal() or int(length) > MOST_BODY:
            raise ValueError("a body of no sensible length")
        end = blank.end() + int(length)
        if len(self._data) < end:
            return None
        return Message(head.first, lines, self._cut(end)[blank.end() :])

    def _cut(self, end: int) -> bytes:
        piece = bytes(self._data[:end])
        del self._data[:end]
        return piece
