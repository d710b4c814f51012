"""An RTSP camera's password goes to that camera alone, and an rtsps camera has to prove that it is it."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import odd_videos
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins.network_camera import NetworkCamera
from stand_ins.web_camera import SELF_SIGNED

from maskwatch.camera import open_source, opencv
from maskwatch.camera.rtsp import probe
from maskwatch.camera.rtsp.messages import Message, Splitter
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.flow import Image
from maskwatch.text.address import parse

STALL = 3.0  # seconds
PICTURE = np.random.default_rng(0).integers(0, 255, (6, 10, 3)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
NONCE = 'WWW-Authenticate: Digest realm="cam", nonce="abc"'
Otherwise = Callable[[list[str]], str | None]


@pytest.fixture
def cameras() -> Iterator[Callable[..., NetworkCamera]]:
    made: list[NetworkCamera] = []

    def make(**options: object) -> NetworkCamera:
        made.append(NetworkCamera(PICTURE, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for camera in made:
        camera.close()


def first_picture(camera: NetworkCamera, verify: bool = True, address: str = "") -> Image:
    stream = opencv.stream(parse(address or camera.address), STALL, verify)
    try:
        image = stream.grab()
    finally:
        stream.close()
    assert image is not None
    return image


def asks_for(scheme: str) -> Otherwise:
    """A camera that wants a login for all but OPTIONS."""

    def otherwise(request: list[str]) -> str | None:
        sent = any(line.startswith(f"Authorization: {scheme}") for line in request)
        asked = NONCE if scheme == "Digest" else 'WWW-Authenticate: Basic realm="cam"'
        return None if sent or request[0].startswith("OPTIONS") else f"RTSP/1.0 401 Unauthorized\r\n{asked}"

    return otherwise


def answers(status: str, *lines: str, to: str = "DESCRIBE") -> Otherwise:
    head = "\r\n".join([f"RTSP/1.0 {status}", *lines])
    return lambda request: head if request[0].startswith(to) else None


@pytest.mark.parametrize("opens", [True, False], ids=["a stream", "one that cannot be opened"])
def test_what_a_stream_needs_of_ffmpeg_is_not_left_to_a_video(
    cameras: Callable[..., NetworkCamera], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opens: bool
) -> None:
    monkeypatch.delenv(opencv.OPTIONS_VARIABLE, raising=False)
    if opens:
        first_picture(cameras())
    else:
        with pytest.raises(SourceError):
            first_picture(cameras(otherwise=answers("404 Not Found", to="SETUP")))
    assert opencv.OPTIONS_VARIABLE not in os.environ
    picture = cv2.imencode(".jpg", PICTURE[:48, :64])[1].tobytes()
    film = odd_videos.matroska(tmp_path / "x.mkv", [(number / 10, picture) for number in range(40)])
    source = open_source(CameraSettings(source=f"video:{film}"))
    assert source.describe() == "10 frames a second"
    source.close()


def test_options_of_ffmpeg_that_the_user_set_stay(
    cameras: Callable[..., NetworkCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(opencv.OPTIONS_VARIABLE, "rtsp_transport;tcp")
    first_picture(cameras())
    assert os.environ[opencv.OPTIONS_VARIABLE] == "rtsp_transport;tcp"


@pytest.mark.parametrize("scheme", ["Digest", "Basic"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["rtsp", "rtsps"])
def test_a_login_is_made_where_it_is_asked_for(
    cameras: Callable[..., NetworkCamera], scheme: str, encrypted: bool
) -> None:
    camera = cameras(encrypted=encrypted, otherwise=asks_for(scheme))
    assert np.abs(first_picture(camera, verify=False).astype(int) - PICTURE).mean() < 25
    played = next(request for request in camera.requests if request[0].startswith("PLAY"))
    assert any(line.startswith(f"Authorization: {scheme} ") for line in played)
    if encrypted:
        assert played[0].startswith(f"PLAY rtsps://127.0.0.1:{camera.port}/door")


def test_an_unknown_certificate_is_refused_before_anything_is_said(cameras: Callable[..., NetworkCamera]) -> None:
    camera = cameras(encrypted=True)
    with pytest.raises(SourceError, match=r"no stream: its certificate is not trusted .*camera\.verify = false$"):
        first_picture(camera)
    assert not camera.requests


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", True), ("localhost", True), ("127.0.0.2", False)])
def test_a_trusted_certificate_counts_for_its_own_host_alone(
    cameras: Callable[..., NetworkCamera], monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
    camera = cameras(encrypted=True)
    with forwarded(camera.port, host) as port:
        address = f"rtsps://me:secret@{host}:{port}/door"
        if trusted:
            first_picture(camera, address=address)
        else:
            with pytest.raises(SourceError, match=r"certificate is not valid for '127\.0\.0\.2'"):
                first_picture(camera, address=address)


class forwarded:  # noqa: N801
    """A host's port -> that of a camera on 127.0.0.1, while the `with` block runs."""

    def __init__(self, port: int, host: str) -> None:
        self._port, self._listener = port, socket.create_server((host, 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._listen, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        try:
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._port))
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()
        except OSError:
            return

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


@pytest.mark.parametrize("encrypted", [False, True], ids=["rtsp", "rtsps"])
@pytest.mark.parametrize("to", ["OPTIONS", "DESCRIBE"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "305 Proxy"])
def test_another_host_gets_nothing_and_is_named(
    cameras: Callable[..., NetworkCamera], encrypted: bool, to: str, status: str
) -> None:
    other = cameras(encrypted=encrypted, otherwise=asks_for("Basic"))
    there = other.address.replace("me:secret@", "")
    camera = cameras(encrypted=encrypted, otherwise=answers(status, f"Location: {there}?pw=sesame", to=to))
    with pytest.raises(SourceError) as told:
        first_picture(camera, verify=False)
    assert f"redirects to rtsp{'s' * encrypted}://127.0.0.1:{other.port}/…" in str(told.value)
    assert "secret" not in str(told.value)
    assert "sesame" not in str(told.value)
    time.sleep(0.1)
    assert not other.requests


def test_a_redirect_after_the_login_is_found_too(cameras: Callable[..., NetworkCamera]) -> None:
    def otherwise(request: list[str]) -> str | None:
        return asks_for("Digest")(request) or answers("302 Found", "Location: rtsp://127.0.0.9/x")(request)

    with pytest.raises(SourceError, match=r"redirects to rtsp://127\.0\.0\.9/…"):
        first_picture(cameras(otherwise=otherwise))


@pytest.mark.parametrize("encrypted", [False, True], ids=["rtsp", "rtsps"])
@pytest.mark.parametrize(
    ("otherwise", "reason"),
    [
        (answers("401 Unauthorized", NONCE), r"no stream: refuses user or password \(401\)"),
        (answers("404 Not Found"), r"no stream: has nothing at this path \(404\); expected the path of its stream"),
        (answers("500 Oops"), "no stream; check address, user, password and network"),
    ],
)
def test_a_camera_that_says_no_is_told_with_its_reason(
    cameras: Callable[..., NetworkCamera], encrypted: bool, otherwise: Otherwise, reason: str
) -> None:
    with pytest.raises(SourceError, match=f"^rtsps?://…@127[^ ]*: {reason}$"):
        first_picture(cameras(encrypted=encrypted, otherwise=otherwise), verify=False)


def test_no_thread_and_no_connection_stays_behind(cameras: Callable[..., NetworkCamera]) -> None:
    camera = cameras(encrypted=True)
    for _ in range(3):
        first_picture(camera, verify=False)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("relay")]


def test_what_is_no_rtsp_camera_is_left_to_ffmpeg() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for said in (
            b"",
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"\xff" * 70_000,
            b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        ):

            def answer(said: bytes = said) -> None:
                client, _ = listener.accept()
                with client:
                    client.sendall(said)

            thread = threading.Thread(target=answer)
            thread.start()
            assert probe.refusal(parse(f"rtsp://me:secret@127.0.0.1:{port}/door"), 0.5) is None
            thread.join()


MESSAGE = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nhello"
PACKET = b"$\0\0\x03abc"


@given(st.lists(st.sampled_from([MESSAGE, PACKET, b"OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n"])), st.integers(1, 40))
def test_messages_and_packets_are_cut_apart_however_they_come(items: list[bytes], size: int) -> None:
    splitter, data, found = Splitter(), b"".join(items), []
    for start in range(0, len(data), size):
        found += [bytes(item) for item in splitter.feed(data[start : start + size])]
    assert found == items


@given(st.binary(max_size=300))
def test_any_bytes_are_cut_apart_or_refused(data: bytes) -> None:
    try:
        for item in Splitter().feed(data):
            assert isinstance(item, Message | bytes)
    except ValueError as error:
        assert re.search("headers without end|no sensible length", str(error))  # noqa: PT017
