"""Splits a stream of pictures (multipart/x-mixed-replace) at its boundaries while its bytes arrive.

Cameras deviate from the standard: the boundary in the header may contain the two dashes or quotes, or be missing; parts
may have no length; lines may end with LF alone.
"""

from __future__ import annotations

import re

from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError

MOST_HEADERS = 16_384  # bytes of the headers of a part
LONGEST_BOUNDARY = 300  # bytes; no boundary line is longer
LARGEST = 16_000_000  # bytes of a part; enough for a JPEG of 50 million pixels
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
LENGTH = re.compile(rb"(?im)^content-length\s*:\s*(\d{1,9})\s*$")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Multipart:
    """Takes bytes, returns JPEGs. Only the newest one is kept."""

    def __init__(self, boundary: str) -> None:
        """
        Args:
            boundary: from the header; "": there is none, and the stream's first line is used.
        """
        core = boundary.strip().strip('"').lstrip("-").rstrip("-")
        self._boundary = _line_of(core.encode("latin-1", "replace")) if core else None
        self._data = bytearray()
        self._length: int | None = None  # of the current part; None: not stated
        self._inside = False  # whether a part has begun
        self._searched = 0  # bytes that were searched for a boundary
        self._newest: bytes | None = None

    def feed(self, data: bytes) -> None:
        """Add bytes of the stream.

        Raises:
            SourceError: headers or a part are too long, so it is not such a stream.
        """
        self._data += data
        while self._end_part() if self._inside else self._begin_part():
            pass

    def take(self) -> bytes | None:
        """The newest complete JPEG; None: there was none since the last call."""
        newest, self._newest = self._newest, None
        return newest

    def _begin_part(self) -> bool:
        """Skip a boundary and the headers after it; False: more bytes are needed."""
        if self._boundary is None and not self._learn_boundary():
            return False
        assert self._boundary is not None
        found = self._boundary.search(self._data, self._searched)
        if found is None:
            self._keep_within(LARGEST, "no boundary between pictures")
            self._searched = max(0, len(self._data) - LONGEST_BOUNDARY)
            return False
        del self._data[: found.start()]
        self._searched = 0
        blank = BLANK_LINE.search(self._data)
        if blank is None:
            self._keep_within(MOST_HEADERS, "headers without end")
            return False
        length = LENGTH.search(self._data, 0, blank.end())
        self._length = int(length[1]) if length and int(length[1]) > 0 else None
        if self._length is not None and self._length > LARGEST:
            raise SourceError(f"a picture of {self._length} bytes; expected {LARGEST} at most")
        del self._data[: blank.end()]
        self._inside, self._searched = True, 0
        return True

    def _learn_boundary(self) -> bool:
        line = re.match(rb"\s*--([^\r\n]{1,200}?)-*\r?\n", self._data)
        if line is None:
            self._keep_within(MOST_HEADERS, "no boundary between pictures")
            return False
        self._boundary = _line_of(line[1])
        return True

    def _end_part(self) -> bool:
        while self._data.startswith((b"\r", b"\n")):  # a second blank line; no JPEG starts with it
            del self._data[:1]
        end = self._whole_part()
        if end is None:
            self._keep_within(LARGEST, "a picture without end")
            return False
        part = bytes(self._data[:end]).rstrip(b"\r\n") if self._length is None else bytes(self._data[:end])
        if part.startswith(JPEG_START):  # other parts are sound, or keep-alive messages
            self._newest = part
        del self._data[:end]
        self._inside, self._searched = False, 0
        return True

    def _whole_part(self) -> int | None:
        """Where the part ends. Without a stated length, a JPEG is complete at its end marker; waiting for the next
        boundary would delay each picture by one."""
        if self._length is not None:
            return self._length if len(self._data) >= self._length else None
        assert self._boundary is not None
        if found := self._boundary.search(self._data, self._searched):
            return found.start()
        self._searched = max(0, len(self._data) - LONGEST_BOUNDARY)
        ends = bytes(self._data[-8:]).rstrip(b"\r\n").endswith(JPEG_END)  # may also be the end of a thumbnail
        return len(self._data) if ends and pictures.refusal(bytes(self._data)) is None else None

    def _keep_within(self, most: int, what: str) -> None:
        if len(self._data) > most:
            raise SourceError(f"{what} ({len(self._data)} bytes); is it an MJPEG stream?")


def _line_of(boundary: bytes) -> re.Pattern[bytes]:
    """A pattern for the boundary line: the boundary at the start of a line, with none to six dashes before it."""
    return re.compile(rb"(?:\A|(?<=\n))-{0,6}" + re.escape(boundary) + rb"[ \t]*(?:--)?[ \t]*\r?(?=\n)")
