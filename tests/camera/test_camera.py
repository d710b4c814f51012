"""Every source gives whole, upright RGB frames in order, or says in one line why it cannot."""

import logging
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from filmed import RED, frames_of, picture, video

from maskwatch.camera import open_source, opencv
from maskwatch.camera.files import folder, pictures
from maskwatch.cli import check
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError


@pytest.mark.parametrize("suffix", sorted(pictures.SUFFIXES))
def test_an_image_is_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    image = pictures.read(picture(tmp_path / f"x{suffix}"))
    assert image.shape == (48, 64, 3)
    assert np.allclose(image.mean((0, 1)), (200, 30, 20), atol=4)


@pytest.mark.parametrize("suffix", sorted(pictures.SUFFIXES))
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.98])
def test_an_image_cut_short_is_refused(
    tmp_path: Path, suffix: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    path = picture(tmp_path / f"x{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=rf"^image {path}: "):
        pictures.read(path)
    assert capfd.readouterr().err == ""  # no chatter of the decoder either


def test_the_end_of_a_thumbnail_is_not_taken_for_the_end_of_the_image(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.jpg")
    data, thumbnail = path.read_bytes(), b"\xff\xd8 thumbnail \xff\xd9"
    header = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = data[:2] + header + data[2:]
    path.write_bytes(whole)
    assert pictures.read(path).shape == (48, 64, 3)
    path.write_bytes(whole[:-40])
    with pytest.raises(SourceError, match="cut short"):
        pictures.read(path)


def test_a_png_with_a_damaged_byte_is_refused(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.png")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SourceError, match="cut short or damaged"):
        pictures.read(path)


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.jpg")
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"  # orientation, short, 1, turn right
    exif = b"Exif\0\0II*\0\x08\0\0\0" + b"\x01\x00" + entry + b"\0\0\0\0"
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    assert pictures.read(path).shape == (64, 48, 3)


@pytest.mark.parametrize(("name", "reason"), [("gone.jpg", "No such file"), ("", "a folder, expected a regular file")])
def test_what_is_no_image_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        pictures.read(tmp_path / name)


def test_text_called_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_text("hello")
    with pytest.raises(SourceError, match="not an image that cv2 can decode; expected bmp, jfif"):
        pictures.read(path)


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "MJPG"), ("mp4", "mp4v")])
def test_a_video_gives_every_frame_in_order_on_its_own_clock(tmp_path: Path, suffix: str, codec: str) -> None:
    frames = frames_of(f"video:{video(tmp_path / f'x.{suffix}', 20, codec)}")
    assert [frame.time for frame in frames] == pytest.approx([number / 10 for number in range(20)])
    assert [frame.image.mean() for frame in frames] == pytest.approx([5.0 * n for n in range(20)], abs=4)


@pytest.mark.parametrize(
    ("suffix", "codec", "reason"),
    [
        ("mp4", "mp4v", r"has no index \(moov\): cut short, or still being recorded"),
        ("avi", "MJPG", "ends after .* frames: cut short, .* bytes are missing"),
    ],
)
def test_a_video_cut_short_is_refused_without_chatter(tmp_path: Path, suffix: str, codec: str, reason: str) -> None:
    path = video(tmp_path / f"x.{suffix}", 50, codec)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=reason):
        frames_of(f"video:{path}")
    # In a process of its own: here the writer has woken FFmpeg before it could be muted.
    program = (
        "import sys; from maskwatch.camera import open_source; from maskwatch.errors import SourceError\n"
        "from maskwatch.config import CameraSettings\n"
        "try:\n"
        "    source = open_source(CameraSettings(source=sys.argv[1]))\n"
        "    while not source.ended: source.read(1)\n"
        "except SourceError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, f"video:{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(reason, done.stdout)
    assert done.stderr == ""


def test_a_folder_gives_its_images_in_order_and_names_what_it_skips(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, level in (("c.png", 90), ("a.jpg", 10), ("b.bmp", 50)):
        picture(tmp_path / name, np.full_like(RED, level))
    (tmp_path / "bad.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:200])
    (tmp_path / "notes.txt").write_text("not an image")
    with caplog.at_level(logging.WARNING):
        frames = frames_of(f"images:{tmp_path}", fps=2.0)
    assert [round(frame.image.mean(), -1) for frame in frames] == [10, 50, 90]
    assert [frame.time for frame in frames] == [0.0, 0.5, 1.5]
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == [
        f"images {tmp_path}",
        f"image {tmp_path / 'bad.jpg'}",
        f"images {tmp_path}",
    ]
    assert "1 of 4 skipped" in caplog.text


def test_a_folder_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(SourceError, match="none of the 1 images can be read"):
        frames_of(f"images:{tmp_path}")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("video:/nowhere.mp4", "no such file"),
        ("images:/nowhere", "no such folder"),
        ("./nowhere", "no such file"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(spec: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(CameraSettings(source=spec))
    assert reason in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image inside"):
        open_source(CameraSettings(source=f"images:{tmp_path}"))


@pytest.mark.parametrize(
    ("spec", "trouble"),
    [
        ("rtsp://user:secret@127.0.0.1:1/x", "no stream; check address, user, password and network"),
        ("v4l2:/dev/video99", "no such device; `ls /dev/video*` shows what is connected"),
    ],
)
def test_a_camera_that_is_not_there_yet_is_waited_for_and_given_up_in_the_end(spec: str, trouble: str) -> None:
    source = open_source(CameraSettings(source=spec, give_up=0.2))
    assert source.read(30) is None
    assert source.trouble == trouble
    time.sleep(0.2)
    with pytest.raises(SourceError, match=r"; given up after 0\.2 s$"):
        source.read(0)
    source.close()


def test_check_says_why_there_is_no_stream_and_shows_no_password() -> None:
    with pytest.raises(SourceError) as caught:
        check._camera(CameraSettings(source="rtsp://user:secret@127.0.0.1:1/x"))
    assert str(caught.value).startswith("rtsp://…@127.0.0.1:1/…: no stream; ")


@pytest.mark.parametrize(
    ("rotation", "shape", "bright"),
    [
        (0, (48, 64, 3), np.s_[:24]),
        (90, (64, 48, 3), np.s_[:, 24:]),
        (180, (48, 64, 3), np.s_[24:]),
        (270, (64, 48, 3), np.s_[:, :24]),
    ],
)
@pytest.mark.parametrize("kind", ["images", "video"])
def test_frames_are_turned_clockwise(
    tmp_path: Path, kind: str, rotation: int, shape: tuple[int, ...], bright: Any
) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24] = 200
    picture(tmp_path / "x.png", image)
    writer = cv2.VideoWriter(str(tmp_path / "x.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    writer.write(image)
    writer.release()
    place = tmp_path if kind == "images" else tmp_path / "x.avi"
    (frame,) = frames_of(f"{kind}:{place}", rotation=rotation)
    assert frame.image.shape == shape
    assert frame.image[bright].mean() > 180
    assert frame.image.mean() < 110


def test_files_are_described_and_never_in_trouble(tmp_path: Path) -> None:
    picture(tmp_path / "x.png", np.zeros_like(RED))
    for place, words in ((f"images:{tmp_path}", "1 images"), (f"video:{video(tmp_path / 'x.avi', 20)}", "10 frames a")):
        source = open_source(CameraSettings(source=place, dark=0.1, frozen=0.1, rotation=90))
        source.read(0)
        assert (source.trouble, words in source.describe()) == (None, True)
        source.close()


def test_a_usb_camera_goes_by_its_drivers_name(tmp_path: Path) -> None:
    (tmp_path / "video7").mkdir()
    (tmp_path / "video7" / "name").write_text("HD Webcam C270\n")
    link = tmp_path / "by-id"
    link.symlink_to("/dev/video7")
    assert opencv.card_name("/dev/video7", tmp_path) == "HD Webcam C270"
    assert opencv.card_name(str(link), tmp_path) == "HD Webcam C270"
    assert opencv.card_name("/dev/video8", tmp_path) == ""


@pytest.mark.parametrize(("fourcc", "name"), [(0x34363268, "h264"), (0.0, ""), (-1.0, "")])
def test_a_stream_goes_by_its_codec(fourcc: float, name: str) -> None:
    assert opencv.codec(fourcc) == name


class Unplugged:
    """A cv2.VideoCapture whose device went away."""

    def __init__(self, there: bool) -> None:
        self._there = there

    def read(self) -> tuple[bool, None]:
        if self._there:
            raise cv2.error("bad\nargument")
        return False, None


@pytest.mark.parametrize(("there", "reason"), [(False, "stopped giving frames"), (True, "bad argument")])
def test_a_capture_that_fails_says_so_in_a_line(there: bool, reason: str) -> None:
    with pytest.raises(SourceError, match=rf"^v4l2:/dev/video0: .*{reason}"):
        opencv.Capture(Unplugged(there), "v4l2:/dev/video0", "").grab()


def test_folders_name_images_by_their_place_below(tmp_path: Path) -> None:
    (tmp_path / "door").mkdir()
    for name in ("b.JPG", "door/a.png", "a.txt"):
        (tmp_path / name).touch()
    found = folder.find([tmp_path, tmp_path / "b.JPG", tmp_path / "gone.png"]).pictures
    assert [name for name, _ in found] == ["b.JPG", "door/a.png", "b.JPG", "gone.png"]


@pytest.mark.parametrize("device", ["/dev/\udcff", "/dev/" + "x" * 5000, "/dev/v\N{GRINNING FACE}"])
def test_a_device_of_an_impossible_name_is_refused_before_cv2_sees_it(device: str) -> None:
    with pytest.raises(SourceError, match="no device has such a name") as caught:
        open_source(CameraSettings(source=f"v4l2:{device}"))
    assert str(caught.value).isprintable()
