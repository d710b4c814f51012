"""A look at an RTSP camera before FFmpeg is sent there: where the camera sends on, FFmpeg would take the password."""

from __future__ import annotations

import contextlib
import socket
import time

from maskwatch.camera.rtsp.login import Login
from maskwatch.camera.rtsp.messages import Message, Splitter
from maskwatch.text.address import Address

PORT = 554


def refusal(address: Address, stall: float) -> str | None:
    """Asks as FFmpeg will: OPTIONS, then DESCRIBE.

    Args:
        address: rtsp://…
        stall: seconds it may take.

    Returns:
        Why FFmpeg must not be sent there, or would not be let in; None: it may try.
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
    """
    Raises:
        OSError: none came in time.
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
