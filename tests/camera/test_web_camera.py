"""A camera at an http address: its pictures whole and new, its failures one line, its password nowhere else."""

from __future__ import annotations

import gzip
import logging
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from stand_ins.quiet_server import QuietServer
from stand_ins.web_camera import (
    SELF_SIGNED,
    Answer,
    Request,
    Say,
    WebCamera,
    chunked,
    head,
    jpeg,
    level_of,
    part,
    picture,
)

from maskwatch.camera import Source, open_source
from maskwatch.camera.pixels import FrameError
from maskwatch.camera.web.camera import WebCamera as Grabber
from maskwatch.cli import check
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError
from maskwatch.text.address import parse

MJPEG = head("200 OK", "Content-Type: multipart/x-mixed-replace; boundary=door")
STALL = 0.4  # seconds
PATIENCE = 20.0  # seconds; only a test that fails waits so long


def grabber(camera: WebCamera, user: str = "", path: str = "/door", **changed: Any) -> Grabber:
    address = camera.address(path, user)
    return Grabber(parse(address), CameraSettings(source=address, **{"stall": STALL, "fps": 50.0} | changed))


def refused(answer: Answer, user: str = "", **changed: Any) -> str:
    """Why a camera that answers so gives no picture."""
    with WebCamera(answer) as camera, pytest.raises(SourceError) as told:
        first_picture(camera, user, **changed)
    text = str(told.value)
    assert text.startswith(f"http://{'…@' if user else ''}127.0.0.1:")
    assert "\n" not in text
    return text.partition(": ")[2]


def first_picture(camera: WebCamera, user: str = "", **changed: Any) -> None:
    source = grabber(camera, user, **changed)
    try:
        source.grab()
    finally:
        source.close()


def says(*data: bytes) -> Answer:
    """The same to every request; then it waits for the next one."""

    def answer(say: Say, _: Request) -> None:
        for each in data:
            say(each)

    return answer


def hangs_up_after(*data: bytes) -> Answer:
    def answer(say: Say, _: Request) -> bool:
        for each in data:
            say(each)
        return False

    return answer


ONE, TWO, THREE = (jpeg(level) for level in (20, 80, 140))
STREAMS = {
    "as the rule says": (MJPEG, *(part(each) for each in (ONE, TWO))),
    "no length": (MJPEG, *(part(each, length=False) for each in (ONE, TWO))),
    "no length, LF alone": (MJPEG, *(part(each, length=False, end="\n") for each in (ONE, TWO))),
    "LF alone": (MJPEG, *(part(each, end="\n") for each in (ONE, TWO))),
    "dashes in the header": (
        head("200 OK", "Content-Type: multipart/x-mixed-replace;boundary=--door"),
        *(part(each, length=False) for each in (ONE, TWO)),
    ),
    "dashes added to those in the header": (
        head("200 OK", "Content-Type: multipart/x-mixed-replace;boundary=--door"),
        *(part(each, "----door") for each in (ONE, TWO)),
    ),
    "no dashes in the stream": (MJPEG, *(part(each, "door") for each in (ONE, TWO))),
    "quotes": (
        head("200 OK", 'Content-Type: multipart/x-mixed-replace; boundary="door"'),
        part(ONE),
        part(TWO),
    ),
    "quotes and spaces": (
        head("200 OK", 'content-type:   Multipart/X-Mixed-Replace ;  Boundary = "--a door" '),
        *(part(each, "--a door", length=False) for each in (ONE, TWO)),
    ),
    "no boundary in the header": (head("200 OK", "Content-Type: multipart/x-mixed-replace"), part(ONE), part(TWO)),
    "blank lines first": (MJPEG, b"\r\n\r\n", part(ONE), b"\r\n", part(TWO)),
    "a second blank line": (MJPEG, *(part(each).replace(b"\r\n\r\n", b"\r\n\r\n\r\n", 1) for each in (ONE, TWO))),
    "a sign of life between": (
        MJPEG,
        part(ONE),
        b"--door\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok\r\n",
        part(TWO),
    ),
    "a last boundary": (MJPEG, part(ONE), part(TWO), b"--door--\r\n"),
    "mixed": (head("200 OK", "Content-Type: multipart/mixed; boundary=door"), part(ONE), part(TWO)),
    "chunks": (
        head("200 OK", "Content-Type: multipart/x-mixed-replace; boundary=door", "Transfer-Encoding: chunked"),
        chunked([part(ONE)[:100], part(ONE)[100:] + part(TWO)[:7], part(TWO)[7:]]),
    ),
    "many small chunks": (
        head("200 OK", "Content-Type: multipart/x-mixed-replace; boundary=door", "Transfer-Encoding: chunked"),
        chunked(bytes([byte]) for byte in part(ONE) + part(TWO)),
    ),
    "packed": (
        head("200 OK", "Content-Type: multipart/x-mixed-replace; boundary=door", "Content-Encoding: gzip"),
        gzip.compress(part(ONE) + part(TWO)),
    ),
    "http 1.0": (MJPEG.replace(b"HTTP/1.1", b"HTTP/1.0"), part(ONE), part(TWO)),
    "a byte at a time": tuple(bytes([byte]) for byte in MJPEG + part(ONE) + part(TWO)),
}


@pytest.mark.parametrize("form", STREAMS)
def test_a_stream_of_any_form_gives_its_newest_picture(form: str) -> None:
    with WebCamera(says(*STREAMS[form])) as camera:
        source = grabber(camera, stall=5.0)
        levels = []
        while not levels or levels[-1] != 80:
            image = source.grab()
            assert image is not None
            assert image.shape == (96, 160, 3)
            levels.append(level_of(image))
        assert levels in ([20, 80], [80])
        assert source.describe() == "MJPEG stream"
        source.close()


def test_a_picture_without_length_is_there_before_the_next_one_comes() -> None:
    with WebCamera(says(MJPEG, part(ONE, length=False))) as camera:
        source = grabber(camera, stall=5.0)
        assert source.grab() is not None
        source.close()


def test_the_end_of_a_thumbnail_is_no_end_of_the_picture() -> None:
    thumbnail = b"\xff\xd8 small \xff\xd9"
    whole = ONE[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + ONE[2:]
    cut = len(part(b"", length=False)) - 2 + 6 + len(thumbnail)
    stream = part(whole, length=False)
    assert stream[:cut].endswith(b"\xff\xd9")

    def answer(say: Say, _: Request) -> None:
        say(MJPEG + stream[:cut])
        time.sleep(0.1)
        say(stream[cut:])

    with WebCamera(answer) as camera:
        source = grabber(camera, stall=5.0)
        image = source.grab()
        assert image is not None
        assert image.shape == (96, 160, 3)
        source.close()


def test_pictures_that_are_late_are_passed_over() -> None:
    sent = threading.Event()

    def answer(say: Say, _: Request) -> None:
        say(MJPEG)
        for level in range(120):
            say(part(jpeg(level)))
        sent.set()

    with WebCamera(answer) as camera:
        source = grabber(camera, stall=5.0)
        assert sent.wait(PATIENCE)
        assert level_of(source.grab()) > 60  # type: ignore[arg-type]  not the first: 120 were there
        source.close()


def test_an_endless_flood_still_gives_pictures() -> None:
    def answer(say: Say, _: Request) -> None:
        say(MJPEG)
        for number in range(100_000):
            say(part(jpeg(number % 100)))

    with WebCamera(answer) as camera:
        source = grabber(camera, stall=5.0)
        begun = time.monotonic()
        for _ in range(3):
            assert source.grab() is not None
        assert time.monotonic() - begun < 3.0
        source.close()


def test_half_a_picture_costs_one_frame() -> None:
    with WebCamera(says(MJPEG, part(ONE[: len(ONE) // 2]))) as camera:
        source = grabber(camera, stall=5.0)
        with pytest.raises(FrameError, match="cut short or damaged"):
            source.grab()
        source.close()


def test_snapshots_are_asked_for_at_the_rate_of_fps_over_one_connection() -> None:
    levels = iter(range(0, 200, 10))
    with WebCamera(lambda say, _: say(picture(jpeg(next(levels))))) as camera:
        source = grabber(camera, fps=20.0)
        begun = time.monotonic()
        seen = [level_of(source.grab()) for _ in range(6)]  # type: ignore[arg-type]
        assert time.monotonic() - begun >= 5 / 20 - 0.02
        assert seen == pytest.approx([0, 10, 20, 30, 40, 50], abs=2)
        assert (camera.connections, len(camera.requests)) == (1, 6)
        assert source.describe() == "snapshots, 20 a second at most"
        source.close()


SNAPSHOTS: dict[str, Answer] = {
    "hung up after each": hangs_up_after(picture(ONE)),
    "said so": hangs_up_after(picture(ONE, "Connection: close")),
    "without length": hangs_up_after(head("200 OK", "Content-Type: image/jpeg") + ONE),
    "http 1.0": hangs_up_after(picture(ONE).replace(b"HTTP/1.1", b"HTTP/1.0")),
    "chunks": says(
        head("200 OK", "Content-Type: image/jpeg", "Transfer-Encoding: chunked") + chunked([ONE[:9], ONE[9:], b""])
    ),
    "gzip": says(
        head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(gzip.compress(ONE, mtime=0))}")
        + gzip.compress(ONE, mtime=0)
    ),
    "deflate in chunks": says(
        head("200 OK", "Content-Encoding: deflate", "Transfer-Encoding: chunked")
        + chunked([zlib.compress(ONE)[:50], zlib.compress(ONE)[50:], b""])
    ),
    "no type": says(head("200 OK", f"Content-Length: {len(ONE)}") + ONE),
    "bytes": says(picture(ONE).replace(b"image/jpeg", b"application/octet-stream")),
}


@pytest.mark.parametrize("form", SNAPSHOTS)
def test_a_snapshot_of_any_form_is_a_picture_again_and_again(form: str) -> None:
    with WebCamera(SNAPSHOTS[form]) as camera:
        source = grabber(camera, stall=5.0)
        for _ in range(4):
            image = source.grab()
            assert image is not None
            assert level_of(image) == 20
        source.close()


@pytest.mark.parametrize(
    "body", [b"", ONE[:200], b"busy", b"<html>log in</html>"], ids=["empty", "half", "text", "a page"]
)
def test_what_is_no_picture_costs_one_frame(body: bytes) -> None:
    with WebCamera(says(picture(body))) as camera:
        source = grabber(camera)
        for _ in range(3):
            with pytest.raises(FrameError):
                source.grab()
        source.close()


PAGE = head("200 OK", "Content-Type: text/html; charset=utf-8", "Content-Length: 5") + b"login"
REFUSALS: dict[str, tuple[Answer, str]] = {
    "a page": (says(PAGE), "answers with a web page, perhaps to log in; expected multipart/x-mixed-replace"),
    "h264": (says(head("200 OK", "Content-Type: video/mp2t")), "answers with video/mp2t; expected multipart/x-mixed"),
    "404": (says(head("404 Not Found", "Content-Length: 0")), "has nothing at this path (404)"),
    "500": (says(head("500 Oops", "Content-Length: 0")), "answers with 500 Oops"),
    "503, no reason": (says(head("503", "Content-Length: 0")), "answers with 503"),
    "no http": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not speak http (BadStatusLine)"),
    "a line without end": (says(b"HTTP/1.1 " + b"2" * 70_000), "does not speak http (LineTooLong)"),
    "headers without end": (
        says(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000),
        "does not speak http (HTTPException)",
    ),
    "nothing": (hangs_up_after(), "hangs up without an answer"),
    "silence": (says(), "no answer for 0.4 s"),
    "silence after the head": (says(picture(ONE)[:60]), "no answer for 0.4 s"),
    "half, then silence": (says(picture(ONE)[:-50]), "no answer for 0.4 s"),
    "a stream, then silence": (says(MJPEG), "no answer for 0.8 s"),
    "a stream that ends": (hangs_up_after(MJPEG), "the stream has ended; was it switched off?"),
    "a part of 4 GB": (
        says(MJPEG, b"--door\r\nContent-Length: 999999999\r\n\r\n"),
        "a picture of 999999999 bytes; expected 16000000 at most",
    ),
    "a part without end": (says(MJPEG, b"--door\r\n\r\n" + b"x" * 17_000_000), "a picture without end"),
    "no boundary": (says(MJPEG, b"x" * 17_000_000), "no boundary between pictures"),
    "part headers without end": (says(MJPEG, b"--door\r\n" + b"X-A: b\r\n" * 5000), "headers without end"),
    "a bomb": (
        says(head("200 OK", "Content-Encoding: gzip"), gzip.compress(bytes(50_000_000))),
        "a picture of more than 16000000 bytes",
    ),
    "packed otherwise": (says(head("200 OK", "Content-Encoding: br")), "answers packed with br; expected no"),
    "packed badly": (hangs_up_after(head("200 OK", "Content-Encoding: gzip") + b"not gzip"), "cannot be reached"),
    "in a circle": (says(head("302 Found", "Location: /door", "Content-Length: 0")), "answers with 302 Found"),
    "moved to nowhere": (says(head("302 Found", "Location: http://[", "Content-Length: 0")), "redirects to"),
}


@pytest.mark.parametrize("form", REFUSALS)
def test_whatever_else_it_answers_is_one_line_and_ends_in_time(form: str) -> None:
    answer, reason = REFUSALS[form]
    begun = time.monotonic()
    assert refused(answer, stall=STALL if "no answer" in reason else 5.0).startswith(reason)
    assert time.monotonic() - begun < 5.0


@pytest.mark.parametrize("where", ["head", "headers", "picture", "stream"])
def test_bytes_that_drip_in_do_not_hold_it_for_ever(where: str) -> None:
    whole = {"head": b"", "headers": b"HTTP/1.1 200 OK\r\n", "picture": picture(ONE)[:80], "stream": MJPEG}[where]

    def answer(say: Say, _: Request) -> None:
        say(whole)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
            say(bytes([byte]))
            time.sleep(0.05)

    begun = time.monotonic()
    assert refused(answer).startswith("no answer for ")
    assert time.monotonic() - begun < 3.0


def test_a_host_that_says_nothing_is_told_in_time() -> None:
    with QuietServer() as server:
        address = f"http://127.0.0.1:{server.port}/door"
        with pytest.raises(SourceError, match=r"no answer for 0\.4 s$"):
            Grabber(parse(address), CameraSettings(source=address, stall=STALL))


# -- who may know the password ------------------------------------------------------------------------------------


def wants(*challenges: str, accepts: Callable[[str], bool]) -> Answer:
    def answer(say: Say, request: Request) -> None:
        if accepts(request.headers.get("authorization", "")):
            say(picture(ONE))
        else:
            asked = [f"WWW-Authenticate: {challenge}" for challenge in challenges]
            say(head("401 Unauthorized", *asked, "Content-Length: 6") + b"denied")

    return answer


NONCES = 'Digest realm="cam", nonce="abc", qop="auth"'


@pytest.mark.parametrize(
    ("challenges", "scheme"),
    [
        (['Basic realm="cam"'], "Basic "),
        ([NONCES], "Digest "),
        (['Basic realm="cam"', NONCES], "Digest "),
        ([f'Basic realm="cam", {NONCES}'], "Digest "),
        ([f'Negotiate, Bearer realm="x", {NONCES}'], "Digest "),
        ([NONCES + ", algorithm=SHA-256", NONCES], "Digest "),
        (['Digest realm="cam", nonce="abc"'], "Digest "),
        (['Digest realm="cam", nonce="abc", algorithm=XYZ', 'Basic realm="cam"'], "Basic "),
    ],
)
def test_the_strongest_login_that_both_know_is_used_and_asked_for_once(challenges: list[str], scheme: str) -> None:
    with WebCamera(wants(*challenges, accepts=lambda header: header.startswith(scheme))) as camera:
        source = grabber(camera, "me:sesame@", stall=5.0)
        for _ in range(3):
            assert source.grab() is not None
        source.close()
    assert len(camera.requests) == 4  # the first one without
    sent = [request.headers.get("authorization", "") for request in camera.requests]
    assert sent[0] == ""
    assert "sesame" not in "".join(sent)
    if "SHA-256" in challenges[0]:
        assert "algorithm=SHA-256" in sent[1]


def test_a_challenge_that_aged_is_answered_anew() -> None:
    nonce = iter(range(100))

    def answer(say: Say, request: Request) -> None:
        header = request.headers.get("authorization", "")
        if "nc=00000002" in header or not header:
            asked = f'WWW-Authenticate: Digest realm="cam", nonce="{next(nonce)}", qop="auth", stale=true'
            say(head("401 Unauthorized", asked, "Content-Length: 0"))
        else:
            say(picture(ONE))

    with WebCamera(answer) as camera:
        source = grabber(camera, "me:sesame@", stall=5.0)
        for _ in range(4):
            assert source.grab() is not None
        source.close()


@pytest.mark.parametrize(
    ("user", "reason"),
    [("", "asks for user and password; expected them in source"), ("me:wrong@", "refuses user or password (401)")],
)
def test_a_login_that_fails_says_so_and_asks_no_third_time(user: str, reason: str) -> None:
    with WebCamera(wants(NONCES, accepts=lambda _: False)) as camera:
        with pytest.raises(SourceError) as told:
            grabber(camera, user)
        assert reason in str(told.value)
        assert len(camera.requests) == (2 if user else 1)


def test_a_login_of_an_unknown_kind_is_named() -> None:
    assert "other than Basic and Digest" in refused(wants("NTLM", accepts=lambda _: False), "me:sesame@")


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_another_host_gets_nothing_and_is_named(status: str) -> None:
    with WebCamera(says(picture(ONE))) as other:
        for there in (other.address("/x"), f"//127.0.0.1:{other.port}/x", "https://127.0.0.1/x?pw=sesame", "ftp://a/"):
            moved = says(head(f"{status} Moved", f"Location: {there}", "Content-Length: 0"))
            told = refused(moved, "me:sesame@")
            assert told.startswith("redirects to ")
            assert "sesame" not in told
    assert not other.requests


def test_another_path_of_the_same_host_is_followed() -> None:
    def answer(say: Say, request: Request) -> None:
        if request.target == "/live/door?size=1":
            say(picture(ONE))
        else:
            say(head("302 Found", "Location: live/door?size=1", "Content-Length: 0"))

    with WebCamera(answer) as camera:
        source = grabber(camera, stall=5.0)
        assert source.grab() is not None
        source.close()


def test_neither_proxies_nor_netrc_are_heeded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / ".netrc").write_text("default login me password sesame\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with WebCamera(says(picture(ONE))) as camera:
        grabber(camera, stall=5.0).close()
    assert "authorization" not in camera.requests[0].headers


# -- https --------------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_trusts_is_refused_and_the_way_out_is_named() -> None:
    with WebCamera(says(picture(ONE)), encrypted=True) as camera:
        with pytest.raises(SourceError, match=r"its certificate is not trusted \(self.signed certificate\)") as told:
            grabber(camera, "me:sesame@", stall=5.0)
        assert "camera.verify = false" in str(told.value)
    assert not camera.requests


def test_it_is_taken_where_a_setting_says_so_or_the_machine_trusts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with WebCamera(says(picture(ONE)), encrypted=True) as camera:
        for verify in (False, True):
            if verify:
                monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
            source = grabber(camera, stall=5.0, verify=verify)
            for _ in range(3):
                assert source.grab() is not None
            source.close()


def test_a_stream_over_https_passes_over_what_is_late() -> None:
    sent = threading.Event()

    def answer(say: Say, _: Request) -> None:
        say(MJPEG)
        for level in range(0, 100, 10):
            say(part(jpeg(level)))
        sent.set()

    with WebCamera(answer, encrypted=True) as camera:
        source = grabber(camera, stall=5.0, verify=False)
        assert sent.wait(PATIENCE)
        levels = [level_of(source.grab())]  # type: ignore[arg-type]
        while levels[-1] < 88:
            levels.append(level_of(source.grab()))  # type: ignore[arg-type]
        assert len(levels) < 10
        source.close()


# -- as the daemon uses it ----------------------------------------------------------------------------------------


def sees(source: Source) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if source.read(0.2) is not None:
            return True
    return False


def wait_for(source: Source, happened: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not happened() and time.monotonic() < end:
        source.read(0.05)
    return happened()


def live(camera: WebCamera, **changed: Any) -> Source:
    return open_source(CameraSettings(source=camera.address(), **{"stall": STALL, "fps": 50.0} | changed))


def test_the_same_snapshot_again_and_again_is_a_frozen_camera() -> None:
    with WebCamera(says(picture(ONE))) as camera:
        source = live(camera, frozen=0.3)
        assert wait_for(source, lambda: source.trouble == "frozen: the same picture for 0.3 s")
        source.close()


def test_a_stream_that_breaks_off_is_found_again() -> None:
    with WebCamera(hangs_up_after(MJPEG, *(part(jpeg(level)) for level in (20, 80)))) as camera:
        source = live(camera, frozen=0.0)
        assert wait_for(source, lambda: source.trouble is not None)
        assert wait_for(source, lambda: camera.connections >= 2)
        assert sees(source)
        source.close()


def test_check_says_what_it_found_and_no_log_knows_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with WebCamera(wants(NONCES, accepts=lambda header: bool(header))) as camera:
        settings = CameraSettings(source=camera.address("/door?pwd=sesame", "me:sesame@"), stall=5.0)
        line = str(check._camera(settings))
    assert line == f"http://…@127.0.0.1:{camera.port}/…, 160x96 pixels, snapshots, 15 a second at most"
    assert "sesame" not in caplog.text
    assert "sesame" not in " ".join(thread.name for thread in threading.enumerate())


def test_closing_a_camera_that_hangs_does_not_wait_for_it() -> None:
    with WebCamera(says(MJPEG, part(ONE))) as camera:
        source = live(camera, stall=5.0)
        assert sees(source)
        begun = time.monotonic()
        source.close()
        assert time.monotonic() - begun < 4.0
