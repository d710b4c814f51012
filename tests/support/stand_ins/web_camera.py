"""An HTTP camera on this machine whose answers, right or wrong, a test decides."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from maskwatch.flow import Image

SELF_SIGNED = Path(__file__).parent / "self_signed.pem"  # for localhost and 127.0.0.1; key and certificate
Say = Callable[[bytes], None]
Answer = Callable[[Say, "Request"], object]  # sends the answer to a request; False or an OSError closes the connection


class Request:
    """A request: its method, target and headers."""

    def __init__(self, text: str) -> None:
        first, *lines = text.split("\r\n")
        self.method, self.target = first.split(" ")[:2]
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


class WebCamera:
    """Answers every request the same way, each connection in a separate thread, while the `with` block runs."""

    def __init__(self, answer: Answer, encrypted: bool = False) -> None:
        """
        Args:
            answer: called for each request, see Answer.
            encrypted: whether it speaks https, with a certificate that nobody trusts.
        """
        self._answer, self._tls = answer, None
        if encrypted:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(SELF_SIGNED)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.scheme = "https" if encrypted else "http"
        self.requests: list[Request] = []
        self.connections = 0
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._taken: list[socket.socket] = []

    def address(self, path: str = "/door", user: str = "") -> str:
        return f"{self.scheme}://{user}127.0.0.1:{self.port}{path}"

    def __enter__(self) -> WebCamera:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.over.set()
        for each in (self._listener, *self._taken):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in (self._listener, *self._taken):
            each.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._taken.append(client)
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
                stack.callback(client.close)
            while head := _head(client):
                request = Request(head)
                self.requests.append(request)
                if self._answer(client.sendall, request) is False:
                    return


def _head(client: socket.socket) -> str:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        if not (more := client.recv(1)):
            return ""
        text += more
    return text.decode("latin-1").strip()


def jpeg(level: int = 120, size: tuple[int, int] = (160, 96)) -> bytes:
    """A picture with edges and corners, as JPEG. `level` (0 to 155) sets its brightness."""
    rng = np.random.default_rng(7)
    blocks = rng.integers(0, 100, (6, 10, 3)).repeat(16, 0).repeat(16, 1) + level
    picture = cv2.resize(blocks.clip(0, 255).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return data.tobytes()


def level_of(image: Image) -> int:
    """The `level` that jpeg() was given, to within a few steps."""
    return round(float(image.mean()) - float(np.random.default_rng(7).integers(0, 100, (6, 10, 3)).mean()))


def head(status: str = "200 OK", *lines: str) -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def picture(data: bytes, *lines: str) -> bytes:
    """A whole answer with a snapshot."""
    return head("200 OK", "Content-Type: image/jpeg", f"Content-Length: {len(data)}", *lines) + data


def part(data: bytes, boundary: str = "--door", length: bool = True, end: str = "\r\n") -> bytes:
    """One part of a multipart stream, with its JPEG."""
    lines = [boundary, "Content-Type: image/jpeg", *([f"Content-Length: {len(data)}"] if length else [])]
    return end.join([*lines, "", ""]).encode() + data + end.encode()


def chunked(pieces: Iterable[bytes]) -> bytes:
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
