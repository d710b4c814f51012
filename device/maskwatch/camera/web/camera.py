"""A camera at an http:// or https:// address, as a grabber.Grabber. Its first answer says whether it is a stream or
snapshots."""

from __future__ import annotations

import contextlib
import http.client
import time
import zlib
from collections.abc import Callable, Iterator

from maskwatch.camera.failure import REOPENED_AFTER
from maskwatch.camera.files import pictures
from maskwatch.camera.pixels import FrameError
from maskwatch.camera.web.connection import Connection, failure
from maskwatch.camera.web.multipart import LARGEST, Multipart
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.text.address import Address

CHUNK = 65_536  # bytes read at once
BACKLOG = 0.25  # seconds at most for skipping pictures that are late already
STREAM, PAGE = "multipart/", "text/html"
PICTURES = ("image/", "application/octet-stream", "binary/octet-stream", "text/plain")  # also unspecific types
EXPECTED = "expected multipart/x-mixed-replace (MJPEG) or image/jpeg"


class WebCamera:
    """A stream of JPEGs, or one picture for each request, at most `fps` requests a second."""

    def __init__(self, address: Address, settings: CameraSettings) -> None:
        """Connect, and find out which of the two it is.

        Args:
            address: http or https.
            settings: fps, stall, verify.

        Raises:
            SourceError: there is no answer, or it is not from a camera.
        """
        self._name, self._pace = address.shown, 1 / settings.fps
        self._frame_timeout = REOPENED_AFTER * settings.stall
        self._line = Connection(address, settings.stall, settings.verify)
        self._due = 0.0  # seconds, monotonic; when the next picture may be requested
        self._parts: Multipart | None = None
        try:
            with self._told():
                self._answer = self._line.ask()
                self._read = _unpacked(self._answer, self._name)
                self._parts = self._stream()
        except BaseException:
            self._line.close()
            raise

    def grab(self) -> Image | None:
        with self._told():
            data = self._next_part(self._parts) if self._parts else self._snapshot()
        with _this_frame_only():
            return pictures.decode(self._name, data)

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._answer.close()
        self._line.close()

    def describe(self) -> str:
        return "MJPEG stream" if self._parts else f"snapshots, {1 / self._pace:g} a second at most"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise SourceError(f"{self._name}: {failure(error, self._line.allowed)}") from error

    def _stream(self) -> Multipart | None:
        """The stream, by the answer's Content-Type; None: the answer is a picture.

        Raises:
            SourceError: it is neither.
        """
        kind = self._answer.headers.get_content_type()
        if kind.startswith(STREAM):
            return Multipart(str(self._answer.headers.get_param("boundary") or ""))
        if kind == PAGE:
            raise SourceError(f"{self._name}: answers with a web page, perhaps to log in; {EXPECTED}")
        if not kind.startswith(PICTURES):
            raise SourceError(f"{self._name}: answers with {kind[:60]}; {EXPECTED}; has it an rtsp:// address?")
        return None

    def _next_part(self, parts: Multipart) -> bytes:
        """The newest picture of the stream. Older ones that wait to be read are skipped."""
        self._line.allow(self._frame_timeout)
        begun = time.monotonic()
        newest = b""
        while not newest or (self._line.has_more() and time.monotonic() - begun < BACKLOG):
            data = self._read(CHUNK)
            if not data:
                break
            try:
                parts.feed(data)
            except SourceError as error:
                raise SourceError(f"{self._name}: {error}") from error
            newest = parts.take() or newest
        if not newest:
            raise SourceError(f"{self._name}: the stream has ended; was it switched off?")
        return newest

    def _snapshot(self) -> bytes:
        """The picture in the first answer; later, of another request when it is due."""
        is_first, wait = self._due == 0.0, self._due - time.monotonic()
        time.sleep(max(0.0, wait))
        self._due = max(self._due, time.monotonic()) + self._pace
        if not is_first:
            self._answer = self._line.ask()
            self._read = _unpacked(self._answer, self._name)
            if self._stream() is not None:
                raise SourceError(f"{self._name}: sends a stream instead of a picture")
        return self._whole()

    def _whole(self) -> bytes:
        data = bytearray()
        while chunk := self._read(CHUNK):
            data += chunk
            if len(data) > LARGEST:
                raise SourceError(f"{self._name}: a picture of more than {LARGEST} bytes")
        self._line.read_to_its_end(self._answer)
        return bytes(data)


@contextlib.contextmanager
def _this_frame_only() -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise FrameError(str(error)) from error


def _unpacked(answer: http.client.HTTPResponse, name: str) -> Callable[[int], bytes]:
    """A function that reads up to so many bytes of the body. Some cameras compress it although we did not ask for it.

    Raises:
        SourceError: the compression is not known.
    """
    packing = answer.getheader("Content-Encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        return answer.read1
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(f"{name}: answers packed with {packing[:20]}; expected no Content-Encoding")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib

    def read(most: int) -> bytes:
        while not unpacker.eof:
            data = unpacker.unconsumed_tail or answer.read1(most)
            if not data:
                return b""
            if unpacked := unpacker.decompress(data, most):
                return unpacked
        return b""

    return read
