"""What a camera's source means: one meaning is taken, others say why not; nothing that is printed has the secret."""

import time
import traceback

import pytest
from addresses import SECRET, SPECS
from hypothesis import given
from hypothesis import strategies as st

from maskwatch.errors import SourceError
from maskwatch.text.address import ADVICE, Address, UnclearError, parse
from maskwatch.text.redaction import redacted, shown


@pytest.mark.parametrize(
    ("spec", "kind", "place", "displayed"),
    [
        ("demo", "demo", "", "demo"),
        (" demo\n", "demo", "", "demo"),
        ("picamera", "picamera", "0", "picamera:0"),
        ("PiCamera:1", "picamera", "1", "picamera:1"),
        ("0", "v4l2", "/dev/video0", "v4l2:/dev/video0"),
        ("video2", "v4l2", "/dev/video2", "v4l2:/dev/video2"),
        ("/dev/video0", "v4l2", "/dev/video0", "v4l2:/dev/video0"),
        ("/dev/v4l/by-id/usb-HD_Webcam-index0", "v4l2", "/dev/v4l/by-id/usb-HD_Webcam-index0", None),
        ("v4l2:3", "v4l2", "/dev/video3", "v4l2:/dev/video3"),
        ("v4l2:///dev/video3", "v4l2", "/dev/video3", "v4l2:/dev/video3"),
        ("RTSP://Cam.local/x", "rtsp", "rtsp://Cam.local/x", "rtsp://Cam.local/…"),
        ("rtsps://u:p@10.0.0.2:322/x", "rtsp", "rtsps://u:p@10.0.0.2:322/x", "rtsps://…@10.0.0.2:322/…"),
        ("HTTPS://cam/a b", "http", "https://cam/a%20b", "https://cam/…"),
        ("video:rtsp://u:p@cam/x", "rtsp", "rtsp://u:p@cam/x", "rtsp://…@cam/…"),  # no file is called so
        ("rtsp://u:p@[::1]:554/x", "rtsp", "rtsp://u:p@[::1]:554/x", "rtsp://…@[::1]:554/…"),
        ("video:/a b/c.mp4", "video", "/a b/c.mp4", "video:/a b/c.mp4"),
        ("video:/a/clip@2x.mp4", "video", "/a/clip@2x.mp4", "video:/a/clip@2x.mp4"),
        ("images:\U0001f637", "images", "\U0001f637", "images:\U0001f637"),
        ("clip.mp4", "path", "clip.mp4", "video:clip.mp4"),
        ("file:///a/c.mp4", "path", "/a/c.mp4", "video:/a/c.mp4"),
        ("video:\udcff.mp4", "video", "\udcff.mp4", "video:\\xff.mp4"),
    ],
)
def test_a_form_that_can_be_meant_in_one_way_is_taken(spec: str, kind: str, place: str, displayed: str | None) -> None:
    address = parse(spec)
    assert (address.kind, address.place) == (kind, place)
    assert displayed is None or address.shown == displayed


def test_a_path_is_the_folder_or_the_video_that_it_is(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("~/door.mp4").place == f"{tmp_path}/door.mp4"
    assert parse("images:~/door").place == f"{tmp_path}/door"
    (tmp_path / "door").mkdir()
    assert parse("~/door").shown == f"images:{tmp_path}/door"
    assert parse(str(tmp_path / "door.mp4")).on_disk.kind == "video"


@pytest.mark.parametrize(
    ("typed", "password"),
    [
        ("pl/ain", "pl/ain"),
        ("pl?ain", "pl?ain"),
        ("pl#ain", "pl#ain"),
        ("pl@ain", "pl@ain"),
        ("pl:ain", "pl:ain"),
        ("pl ain", "pl ain"),
        ("50%off", "50%off"),
        ("pl%23ain", "pl#ain"),
        ("größe", "größe"),
        ("@@//", "@@//"),
    ],
)
def test_a_password_with_odd_characters_reaches_the_camera_as_it_was_meant(typed: str, password: str) -> None:
    address = parse(f"rtsp://me:{typed}@cam.local:554/live")
    assert (address.user, address.password) == ("me", password)
    assert address.without_user == "rtsp://cam.local:554/live"
    again = parse(address.place)
    assert (again.user, again.password, again.place) == ("me", password, address.place)
    assert not set("#?@/ ") & set(address.place[len("rtsp://") : address.place.rindex("@")])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("webcam", "names no kind of source; expected picamera:N"),
        ("", "names no kind of source"),
        ("v4l2:", "names no kind of source"),
        ("picamera:front", "names no kind of source"),
        ("nvr/hunter2", "names no kind of source"),
        ("192.168.1.5/hunter2", "names no kind of source"),
        ("rtmp://u:hunter2@h/x", "names no kind of source that exists here"),
        ("u:hunter2@h", "names no kind of source that exists here"),
        ("rtsp:/u:hunter2@h", "two slashes"),
        ("rtsp:\\\\u:hunter2@h", "two slashes"),
        ("rtsp://", "no host is found"),
        ("rtsp://…@cam.local/…", "replaces secrets when it is shown"),  # copied from what `maskwatch config` prints
        ("rtsp://u:hunter2", "no host is found"),
        ("rtsp://u:hunter2@", "no host is found"),
        ("rtsp://u:hunter2@h:99999/", "no host is found"),
        ("rtsp://u:1/hunter2@h/x", ADVICE),
        ("rtsp://u:hunter2@h/x@y", ADVICE),
        ("images:http://u:hunter2@h", "images: is for files on this machine"),
        ("v4l2:rtsp://u:hunter2@h", "v4l2: is for a device of this machine"),
        ("video:\0", "control character"),
        ("rtsp://h/\n\x1b[2Jx", "control character"),
        ("9" * 5000, "names no kind of source"),
        ("rtsp://" + "a@" * 100_000, "no host is found"),
    ],
)
def test_what_has_no_meaning_or_several_says_what_was_expected_and_repeats_nothing(spec: str, expected: str) -> None:
    with pytest.raises(UnclearError) as caught:
        parse(spec)
    assert expected in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "password", "place"),
    [
        ("rtsp://me@cam/1", "a@b/c%41", "rtsp://me:a%40b%2Fc%2541@cam/1"),
        ("rtsp://me:{password}@cam/1", "x:y", "rtsp://me:x%3Ay@cam/1"),
        ("http://cam/snap?user=me&pwd={password}", "a&b=c", "http://cam/snap?user=me&pwd=a%26b%3Dc"),
    ],
)
def test_a_password_from_elsewhere_goes_where_it_belongs(spec: str, password: str, place: str) -> None:
    assert parse(spec).with_password(password).place == place


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("demo", "for network cameras"),
        ("rtsp://cam/1", "needs a user"),
        ("rtsp://me:hunter2@cam/1", "one in password_file"),
    ],
)
def test_a_password_from_elsewhere_that_belongs_nowhere_is_refused(spec: str, expected: str) -> None:
    with pytest.raises(UnclearError, match=expected) as caught:
        parse(spec).with_password("xyzzy")
    assert not {"xyzzy", SECRET} & set(str(caught.value).split())


@pytest.mark.parametrize("spec", SPECS)
def test_no_message_with_an_address_in_it_has_the_secret(spec: str) -> None:
    spec = spec.format(SECRET)
    message = f"source {spec}: cannot be opened ('{spec}'); [tcp @ 0x1] {spec}: refused"
    for text in (redacted(message), shown(spec), str(SourceError(message))):
        assert SECRET not in text
        assert redacted(text) == text  # a message within a message
    assert SECRET not in "".join(traceback.format_exception(SourceError(message)))
    try:
        address: Address | UnclearError = parse(spec)
    except UnclearError as error:
        address = error
    assert SECRET not in f"{address!r} {address} {getattr(address, 'shown', '')}"


@pytest.mark.parametrize(
    "text",
    [
        "config /etc/maskwatch/config.toml:3: camera.widht: unknown key; did you mean `width`?",
        "v4l2:/dev/video0: no such device; `ls /dev/video*` shows what is connected",
        "image /a/door@2x.jpg: no such file",
        "picamera:0: cannot be opened (busy); see what `rpicam-hello --list-cameras` shows",
        f"camera.source: no host is found in it; expected rtsp://USER:PASSWORD@HOST:PORT/PATH; {ADVICE}",
        "time=1.00 people=[(1, 0.5)]",
        "video:/a b/c.mp4: ends after 3 of 5 frames",
    ],
)
def test_a_message_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=60) | st.from_regex(r"[a-z]{1,5}:/{0,3}[a-z:@/?#% .0-9]{0,40}"))
def test_whatever_the_text_is_it_is_taken_or_refused_and_can_be_shown(text: str) -> None:
    assert shown(shown(text)) == shown(text)
    redacted(text)
    try:
        assert parse(text).shown
    except UnclearError:
        return


@pytest.mark.parametrize("piece", [":", "a:/", "a:/ ", "@", "a:@", "key=", "a.", "rtsp://…", "rtsp://u:p@", " ", "\n"])
def test_a_line_of_any_length_is_redacted_at_once(piece: str) -> None:
    begun = time.process_time()
    redacted(piece * 5000)
    assert time.process_time() - begun < 1.0
