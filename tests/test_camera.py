"""Every source gives whole, upright RGB frames in order, or says in one line why it cannot."""

import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskwatch.camera import open_source, pictures, without_password
from maskwatch.camera.live import Live, Picamera
from maskwatch.errors import SourceError
from maskwatch.flow import Frame, Image

RED = np.full((48, 64, 3), (200, 30, 20), np.uint8)  # RGB


def picture(path: Path, rgb: Image = RED) -> Path:
    rng = np.random.default_rng(0)
    noisy = np.clip(rgb + rng.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
    assert cv2.imwrite(str(path), noisy[..., ::-1])
    return path


def video(path: Path, frames: int, codec: str = "MJPG", fps: float = 10.0) -> Path:
    """Frame n has brightness 5n, so that order and completeness can be read off."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 5 * number, np.uint8))
    writer.release()
    return path


def frames_of(spec: str, **settings: float) -> list[Frame]:
    source = open_source(spec, **settings)  # type: ignore[arg-type]
    frames = []
    while not source.ended:
        if (frame := source.read(1.0)) is not None:
            frames.append(frame)
    source.close()
    return frames


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


@pytest.mark.parametrize(("name", "reason"), [("gone.jpg", "No such file"), ("", "Is a directory")])
def test_what_is_no_image_file_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        pictures.read(tmp_path / name)


def test_text_called_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_text("hello")
    with pytest.raises(SourceError, match="no image cv2 can decode; expected bmp, jpeg"):
        pictures.read(path)


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "MJPG"), ("mp4", "mp4v")])
def test_a_video_gives_every_frame_in_order_on_its_own_clock(tmp_path: Path, suffix: str, codec: str) -> None:
    frames = frames_of(f"video:{video(tmp_path / f'x.{suffix}', 20, codec)}")
    assert [frame.time for frame in frames] == pytest.approx([number / 10 for number in range(20)])
    assert [frame.image.mean() for frame in frames] == pytest.approx([5.0 * n for n in range(20)], abs=4)


@pytest.mark.parametrize(
    ("suffix", "codec", "reason"),
    [
        ("mp4", "mp4v", "no video FFmpeg can read, or cut short"),
        ("avi", "MJPG", "ends after .* of 50 frames"),
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
        "try:\n"
        "    source = open_source(sys.argv[1])\n"
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
        ("webcam", "unknown; expected picamera:N"),
        ("v4l2:", "unknown"),
        ("picamera:front", "unknown"),
        ("v4l2:/dev/video99", "no such device"),
        ("video:/nowhere.mp4", "no such file"),
        ("images:/nowhere", "no such folder"),
        ("rtsp://user:secret@127.0.0.1:1/x", "rtsp://…@127.0.0.1:1/x: no stream"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(spec: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(spec, stall=1.0)
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no image inside"):
        open_source(f"images:{tmp_path}")


class Stepped:
    """A camera that gives one picture for each permission; picture n is all n."""

    def __init__(self, pictures_there: int, then: Exception | None = None) -> None:
        self.steps = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)  # released whenever the next picture is asked for
        self.closed = threading.Event()
        self._numbers: Iterator[int] = iter(range(1, pictures_there + 1))
        self._then = then

    def grab(self) -> Image | None:
        self.asked.release()
        self.steps.acquire()
        number = next(self._numbers, None)
        if number is None and self._then:
            raise self._then
        return None if number is None else np.full((2, 2, 3), number, np.uint8)

    def close(self) -> None:
        self.closed.set()


def given(camera: Stepped, number: int) -> None:
    """Let the camera deliver so many pictures, and wait until the last is in place."""
    for _ in range(number):
        camera.asked.acquire()
        camera.steps.release()
    camera.asked.acquire()
    camera.asked.release()


def test_live_keeps_only_the_newest_frame() -> None:
    camera = Stepped(3)
    live = Live(camera, "test", stall=60)
    given(camera, 3)
    frame = live.read(5)
    assert frame is not None
    assert frame.image[0, 0, 0] == 3
    assert live.read(0.0) is None
    camera.steps.release()
    assert live.read(5) is None
    assert live.ended
    live.close()
    assert camera.closed.is_set()


def test_live_times_run_forward() -> None:
    camera = Stepped(2)
    live = Live(camera, "test", stall=60)
    times = []
    for _ in range(2):
        given(camera, 1)
        frame = live.read(5)
        assert frame is not None
        times.append(frame.time)
    assert 0 <= times[0] <= times[1]
    camera.steps.release()
    live.close()


def test_a_camera_that_fails_is_told_to_the_reader() -> None:
    camera = Stepped(0, then=SourceError("v4l2:/dev/video0: unplugged"))
    camera.steps.release()
    live = Live(camera, "test", stall=60)
    with pytest.raises(SourceError, match="unplugged"):
        live.read(5)
    live.close()


def test_a_camera_that_hangs_is_given_up_after_stall_seconds() -> None:
    camera = Stepped(1)
    live = Live(camera, "picamera:0", stall=0.05)
    with pytest.raises(SourceError, match=r"picamera:0: no frame for 0.05 s"):
        live.read(0.2)
    camera.steps.release(2)
    live.close()


class Sensor:
    """What picamera2.Picamera2 does with a format: libcamera's names count bytes from the other end."""

    def __init__(self) -> None:
        self.running = False
        self._order = ""

    def create_video_configuration(self, main: dict[str, Any], controls: dict[str, float]) -> dict[str, Any]:
        return {"main": main, "controls": controls}

    def configure(self, configuration: dict[str, Any]) -> None:
        self._order = configuration["main"]["format"].removesuffix("888")[::-1]
        self._width, self._height = configuration["main"]["size"]

    def start(self) -> None:
        self.running = True

    def capture_array(self, name: str) -> Image:
        assert name == "main"
        colour = dict(zip("RGB", (200, 30, 20), strict=True))
        return np.full((self._height, self._width, 3), [colour[letter] for letter in self._order], np.uint8)

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        assert not self.running


def test_the_pi_camera_gives_red_first() -> None:
    sensor = Sensor()
    camera = Picamera(sensor, 64, 48, 15.0)
    image = camera.grab()
    camera.close()
    assert image is not None
    assert np.array_equal(image, RED)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("rtsp://me:secret@cam/live", "rtsp://…@cam/live"), ("rtsp://cam/live", "rtsp://cam/live"), ("demo", "demo")],
)
def test_passwords_are_not_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown


def test_folders_name_images_by_their_place_below(tmp_path: Path) -> None:
    (tmp_path / "door").mkdir()
    for name in ("b.JPG", "door/a.png", "a.txt"):
        (tmp_path / name).touch()
    found = pictures.find([tmp_path, tmp_path / "b.JPG", tmp_path / "gone.png"])
    assert [name for name, _ in found] == ["b.JPG", "door/a.png", "b.JPG", "gone.png"]
