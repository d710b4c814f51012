"""Relays between FFmpeg (RTSP on this machine) and a camera (RTSP over TLS, with a checked certificate).

The relay logs in, so FFmpeg never gets the password. A redirect ends the relay. The stream uses the same connection.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading

from maskwatch.camera.rtsp.login import Login
from maskwatch.camera.rtsp.messages import Message, Splitter
from maskwatch.camera.web.connection import failure, tls
from maskwatch.errors import SourceError
from maskwatch.text.address import Address

PORT = 322  # of rtsps (RFC 7826)
CHUNK = 65_536  # bytes read at once
TURN = 0.5  # seconds until a request to close is noticed
CLOSE_WITHIN = 2.0  # seconds


class Relay:
    """A relay between one FFmpeg and one camera, on a separate thread."""

    def __init__(self, address: Address, stall: float, verify: bool) -> None:
        """
        Args:
            address: rtsps://…
            stall: seconds that connecting may take, and each answer.
            verify: whether the camera must have a trusted certificate.

        Raises:
            SourceError: it cannot be reached, or has no such certificate.
        """
        assert address.authority is not None
        self.failure: str | None = None  # why it ended, in words for the camera's owner
        self._login, self._stall = Login(address), stall
        self._camera = _connected(address, stall, verify)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(stall)
        here = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.address = f"rtsp://{here}{address.authority.tail}"  # for FFmpeg
        self._prefixes = (f"rtsp://{here}", f"rtsps://{address.authority.host}:{address.authority.port or PORT}")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"relay {address.shown}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_WITHIN)

    def _run(self) -> None:
        with (
            self._camera,
            contextlib.suppress(OSError, ValueError),
        ):  # one side has gone; FFmpeg fails then
            with self._listener:
                ffmpeg, _ = self._listener.accept()
            with ffmpeg:
                ffmpeg.settimeout(self._stall)
                self._pass_on(ffmpeg)

    def _pass_on(self, ffmpeg: socket.socket) -> None:
        requests, answers = Splitter(), Splitter()
        while not self._closing.is_set() and self.failure is None:
            ready, _, _ = select.select([ffmpeg, self._camera], [], [], 0 if self._camera.pending() else TURN)
            if ffmpeg in ready:
                for item in requests.feed(self._received(ffmpeg)):
                    self._camera.sendall(bytes(self._asked(item)))
            if self._camera in ready or self._camera.pending():
                for item in answers.feed(self._received(self._camera)):
                    self._answer(item, ffmpeg)

    def _received(self, connection: socket.socket) -> bytes:
        """The bytes that have arrived; empty if TLS only received a message of its protocol.

        Raises:
            OSError: the other side closed the connection.
        """
        connection.setblocking(False)
        try:
            data = connection.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        finally:
            connection.settimeout(self._stall)
        if not data:
            raise ConnectionResetError
        return data

    def _asked(self, item: Message | bytes) -> Message | bytes:
        if isinstance(item, bytes):
            return item
        here, there = self._prefixes
        _, target = item.method_and_target
        return self._login.proven(item, there + target.removeprefix(here) if target.startswith(here) else target)

    def _answer(self, item: Message | bytes, ffmpeg: socket.socket) -> None:
        if isinstance(item, Message):
            if second := self._login.second(item):
                self._camera.sendall(bytes(second))
                return
            self.failure = self._login.refusal(item)
            if self.failure is not None:
                return
        ffmpeg.sendall(bytes(item))


def _connected(address: Address, stall: float, verify: bool) -> ssl.SSLSocket:
    assert address.authority is not None
    host = address.authority.host.strip("[]").replace("%25", "%")
    try:
        plain = socket.create_connection((host, address.authority.port or PORT), stall)
        try:
            return tls(verify).wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    except (OSError, ValueError) as error:
        raise SourceError(f"{address.shown}: no stream: {failure(error, stall)}") from error
