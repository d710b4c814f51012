"""A network camera on this machine: RTSP (RFC 2326) with JPEG over RTP (RFC 2435) inside the same TCP connection.

It serves one client at a time, which must send its requests in the usual order, as FFmpeg does.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from stand_ins.web_camera import SELF_SIGNED

from maskwatch.flow import Image

HERE = "IN IP4 127.0.0.1"
SDP = f"v=0\r\no=- 0 0 {HERE}\r\ns=door\r\nc={HERE}\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:0\r\n"
FRAME = 0.03  # seconds
CLOCK = 90_000  # RTP's ticks a second for JPEG
FRAGMENT = 1400  # bytes of a packet
YUV420, TABLES_INSIDE = 1, 255  # RFC 2435: type, Q
Encoded = tuple[bytes, ...]  # a picture's packets without their RTP heads


class NetworkCamera:
    """Sends its pictures one after the other, in a loop, to the client that plays the stream."""

    def __init__(
        self,
        *pictures: Image | Encoded,
        port: int = 0,
        pace: float = FRAME,
        encrypted: bool = False,
        otherwise: Callable[[list[str]], str | None] = lambda _: None,
    ) -> None:
        """
        Args:
            pictures: (H, W, 3) RGB, sides divisible by 16, or what encoded() made of one.
            port: TCP port that it listens on; 0: any free one.
            pace: seconds a picture.
            encrypted: whether it speaks TLS, with a certificate that nobody trusts.
            otherwise: takes a request's lines, returns the head of the answer to send instead of the usual one,
                without CSeq, or None for the usual answer.
        """
        self.show(*pictures)
        self._pace, self._otherwise, self._tls = pace, otherwise, None
        if encrypted:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(SELF_SIGNED)
        self.requests: list[list[str]] = []  # each with its lines
        self.silent = threading.Event()  # set: connected, but sends nothing
        self.plays = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._client: socket.socket | None = None
        self.port = self._listener.getsockname()[1]
        self.address = f"{'rtsps' if encrypted else 'rtsp'}://me:secret@127.0.0.1:{self.port}/door"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def show(self, *pictures: Image | Encoded) -> None:
        """Send these pictures from now on, beginning with the first."""
        self._film = [picture if isinstance(picture, tuple) else encoded(picture) for picture in pictures]

    def hang_up(self) -> None:
        """Close the client's connection; it may connect again."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the camera: nobody can connect any more. A second call does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                self._client, _ = self._listener.accept()
                if self._tls:
                    with self._client as plain:
                        self._client = self._tls.wrap_socket(plain, server_side=True)
                with self._client:
                    if self._greet(self._client):
                        self.plays += 1
                        self._play(self._client)

    def _greet(self, client: socket.socket) -> bool:
        """Answer requests until the client plays the stream; False when it leaves before that."""
        while request := _request(client):
            method, number = request[0].split()[0], next(line for line in request if line.startswith("CSeq"))
            self.requests.append(request)
            if answer := self._otherwise(request):
                client.sendall(f"{answer}\r\n{number}\r\n\r\n".encode())
                continue
            extra, body = "", ""
            if method == "DESCRIBE":
                extra, body = f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n", SDP
            elif method == "SETUP":
                extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                extra = "Session: 1\r\n"
            client.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{extra}\r\n{body}".encode())
            if method == "PLAY":
                return True
        return False

    def _play(self, client: socket.socket) -> None:
        packet = 0
        for frame in range(1_000_000):
            if self._over.wait(self._pace) or _left(client):
                return
            if self.silent.is_set():
                continue
            film = self._film
            fragments = film[frame % len(film)]
            for number, fragment in enumerate(fragments):
                last = number == len(fragments) - 1
                ticks = int(frame * self._pace * CLOCK)
                head = struct.pack(">BBHII", 0x80, 26 | last << 7, packet & 0xFFFF, ticks, 1)
                client.sendall(struct.pack(">cBH", b"$", 0, len(head) + len(fragment)) + head + fragment)
                packet += 1


def _left(client: socket.socket) -> bool:
    there, _, _ = select.select([client], [], [], 0)
    return bool(there) and not client.recv(4096)  # RTCP reports of the receiver are ignored


def _request(client: socket.socket) -> list[str]:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        if not (more := client.recv(1)):
            return []
        text += more
    return text.decode().strip().splitlines()


def encoded(picture: Image) -> Encoded:
    """The RTP payloads of a picture; a test that sends the picture often encodes it once."""
    return tuple(_fragments(picture))


def _fragments(picture: Image) -> Iterator[bytes]:
    """The quantisation tables and the scan of a JPEG: RTP sends only these, the receiver knows the rest."""
    done, encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]))
    assert done
    data, place, tables, scan = encoded.tobytes(), 2, b"", b""
    while not scan:
        kind, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        body, place = data[place + 4 : place + 2 + length], place + 2 + length
        if kind == 0xDB:  # one table or more, each after a byte that numbers it
            tables += b"".join(body[start + 1 : start + 65] for start in range(0, len(body), 65))
        elif kind == 0xDA:
            scan = data[place:-2]
    height, width = picture.shape[:2]
    for offset in range(0, len(scan), FRAGMENT):
        head = struct.pack(">IBBBB", offset, YUV420, TABLES_INSIDE, width // 8, height // 8)
        quantisation = struct.pack(">BBH", 0, 0, len(tables)) + tables if offset == 0 else b""
        yield head + quantisation + scan[offset : offset + FRAGMENT]
