"""Asks an RTSP camera before FFmpeg connects to it: on a redirect, FFmpeg would send the password to another host."""

from __future__ import annotations

import contextlib
import socket
import time

from maskwatch.camera.rtsp.login import Login
from maskwatch.camera.rtsp.messages import Message, Splitter
from maskwatch.text.address import Address

PORT = 554


def refusal(address: Address, stall: float) -> str | None:
    """Send the requests that FFmpeg will send: OPTIONS, then DESCRIBE.

    Args:
        address: rtsp://…
        stall: seconds that it may take.

    Returns:
        Why FFmpeg must not connect, or would be refused; None: it may connect.
    """
    assert address.authority is not None
    until = time.monotonic() + stall
    host, port = address.authority.host.strip("[]").replace("%25", "%"), address.authority.port or PORT
    with contextlib.suppress(OSError, ValueError), socket.create_connection((host, port), stall) as camera:
        login, splitter = Login(address), Splitter()
        for number, method in enumerate(("OPTIONS", "DESCRIBE"), 1):
            request = Message(f"{method} x RTSP/1.0", f"CSeq: {number}\r\nAccept: application/sdp\r\n")
            message: Message | None = login.proven(request, address.without_user)
            while message is not None:
                camera.sendall(bytes(message))
                answer = _answer(camera, splitter, until)
                message = login.second(answer)
            if reason := login.refusal(answer):
                return reason
    return None


def _answer(camera: socket.socket, splitter: Splitter, until: float) -> Message:
    """The next message of the camera.

    Raises:
        OSError: none came in time, or the connection failed.
    """
    data = b""
    while True:
        for item in splitter.feed(data):
            if isinstance(item, Message):
                return item
        camera.settimeout(max(0.001, until - time.monotonic()))
        data = camera.recv(65_536)
        if not data or time.monotonic() > until:
            raise TimeoutError
