"""A stream of pictures, each a part after a boundary (multipart/x-mixed-replace), cut apart as its bytes come.

Cameras differ from the rule and from each other: the boundary in the header has its two dashes already, or quotes, or
is not there; parts say their length, or do not; lines end with LF alone.
"""

from __future__ import annotations

import re

from maskwatch.camera import pictures
from maskwatch.errors import SourceError

MOST_HEADERS = 16_384  # bytes before a part
LONGEST_BOUNDARY = 300  # bytes of the line, at least
LARGEST = 16_000_000  # bytes of a part: a JPEG of 50 million pixels
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
LENGTH = re.compile(rb"(?im)^content-length\s*:\s*(\d{1,9})\s*$")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Multipart:
    """Bytes in, JPEGs out; only the newest is kept."""

    def __init__(self, boundary: str) -> None:
        """
        Args:
            boundary: as the header says it; "" where it does not: then the stream's first line is it.
        """
        core = boundary.strip().strip('"').lstrip("-").rstrip("-")
        self._boundary = _line_of(core.encode("latin-1", "replace")) if core else None
        self._data = bytearray()
        self._length: int | None = None  # of the part that has begun; None: it does not say
        self._inside = False  # a part has begun
        self._searched = 0  # bytes of it that have no boundary in them
        self._newest: bytes | None = None

    def feed(self, data: bytes) -> None:
        """
        Raises:
            SourceError: that is no such stream: headers or a part without end.
        """
        self._data += data
        while self._end_part() if self._inside else self._begin_part():
            pass

    def take(self) -> bytes | None:
        """The newest whole part that is a JPEG; None when there was none since the last call."""
        newest, self._newest = self._newest, None
        return newest

    def _begin_part(self) -> bool:
        """Past a boundary and the headers after it; False until more bytes have come."""
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
        while self._data.startswith((b"\r", b"\n")):  # a second blank line; no picture begins so
            del self._data[:1]
        end = self._whole_part()
        if end is None:
            self._keep_within(LARGEST, "a picture without end")
            return False
        part = bytes(self._data[:end]).rstrip(b"\r\n") if self._length is None else bytes(self._data[:end])
        if part.startswith(JPEG_START):  # others are sound, or a sign of life
            self._newest = part
        del self._data[:end]
        self._inside, self._searched = False, 0
        return True

    def _whole_part(self) -> int | None:
        """Where the part ends. A JPEG that says no length is whole at its own end: who waits for the next boundary is
        always a picture behind."""
        if self._length is not None:
            return self._length if len(self._data) >= self._length else None
        assert self._boundary is not None
        if found := self._boundary.search(self._data, self._searched):
            return found.start()
        self._searched = max(0, len(self._data) - LONGEST_BOUNDARY)
        ends = bytes(self._data[-8:]).rstrip(b"\r\n").endswith(JPEG_END)  # perhaps only a thumbnail's end
        return len(self._data) if ends and pictures.refusal(bytes(self._data)) is None else None

    def _keep_within(self, most: int, what: str) -> None:
        if len(self._data) > most:
            raise SourceError(f"{what} ({len(self._data)} bytes); is it an MJPEG stream?")


def _line_of(boundary: bytes) -> re.Pattern[bytes]:
    """The line a part begins after: the boundary behind two dashes or four, or none, at a line's beginning."""
    return re.compile(rb"(?:\A|(?<=\n))-{0,6}" + re.escape(boundary) + rb"[ \t]*(?:--)?[ \t]*\r?(?=\n)")
